/** The MQTT topic grammar (docs/reference/mqtt.md). Others build on it: it does not change. */
import { isName } from '../names.ts';

export interface TelemetryTopic {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
}

/** Words at the dataset's place that name something else, so no dataset may be called so. */
export const RESERVED_DATASETS: readonly string[] = ['alerts', 'live'];
/** Control datasets (`sys.devices` …) are written through the internal door alone. */
export const CONTROL_PREFIX = 'sys.';

/** True for a dataset name that a device may publish to. */
export function isTelemetryDataset(name: string): boolean {
  return isName(name) && !RESERVED_DATASETS.includes(name) && !name.startsWith(CONTROL_PREFIX);
}

/** Parses `v1/{agency}/{dataset}/{producer}`; null for every other topic name. */
export function parseTelemetryTopic(topic: string): TelemetryTopic | null {
  const parts = topic.split('/');
  if (parts.length !== 4 || parts[0] !== 'v1') return null;
  const [, agency, dataset, producer] = parts as [string, string, string, string];
  if (!isName(agency) || !isTelemetryDataset(dataset) || !isName(producer)) return null;
  return { agency, dataset, producer };
}

export function telemetryTopic(t: TelemetryTopic): string {
  return `v1/${t.agency}/${t.dataset}/${t.producer}`;
}

/** Where a producer finds the receipts for what it published. */
export function receiptTopic(t: TelemetryTopic): string {
  return `${telemetryTopic(t)}/receipt`;
}

/** Where accepted observations are republished for entitled subscribers. */
export function liveTopic(t: TelemetryTopic): string {
  return `v1/${t.agency}/live/${t.dataset}/${t.producer}`;
}

export function alertTopic(agency: string, severity: string, contract: string): string {
  return `v1/${agency}/alerts/${severity}/${contract}`;
}
