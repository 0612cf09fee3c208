/** What an authenticated device may do. */
import { type DeviceRecord, parseTelemetryTopic, receiptTopic, type TelemetryTopic } from '@airtight/protocol';
import type { DeviceRegistry } from './device-registry.ts';

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
 * alone, to the datasets it was enrolled for; a gateway also as those that were enrolled behind it.
 */
export function publishTarget(device: DeviceRecord, topic: string, registry: DeviceRegistry): TelemetryTopic | null {
  const target = parseTelemetryTopic(topic);
  if (target === null) return null;
  const as = target.producer === device.producer ? device : registry.get(target.producer);
  if (as === undefined || as.revoked || (as !== device && as.gateway !== device.producer)) return null;
  return target.agency === as.agency && as.datasets.includes(target.dataset) ? target : null;
}

/** A device hears its own receipts, and what it was granted. */
export function maySubscribe(device: DeviceRecord, filter: string): boolean {
  const own = device.datasets.map((dataset) => receiptTopic({ agency: device.agency, dataset, producer: device.producer }));
  return [...own, ...device.subscribe].some((granted) => filterCovers(granted, filter));
}
