/** HJ 212 data segments as readings: one segment is what a monitor reports for one DataTime. */
import { HJ212_CN, type Hj212Item, parseHj212 } from '@airtight/standards/hj212.ts';
import { isPropertyName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { MEASUREMENTS_MAX, type Measurement, TIME_MAX, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';

/** Codes of HJ 524 that have a name of their own here; any other stays the property. */
const PROPERTY_OF: { readonly [code: string]: string } = {
  ...{ a34004: 'pm25', a34002: 'pm10', a21026: 'so2', a21004: 'no2', a21005: 'co', a05024: 'o3' },
  ...{ a01001: 'temp', a01002: 'rh', a01006: 'pressure', a01007: 'wind_speed', a01008: 'wind_direction' },
};
/** Over which time a command's values are taken; the same DataTime may come in several of them. */
const PERIOD_OF: { readonly [cn: string]: string } = {
  [HJ212_CN.realtime]: '',
  [HJ212_CN.minute]: '_minute',
  [HJ212_CN.hour]: '_hour',
  [HJ212_CN.day]: '_day',
};
/** Field names after the code, in lower case; `Rtd` and its corrected form (折算) are the value itself. */
const SUFFIX_OF: { readonly [field: string]: string } = {
  ...{ rtd: '', avg: '_avg', min: '_min', max: '_max', cou: '_sum' },
  ...{ zsrtd: '_corrected', zsavg: '_corrected_avg', zsmin: '_corrected_min', zsmax: '_corrected_max' },
};
/** Flag of a valid value. */
const FLAG_NORMAL = 'N';
/** DataTime is in China's time, whatever the zone of the monitor's region. */
const ZONE_OFFSET_MS = 8 * 3_600_000;

/**
 * The reading in a data segment (ASCII, without frame and password), none where it holds no value. Fields beside values and
 * flags stay in the record alone.
 * @returns HJ212_MALFORMED, PAYLOAD_SHAPE for a command that reports no values, TIME_INVALID, NUMBER_NOT_FINITE
 */
export function toHj212Readings(payload: Uint8Array): Outcome<readonly Reading[]> {
  const parsed = parseHj212(String.fromCharCode(...payload));
  if (!parsed.ok) return refuse('HJ212_MALFORMED', parsed.detail);
  const { cn, qn, mn, pno = 1, groups } = parsed.value;
  const period = PERIOD_OF[cn];
  if (period === undefined) return refuse('PAYLOAD_SHAPE', `CN ${cn} reports no values`);
  const time = timeOf(groups.flat().find(({ key }) => key === 'DataTime')?.value);
  if (typeof time !== 'number') return time;
  const measurements = new Map<string, Measurement>();
  for (const group of groups) {
    for (const measurement of measurementsOf(group, period)) {
      if ('ok' in measurement) return measurement;
      if (measurements.has(measurement.property)) return refuse('PAYLOAD_SHAPE', `${measurement.property} twice`);
      measurements.set(measurement.property, measurement);
    }
  }
  if (measurements.size > MEASUREMENTS_MAX) return refuse('PAYLOAD_SHAPE', `more than ${MEASUREMENTS_MAX} measurements`);
  // A monitor that has nothing to report, or only what stays in the record.
  if (measurements.size === 0) return accept([]);
  const identity = qn === undefined ? {} : { messageId: `id:${qn}-${cn}-${mn}-${pno}` };
  return accept([{ ...identity, time, measurements: [...measurements.values()] }]);
}

function* measurementsOf(group: readonly Hj212Item[], period: string): Generator<Measurement | Refusal> {
  for (const { key, value } of group) {
    const dash = key.lastIndexOf('-');
    const suffix = dash < 1 ? undefined : SUFFIX_OF[key.slice(dash + 1).toLowerCase()];
    if (suffix === undefined || value === '') continue;
    const code = key.slice(0, dash);
    const measurement = toPlainMeasurement(`${propertyOf(code)}${period}${suffix}`, numberOrText(value));
    const isNamed = 'ok' in measurement || isPropertyName(measurement.property);
    yield isNamed ? withFlag(measurement, group, code) : refuse('PAYLOAD_SHAPE', `property name ${measurement.property}`);
  }
}

function withFlag(measurement: Measurement | Refusal, group: readonly Hj212Item[], code: string): Measurement | Refusal {
  const flag = group.find(({ key }) => key === `${code}-Flag`)?.value;
  if ('ok' in measurement || flag === undefined || flag === '' || flag === FLAG_NORMAL) return measurement;
  return { ...measurement, quality: flag.slice(0, 16) };
}

/** A code of 2005 begins with a digit (`011`), a property name does not. */
function propertyOf(code: string): string {
  const plain = code.replaceAll('-', '_');
  return PROPERTY_OF[code] ?? (/^[A-Za-z]/.test(plain) ? plain : `c_${plain}`);
}

function numberOrText(value: string): number | string {
  return /^[+-]?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
}

function timeOf(text: string | undefined): number | Refusal {
  const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(text ?? '');
  if (match !== null) {
    const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [number, number, number, number, number, number];
    const local = Date.UTC(year, month - 1, day, hour, minute, second);
    const time = local - ZONE_OFFSET_MS;
    // Date.UTC carries a 31st of April over into May.
    const isReal = new Date(local).toISOString().replace(/\D/g, '').startsWith(match[0]);
    if (isReal && time >= 0 && time <= TIME_MAX) return time;
  }
  return refuse('TIME_INVALID', `DataTime ${JSON.stringify(text)?.slice(0, 40)}`);
}
