/** What an authenticated device may do. */
import { type DatasetRegistry, type DeviceRecord, parseTelemetryTopic, receiptTopic, type TelemetryTopic } from '@airtight/protocol';
import { parseSparkplugTopic, SPARKPLUG_NAMESPACE } from '@airtight/standards/sparkplug-b.ts';
import type { DeviceRegistry } from './device-registry.ts';
import { uplinkTarget } from './uplink-target.ts';

/** [MQTT-4.7.1-2] and [MQTT-4.7.1-3]: a wildcard stands alone in its level, # in the last one. */
export function isTopicFilter(filter: string): boolean {
  const levels = filter.split('/');
  return levels.every((level, i) => (level === '#' ? i === levels.length - 1 : level === '+' || !/[+#]/.test(level)));
}

/** True when every topic name that `requested` matches is matched by `granted` too. Both are MQTT topic filters. */
export function filterCovers(granted: string, requested: string): boolean {
  // [MQTT-4.7.2-1] a filter that begins with a wildcard matches nothing that begins with $; shared subscriptions do too.
  if (requested.startsWith('$') && !granted.startsWith('$')) return false;
  const grantedLevels = granted.split('/');
  const requestedLevels = requested.split('/');
  for (const [i, level] of grantedLevels.entries()) {
    if (level === '#') return true;
    const wanted = requestedLevels[i];
    if (wanted === undefined || wanted === '#') return false;
    if (level !== '+' && level !== wanted) return false;
  }
  return requestedLevels.length === grantedLevels.length;
}

/**
 * As whom a message on this topic enters, null when the device may not publish there. A device publishes as itself
 * alone, to the datasets it was enrolled for; a gateway also as those that were enrolled behind it, on our own topics or
 * on those of its network.
 */
export function publishTarget(
  device: DeviceRecord,
  topic: string,
  registry: DeviceRegistry,
  datasets: Pick<DatasetRegistry, 'current'>,
): TelemetryTopic | null {
  const enrolled = enrolledTarget(topic, registry, datasets, device);
  if (device.revoked || enrolled === null) return null;
  const { target, as } = enrolled;
  return as.producer === device.producer || as.gateway === device.producer ? target : null;
}

/** As whom a message on this topic enters, whoever brings it; null when nobody is enrolled for it. */
export function brokeredTarget(topic: string, registry: DeviceRegistry, datasets: Pick<DatasetRegistry, 'current'>): TelemetryTopic | null {
  return enrolledTarget(topic, registry, datasets)?.target ?? null;
}

/** @param self known already: what the registry says of it is not asked */
function enrolledTarget(topic: string, registry: DeviceRegistry, datasets: Pick<DatasetRegistry, 'current'>, self?: DeviceRecord) {
  const target = parseTelemetryTopic(topic) ?? uplinkTarget(topic, registry, datasets);
  const as = target?.producer === self?.producer ? self : registry.get(target?.producer ?? '');
  if (target === null || as === undefined || as.revoked) return null;
  return target.agency === as.agency && as.datasets.includes(target.dataset) ? { target, as } : null;
}

/** Network name of Sparkplug in foreign ids: `sparkplug:{group}/{edge}[/{device}]`. */
const SPARKPLUG_NETWORK = 'sparkplug:';

/**
 * As whom a Sparkplug message enters: the edge node that publishes, or a device enrolled behind it. Its topic names no
 * dataset, so it is the first one the speaker was enrolled for. Null when that may not be; commands are nobody's to give.
 */
export function sparkplugTarget(device: DeviceRecord, topic: string, registry: DeviceRegistry): TelemetryTopic | null {
  const parsed = parseSparkplugTopic(topic);
  if (parsed === null || parsed.message.endsWith('CMD')) return null;
  const edgeId = `${SPARKPLUG_NETWORK}${parsed.group}/${parsed.edge}`;
  if (device.foreignId !== edgeId) return null;
  const as = parsed.device === undefined ? device : registry.byForeignId(`${edgeId}/${parsed.device}`);
  if (as === undefined || as.revoked || (as !== device && as.gateway !== device.producer)) return null;
  const [dataset] = as.datasets;
  return dataset === undefined ? null : { agency: as.agency, dataset, producer: as.producer };
}

/** What a Sparkplug edge node listens to: commands to itself and its devices, and whether the host is there (chapter 5.4). */
function sparkplugFilters({ foreignId }: DeviceRecord): readonly string[] {
  const [group, edge, device] = foreignId?.startsWith(SPARKPLUG_NETWORK) ? foreignId.slice(SPARKPLUG_NETWORK.length).split('/') : [];
  if (group === undefined || edge === undefined || device !== undefined) return [];
  const commands = ['NCMD', 'DCMD'].map((message) => `${SPARKPLUG_NAMESPACE}/${group}/${message}/${edge}/#`);
  return [...commands, `${SPARKPLUG_NAMESPACE}/STATE/+`];
}

/** A device hears its own receipts, what it was granted, and as a Sparkplug edge node what its protocol asks for. */
export function maySubscribe(device: DeviceRecord, filter: string): boolean {
  const own = device.datasets.map((dataset) => receiptTopic({ agency: device.agency, dataset, producer: device.producer }));
  return [...own, ...device.subscribe, ...sparkplugFilters(device)].some((granted) => filterCovers(granted, filter));
}
