/** What an authenticated device may do. */
import { type DatasetRegistry, type DeviceRecord, parseTelemetryTopic, receiptTopic, type TelemetryTopic } from '@airtight/protocol';
import type { DeviceRegistry } from './device-registry.ts';
import { uplinkTarget } from './uplink-target.ts';

/** True when every topic name that `requested` matches is matched by `granted` too. Both are MQTT topic filters. */
export function filterCovers(granted: string, requested: string): boolean {
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
  const target = parseTelemetryTopic(topic) ?? uplinkTarget(topic, registry, datasets);
  if (target === null) return null;
  const as = target.producer === device.producer ? device : registry.get(target.producer);
  if (device.revoked || as === undefined || as.revoked || (as !== device && as.gateway !== device.producer)) return null;
  return target.agency === as.agency && as.datasets.includes(target.dataset) ? target : null;
}

/** A device hears its own receipts, and what it was granted. */
export function maySubscribe(device: DeviceRecord, filter: string): boolean {
  const own = device.datasets.map((dataset) => receiptTopic({ agency: device.agency, dataset, producer: device.producer }));
  return [...own, ...device.subscribe].some((granted) => filterCovers(granted, filter));
}
