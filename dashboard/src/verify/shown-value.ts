/** Holds a number on the screen against the bytes that are proven: the proof is of the record, the reader sees the value. */
import { decodeRecord, type Result, readPayload, type SparkplugBirth } from '@airtight/protocol';

export interface ShownValue {
  readonly producer: string;
  readonly observedProperty: string;
  /** RFC 3339. */
  readonly phenomenonTime: string;
  readonly result: Result;
}

/**
 * @param birth the Sparkplug birth the record refers to, if any
 * @returns what the record says instead: the value it holds for that property and time, undefined when it holds none
 */
export function valueInRecord(record: Uint8Array, shown: ShownValue, birth?: SparkplugBirth): Result | undefined {
  const decoded = decodeRecord(record);
  if (!decoded.ok || decoded.value.header.producer !== shown.producer) return undefined;
  const readings = readPayload(decoded.value.payload, { ...decoded.value.header, definition: undefined, birth });
  if (!readings.ok) return undefined;
  const time = Date.parse(shown.phenomenonTime);
  const measurements = readings.value.filter((reading) => reading.time === time).flatMap((reading) => reading.measurements);
  return measurements.find(({ property }) => property === shown.observedProperty)?.result;
}
