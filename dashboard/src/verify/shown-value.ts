/** Holds a number on the screen against the bytes that are proven: the proof is of the record, the reader sees the value. */
import { type DatasetDefinition, type Result, readableRecord, readPayload, type SparkplugBirth, toObservations } from '@airtight/protocol';
import type { ProofBundle } from '@airtight/tlog';

export interface ShownValue {
  readonly producer: string;
  readonly observedProperty: string;
  /** RFC 3339. */
  readonly phenomenonTime: string;
  readonly result: Result;
}

/** What it takes to read a record's values, beside the record. */
export interface ReadingContext {
  /** The Sparkplug birth it refers to, if any. */
  readonly birth?: SparkplugBirth | undefined;
  /** Datasets as this screen knows them: what was sent in another unit is shown in the dataset's. */
  readonly definitionOf?: ((dataset: string) => DatasetDefinition | undefined) | undefined;
}

/**
 * @returns what the record says instead: the value it holds for that property and time, undefined when it holds none
 */
export function valueInRecord(
  { record, disclosure }: Pick<ProofBundle, 'record' | 'disclosure'>,
  shown: ShownValue,
  { birth, definitionOf }: ReadingContext,
): Result | undefined {
  const decoded = readableRecord(record, disclosure);
  if (!decoded.ok || decoded.value.header.producer !== shown.producer) return undefined;
  const { header, payload } = decoded.value;
  const definition = definitionOf?.(header.dataset);
  const readings = readPayload(payload, { ...header, definition, birth });
  if (!readings.ok) return undefined;
  const time = Date.parse(shown.phenomenonTime);
  const own = toObservations(header, 0, readings.value, definition);
  return own.find(({ phenomenonTime, observedProperty }) => phenomenonTime === time && observedProperty === shown.observedProperty)?.result;
}
