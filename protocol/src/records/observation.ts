/** One measured value with its times, unit and flags: what projections, contracts and screens work on (ISO 19156). */
import { applyConversion } from '@airtight/standards/units.ts';
import type { DatasetDefinition } from '../control.ts';
import { type DatasetRules, FUTURE_AFTER_MS, LATE_AFTER_MS, rulesOf } from '../datasets/dataset-rules.ts';
import type { Measurement, Result } from './measurement.ts';
import type { Reading } from './reading.ts';
import type { RecordHeader } from './record.ts';

/**
 * Marks on an observation. Only `converted` says that the result is another number than was sent: the same quantity in the
 * dataset's unit; the record keeps what was sent.
 * - `late`: phenomenonTime lies more than the dataset's `clock.lateMs` before receivedAt (back-filled)
 * - `future`: phenomenonTime lies more than its `clock.futureMs` after receivedAt (a wrong clock); never shown as the latest value
 * - `historical`: the producer says that it held the value back; never shown as the latest value
 * - `converted`: sent in another unit
 * - `range`: outside the property's physical range
 * - `unit`: the unit is not the dataset's and there is no conversion; only in records from before admission refused such
 * - `property`: the dataset does not name this property
 * - `q=X`: the producer's own quality mark X
 */
export type Flag = 'late' | 'future' | 'historical' | 'converted' | 'range' | 'unit' | 'property' | `q=${string}`;

/** The mark that says nothing against a value. */
export const CONVERTED_FLAG = 'converted' satisfies Flag;

export interface Observation {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
  /** Epoch ms by the device's clock; never rewritten. */
  readonly phenomenonTime: number;
  /** Epoch ms by ingest's clock. */
  readonly receivedAt: number;
  readonly result: Result;
  readonly unit: string;
  readonly flags: readonly Flag[];
  /** Journal position of the record it came in. */
  readonly position: number;
}

/** Spreads the readings of one record into observations, in payload order, with unit and flags filled in. */
export function toObservations(
  header: RecordHeader,
  position: number,
  readings: readonly Reading[],
  definition: DatasetDefinition | undefined,
): Observation[] {
  const { agency, dataset, producer, receivedAt } = header;
  const rules = definition === undefined ? undefined : rulesOf(definition);
  const observations: Observation[] = [];
  for (const { time, measurements } of readings) {
    const clockFlags = clockFlagsOf(time, receivedAt, rules);
    for (const measurement of measurements) {
      const flags: Flag[] = measurement.historical === true ? ['historical', ...clockFlags] : [...clockFlags];
      const { result, unit } = rules === undefined ? asSent(measurement) : inUnitOf(rules, measurement, flags);
      if (measurement.quality !== undefined) flags.push(`q=${measurement.quality}`);
      observations.push({
        agency,
        dataset,
        producer,
        observedProperty: measurement.property,
        phenomenonTime: time,
        receivedAt,
        result,
        unit,
        flags,
        position,
      });
    }
  }
  return observations;
}

interface Value {
  readonly result: Result;
  readonly unit: string;
}

function asSent({ result, unit }: Measurement): Value {
  return { result, unit: unit ?? '' };
}

/** The value in the dataset's unit where there is a way to it, with the flags that follow. */
function inUnitOf(rules: DatasetRules, measurement: Measurement, flags: Flag[]): Value {
  const { property, result, unit } = measurement;
  const expected = rules.property(property);
  if (expected === undefined) {
    flags.push('property');
    return asSent(measurement);
  }
  if (typeof result !== 'number') return { result, unit: expected.unit };
  let value = result;
  const conversion = unit === undefined ? null : rules.conversion(property, unit);
  if (conversion !== null) {
    const converted = typeof conversion === 'string' ? Number.NaN : applyConversion(result, conversion);
    if (typeof conversion === 'string' || !Number.isFinite(converted)) {
      flags.push('unit');
      return asSent(measurement);
    }
    if (!conversion.identical) flags.push(CONVERTED_FLAG);
    value = converted;
  }
  if (value < (expected.min ?? -Infinity) || value > (expected.max ?? Infinity)) flags.push('range');
  return { result: value, unit: expected.unit };
}

function clockFlagsOf(time: number, receivedAt: number, rules: DatasetRules | undefined): Flag[] {
  if (time - receivedAt > (rules?.futureMs ?? FUTURE_AFTER_MS)) return ['future'];
  if (receivedAt - time > (rules?.lateMs ?? LATE_AFTER_MS)) return ['late'];
  return [];
}
