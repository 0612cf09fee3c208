/** What an authenticated device may do. */
import { type DeviceRecord, parseTelemetryTopic, receiptTopic } from '@airtight/protocol';

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

/** A device publishes as itself alone, to the datasets it was enrolled for. */
export function mayPublish(device: DeviceRecord, topic: string): boolean {
  const parsed = parseTelemetryTopic(topic);
  return (
    parsed !== null && parsed.agency === device.agency && parsed.producer === device.producer && device.datasets.includes(parsed.dataset)
  );
}

/** A device hears its own receipts, and what it was granted. */
export function maySubscribe(device: DeviceRecord, filter: string): boolean {
  const own = device.datasets.map((dataset) => receiptTopic({ agency: device.agency, dataset, producer: device.producer }));
  return [...own, ...device.subscribe].some((granted) => filterCovers(granted, filter));
}
