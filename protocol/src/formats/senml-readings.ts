/** SenML packs (RFC 8428) as readings: records of one time are one reading, the end of a name is the property. */
import { isSenmlPack, resolveSenml, type SenmlRecord } from '@airtight/standards/senml.ts';
import { isPropertyName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { MEASUREMENTS_MAX, type Measurement, READINGS_MAX, TIME_MAX, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';

interface OpenReading {
  readonly time: number;
  readonly measurements: Measurement[];
  relative: boolean;
}

/** A pack of SenML, and no array of our own readings: none of its elements has `m`, which SenML does not know. */
export function isSenml(json: readonly unknown[]): boolean {
  return isSenmlPack(json) && !json.some((item) => item !== null && typeof item === 'object' && Object.hasOwn(item, 'm'));
}

/**
 * Readings in the order in which their times first occur. A sum (`s`) and an update time (`ut`) stay in the record alone.
 * @param receivedAt epoch ms, to which relative times refer (RFC 8428 §4.5.3)
 * @returns readings; or PAYLOAD_SHAPE, TIME_INVALID, NUMBER_NOT_FINITE
 */
export function toSenmlReadings(json: readonly unknown[], receivedAt: number): Outcome<readonly Reading[]> {
  const pack = resolveSenml(json, receivedAt / 1000);
  if (!pack.ok) return refuse(pack.reason === 'number' ? 'NUMBER_NOT_FINITE' : 'PAYLOAD_SHAPE', `SenML ${pack.reason}, ${pack.detail}`);
  const names = new Map<string, string>();
  const readings = new Map<number, OpenReading>();
  for (const [index, record] of pack.records.entries()) {
    const measurement = toMeasurement(record, names);
    if ('ok' in measurement) return measurement;
    const time = Math.round(record.t * 1000);
    if (!Number.isSafeInteger(time) || time < 0 || time > TIME_MAX) return refuse('TIME_INVALID', `SenML record ${index}: ${record.t} s`);
    const reading = readings.get(time) ?? { time, measurements: [], relative: false };
    if (reading.measurements.some(({ property }) => property === measurement.property)) {
      return refuse('PAYLOAD_SHAPE', `SenML record ${index}: ${measurement.property} twice at ${time} ms`);
    }
    if (reading.measurements.push(measurement) > MEASUREMENTS_MAX) {
      return refuse('PAYLOAD_SHAPE', `more than ${MEASUREMENTS_MAX} measurements at ${time} ms`);
    }
    reading.relative ||= pack.relative[index] === true;
    readings.set(time, reading);
  }
  if (readings.size > READINGS_MAX) return refuse('PAYLOAD_SHAPE', `${readings.size} readings; 1 to ${READINGS_MAX} are taken`);
  return accept([...readings.values()].map(toReading));
}

function toReading({ time, measurements, relative }: OpenReading): Reading {
  return relative ? { time, relativeTime: true, measurements } : { time, measurements };
}

/** @param names the full name each property of this pack came from: two sensors must not become one series */
function toMeasurement({ n, u, v, vs, vb, vd }: SenmlRecord, names: Map<string, string>): Measurement | Refusal {
  const property = n.slice(Math.max(n.lastIndexOf(':'), n.lastIndexOf('/')) + 1);
  if (!isPropertyName(property)) return refuse('PAYLOAD_SHAPE', `property name ${JSON.stringify(property)} at the end of ${n}`);
  const name = names.get(property) ?? n;
  if (name !== n) return refuse('PAYLOAD_SHAPE', `${property} is both ${name} and ${n}`);
  names.set(property, name);
  if (vd !== undefined) return refuse('PAYLOAD_SHAPE', `${property}: data values (vd) are not taken`);
  const measurement = toPlainMeasurement(property, v ?? vs ?? vb);
  return 'ok' in measurement || u === undefined ? measurement : { ...measurement, unit: u };
}
