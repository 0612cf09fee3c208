/**
 * Payloads that are accepted, told apart by their content: our own JSON
 *
 *   {"id"?: "…", "seq"?: 17, "t": 1735689600000 | "RFC 3339", "m": {"pm25": 35.4, "pm10": {"v": 80, "u": "ug/m3", "q": "N"}}}
 *
 * or an array of these, SenML packs (senml-readings.ts), transmissions of fridge data (cce-readings.ts). Parsed by ingest
 * for admission and by the api for projection: one parser, so both agree.
 */
import { isCceTransmission } from '@airtight/standards/cce-interop.ts';
import { toCceReadings } from '../formats/cce-readings.ts';
import { parseJson } from '../formats/json-text.ts';
import { isSenml, toSenmlReadings } from '../formats/senml-readings.ts';
import { isMessageName, isPropertyName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { MEASUREMENTS_MAX, type Measurement, READINGS_MAX, timeOf, toPlainMeasurement } from './measurement.ts';

export interface Reading {
  /** `id:…` or `seq:…`, when the payload names itself. */
  readonly messageId?: string;
  /** `id:…`, when the payload as a whole names itself, however many readings it holds. */
  readonly payloadId?: string;
  /** phenomenonTime, epoch ms, as the device told it. */
  readonly time: number;
  /** Set when the device told its time relative to the receipt: the same bytes at another time are another reading. */
  readonly relativeTime?: true;
  readonly measurements: readonly Measurement[];
}

export const UNIT_MAX_LENGTH = 32;
export const QUALITY_MAX_LENGTH = 16;

/**
 * Parses and checks a payload text.
 * @param receivedAt epoch ms, as in the record's header: relative times refer to it, so a replay gives the same readings
 * @returns readings in payload order; or PAYLOAD_NOT_JSON, PAYLOAD_SHAPE, TIME_INVALID, NUMBER_NOT_FINITE
 */
export function parseReadings(text: string, receivedAt: number): Outcome<readonly Reading[]> {
  const json = parseJson(text);
  return json.ok ? toJsonReadings(json.value, receivedAt) : json;
}

/** The same for parsed JSON. */
export function toJsonReadings(json: unknown, receivedAt: number): Outcome<readonly Reading[]> {
  if (Array.isArray(json)) return isSenml(json) ? toSenmlReadings(json, receivedAt) : toReadings(json);
  if (isCceTransmission(json)) return toCceReadings(json);
  const reading = toReading(json);
  return 'ok' in reading ? reading : accept([reading]);
}

/**
 * The record's identity: its own name, or that of a lone reading, or the numbers of several (`seq:17-19`) when each is one
 * more than the one before; else its content is its identity.
 */
export function messageIdOf(readings: readonly Reading[]): string | undefined {
  if (readings[0]?.payloadId !== undefined) return readings[0].payloadId;
  return readings.length === 1 ? readings[0]?.messageId : numbersOf(readings);
}

function numbersOf(readings: readonly Reading[]): string | undefined {
  const numbers = readings.map(({ messageId = '' }) => (messageId.startsWith('seq:') ? Number(messageId.slice(4)) : Number.NaN));
  const [first = Number.NaN] = numbers;
  return numbers.length > 1 && numbers.every((number, at) => number === first + at) ? `seq:${first}-${numbers.at(-1)}` : undefined;
}

function toReadings(items: readonly unknown[]): Outcome<readonly Reading[]> {
  if (items.length === 0 || items.length > READINGS_MAX) {
    return refuse('PAYLOAD_SHAPE', `${items.length} readings; 1 to ${READINGS_MAX} are taken`);
  }
  const readings: Reading[] = [];
  for (const item of items) {
    const reading = toReading(item);
    if ('ok' in reading) return reading;
    readings.push(reading);
  }
  return accept(readings);
}

function toReading(json: unknown): Reading | Refusal {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) {
    return refuse('PAYLOAD_SHAPE', 'a reading is an object with "t" and "m"');
  }
  const source = json as { id?: unknown; seq?: unknown; t?: unknown; m?: unknown };
  const messageId = toMessageId(source.id, source.seq);
  if (messageId !== undefined && typeof messageId !== 'string') return messageId;
  const time = toTime(source.t);
  if (typeof time !== 'number') return time;
  const measurements = toMeasurements(source.m);
  if (!Array.isArray(measurements)) return measurements as Refusal;
  return messageId === undefined ? { time, measurements } : { messageId, time, measurements };
}

function toMessageId(id: unknown, seq: unknown): string | undefined | Refusal {
  if (id !== undefined) {
    return isMessageName(id) ? `id:${id}` : refuse('PAYLOAD_SHAPE', '"id" is a string of 1 to 128 characters, no control characters');
  }
  if (seq === undefined) return undefined;
  if (!Number.isSafeInteger(seq) || (seq as number) < 0) return refuse('PAYLOAD_SHAPE', '"seq" is a whole number from 0');
  return `seq:${seq}`;
}

function toTime(t: unknown): number | Refusal {
  const ms = timeOf(t);
  if (ms === undefined) {
    return refuse('TIME_INVALID', `"t" is epoch milliseconds or RFC 3339 with zone, got ${JSON.stringify(t)?.slice(0, 64)}`);
  }
  return ms;
}

function toMeasurements(m: unknown): Measurement[] | Refusal {
  if (m === null || typeof m !== 'object' || Array.isArray(m)) return refuse('PAYLOAD_SHAPE', '"m" is an object of measurements');
  const measurements: Measurement[] = [];
  for (const property of Object.keys(m)) {
    if (measurements.length === MEASUREMENTS_MAX) return refuse('PAYLOAD_SHAPE', `more than ${MEASUREMENTS_MAX} measurements`);
    if (!isPropertyName(property)) return refuse('PAYLOAD_SHAPE', `property name ${JSON.stringify(property.slice(0, 80))}`);
    const measurement = toMeasurement(property, (m as { [property: string]: unknown })[property]);
    if ('ok' in measurement) return measurement;
    measurements.push(measurement);
  }
  if (measurements.length === 0) return refuse('PAYLOAD_SHAPE', '"m" is empty');
  return measurements;
}

function toMeasurement(property: string, value: unknown): Measurement | Refusal {
  if (value === null || typeof value !== 'object') return toPlainMeasurement(property, value);
  const { v, u, q } = value as { v?: unknown; u?: unknown; q?: unknown };
  const measurement = toPlainMeasurement(property, v);
  if ('ok' in measurement) return measurement;
  if (u !== undefined && (typeof u !== 'string' || u.length === 0 || u.length > UNIT_MAX_LENGTH))
    return refuse('PAYLOAD_SHAPE', `unit of ${property}`);
  if (q !== undefined && (typeof q !== 'string' || q.length > QUALITY_MAX_LENGTH))
    return refuse('PAYLOAD_SHAPE', `quality mark of ${property}`);
  return { ...measurement, ...(u === undefined ? {} : { unit: u }), ...(q === undefined ? {} : { quality: q }) };
}
