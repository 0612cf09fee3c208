/** Holds a number on the screen against the bytes that are proven: the proof is of the record, the reader sees the value. */
import { decodeRecord, parseReadings, type Result } from '@airtight/protocol';

export interface ShownValue {
  readonly producer: string;
  readonly observedProperty: string;
  /** RFC 3339. */
  readonly phenomenonTime: string;
  readonly result: Result;
}

/** @returns what the record says instead: the value it holds for that property and time, undefined when it holds none */
export function valueInRecord(record: Uint8Array, shown: ShownValue): Result | undefined {
  const decoded = decodeRecord(record);
  if (!decoded.ok || decoded.value.header.producer !== shown.producer) return undefined;
  const readings = parseReadings(new TextDecoder().decode(decoded.value.payload), decoded.value.header.receivedAt);
  if (!readings.ok) return undefined;
  const time = Date.parse(shown.phenomenonTime);
  const reading = readings.value.find((candidate) => candidate.time === time);
  return reading?.measurements.find((measurement) => measurement.property === shown.observedProperty)?.result;
}
