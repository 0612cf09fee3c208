/** What an authenticated device may do. */
import { type DatasetRegistry, type DeviceRecord, parseTelemetryTopic, receiptTopic, type TelemetryTopic } from '@airtight/protocol';
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

/** A device hears its own receipts, and what it was granted. */
export function maySubscribe(device: DeviceRecord, filter: string): boolean {
  const own = device.datasets.map((dataset) => receiptTopic({ agency: device.agency, dataset, producer: device.producer }));
  return [...own, ...device.subscribe].some((granted) => filterCovers(granted, filter));
}
