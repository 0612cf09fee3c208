/** One measured value with its times, unit and flags: what projections, contracts and screens work on (ISO 19156). */
import type { DatasetDefinition } from './control.ts';
import type { Result } from './measurement.ts';
import type { Reading } from './reading.ts';
import type { RecordHeader } from './record.ts';

/**
 * Marks on an observation; none changes its value.
 * - `late`: phenomenonTime lies more than LATE_AFTER_MS before receivedAt (back-filled)
 * - `future`: phenomenonTime lies more than FUTURE_AFTER_MS after receivedAt (a wrong clock); never shown as the latest value
 * - `historical`: the producer says that it held the value back; never shown as the latest value
 * - `range`: outside the property's physical range
 * - `unit`: the unit is not the dataset's
 * - `property`: the dataset does not name this property
 * - `q=X`: the producer's own quality mark X
 */
export type Flag = 'late' | 'future' | 'historical' | 'range' | 'unit' | 'property' | `q=${string}`;

/** An hourly value may come a full hour after its hour began; anything older was held back somewhere. */
export const LATE_AFTER_MS = 2 * 3_600_000;
/** Devices without a battery clock drift by minutes; more is a wrong clock. */
export const FUTURE_AFTER_MS = 5 * 60_000;

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
  const observations: Observation[] = [];
  for (const reading of readings) {
    const clockFlags = clockFlagsOf(reading.time, header.receivedAt);
    for (const { property, result, unit, quality, historical } of reading.measurements) {
      const expected =
        definition !== undefined && Object.hasOwn(definition.properties, property) ? definition.properties[property] : undefined;
      const flags: Flag[] = historical === true ? ['historical', ...clockFlags] : [...clockFlags];
      if (definition !== undefined && expected === undefined) flags.push('property');
      if (expected !== undefined) {
        if (unit !== undefined && unit !== expected.unit) flags.push('unit');
        else if (typeof result === 'number' && (result < (expected.min ?? -Infinity) || result > (expected.max ?? Infinity)))
          flags.push('range');
      }
      if (quality !== undefined) flags.push(`q=${quality}`);
      observations.push({
        agency: header.agency,
        dataset: header.dataset,
        producer: header.producer,
        observedProperty: property,
        phenomenonTime: reading.time,
        receivedAt: header.receivedAt,
        result,
        unit: unit ?? expected?.unit ?? '',
        flags,
        position,
      });
    }
  }
  return observations;
}

function clockFlagsOf(time: number, receivedAt: number): Flag[] {
  if (time - receivedAt > FUTURE_AFTER_MS) return ['future'];
  if (receivedAt - time > LATE_AFTER_MS) return ['late'];
  return [];
}
