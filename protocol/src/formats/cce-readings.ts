/** Transmissions of fridge data (cce-interop 0.8.1) as readings: every record is one moment of one appliance. */
import {
  alarmCodes,
  applianceOf,
  CCE_ALARMS,
  CCE_MEASURED,
  type CceTransmission,
  cceFault,
  parseAbst,
} from '@airtight/standards/cce-interop.ts';
import { isMessageName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { type Measurement, READINGS_MAX, TIME_MAX, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';

type CceRecord = { readonly [code: string]: unknown };

/**
 * Readings in the order in which their times first occur. Records of one time are one reading: a remote monitor sends one
 * for each sensor. What repeats an earlier record of the transmission adds nothing; a property with another value at
 * the same time is a revision, and stands in a further reading of that time.
 * @returns readings; or PAYLOAD_SHAPE with the JSON Pointer of the fault, TIME_INVALID, NUMBER_NOT_FINITE
 */
export function toCceReadings(json: unknown): Outcome<readonly Reading[]> {
  const fault = cceFault(json);
  if (fault !== undefined) return refuse('PAYLOAD_SHAPE', `cce-interop ${fault.at}: ${fault.detail}`);
  const { meta, data } = json as CceTransmission;
  // A producer is one appliance: two in one series would be a lie.
  if (new Set(data.map(applianceOf)).size > 1) return refuse('PAYLOAD_SHAPE', 'cce-interop /data: reports about several appliances');
  const moments = new Moments();
  for (const [r, { records }] of data.entries()) {
    for (const [i, record] of records.entries()) {
      const refusal = take(moments, record, `/data/${r}/records/${i}`);
      if (refusal !== undefined) return refusal;
    }
  }
  const { transferId } = meta;
  return accept(moments.readings(isMessageName(transferId) ? `id:${transferId}` : undefined));
}

function take(moments: Moments, record: CceRecord, at: string): Refusal | undefined {
  const time = parseAbst(record['ABST'] as string);
  if (!Number.isSafeInteger(time) || time > TIME_MAX)
    return refuse('TIME_INVALID', `cce-interop ${at}/ABST: ${String(record['ABST']).slice(0, 32)}`);
  const measurements = toMeasurements(record);
  if (!Array.isArray(measurements)) return measurements as Refusal;
  return moments.add(time, measurements) ? undefined : refuse('PAYLOAD_SHAPE', `cce-interop: more than ${READINGS_MAX} readings`);
}

/** The properties of a record (docs/reference/formats.md): each code in lower case, and what follows from ALRM and SVA. */
function toMeasurements(record: CceRecord): Measurement[] | Refusal {
  const measurements: Measurement[] = [];
  for (const code of CCE_MEASURED) {
    const value = record[code];
    if (value === undefined || value === null || value === '') continue;
    const measurement = toPlainMeasurement(code.toLowerCase(), value);
    if ('ok' in measurement) return measurement;
    measurements.push(measurement);
  }
  const codes = alarmCodes(record['ALRM']);
  for (const alarm of CCE_ALARMS) measurements.push({ property: `alarm_${alarm.toLowerCase()}`, result: codes.has(alarm) });
  const available = record['SVA'];
  if (typeof available === 'number') measurements.push({ property: 'power', result: available > 0 });
  return measurements;
}

interface Moment {
  readonly time: number;
  readonly measurements: Measurement[];
}

/** Gathers the records of a transmission by time. */
class Moments {
  readonly #moments: Moment[] = [];
  /** The newest moment of each time, and what is known of that time. */
  readonly #newest = new Map<number, { moment: Moment; readonly known: Map<string, Measurement['result']> }>();

  /** @returns false when there is no room for one more moment */
  add(time: number, measurements: readonly Measurement[]): boolean {
    const newest = this.#newest.get(time);
    if (newest === undefined) {
      const moment = this.#open(time, measurements);
      this.#newest.set(time, { moment, known: new Map(measurements.map(({ property, result }) => [property, result])) });
      return this.#moments.length <= READINGS_MAX;
    }
    const news = measurements.filter(({ property, result }) => newest.known.get(property) !== result);
    if (news.some(({ property }) => newest.known.has(property))) newest.moment = this.#open(time, news);
    else newest.moment.measurements.push(...news);
    for (const { property, result } of news) newest.known.set(property, result);
    return this.#moments.length <= READINGS_MAX;
  }

  readings(payloadId: string | undefined): Reading[] {
    return this.#moments.map((moment) => (payloadId === undefined ? moment : { payloadId, ...moment }));
  }

  #open(time: number, measurements: readonly Measurement[]): Moment {
    const moment = { time, measurements: [...measurements] };
    this.#moments.push(moment);
    return moment;
  }
}
