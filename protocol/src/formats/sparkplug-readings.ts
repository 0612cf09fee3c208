/**
 * Sparkplug B payloads as readings. A metric's property is made from its whole name; data messages may leave the name out
 * and refer by alias to a birth, which is a record of its own, named in the header of the data's record.
 */
import {
  decodeSparkplug,
  parseSparkplugTopic,
  SPARKPLUG_TYPE,
  type SparkplugMetric,
  type SparkplugPayload,
  sparkplugScalar,
} from '@airtight/standards/sparkplug-b.ts';
import { isPropertyName } from '../names.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { MEASUREMENTS_MAX, type Measurement, READINGS_MAX, TIME_MAX, toPlainMeasurement } from '../records/measurement.ts';
import type { Reading } from '../records/reading.ts';
import { decodeRecord } from '../records/record.ts';

/** Whether an edge node or a device is in session: true at a birth, false at a death. */
export const SPARKPLUG_ONLINE = 'online';
/** Sequence number of the session, by which a death is matched with its birth. */
const BD_SEQ = 'bdSeq';
/** Metrics of the protocol itself: they measure nothing. */
const CONTROL_FOLDERS: readonly string[] = ['Node Control/', 'Device Control/'];
/** Codes of the property `Quality` (6.4.10): good ones bear no mark. */
const QUALITY_GOOD = 192;
const QUALITY_MARKS: { readonly [code: number]: string } = { 0: 'BAD', 500: 'STALE' };

interface BornMetric {
  /** Undefined for metrics of the protocol itself. */
  readonly property: string | undefined;
  readonly datatype: number | undefined;
}

/** What a birth defines. */
export interface SparkplugBirth {
  /** Journal position of the birth record. */
  readonly position: number;
  /** Undefined in a device's birth. */
  readonly bdSeq: number | undefined;
  readonly byName: ReadonlyMap<string, BornMetric>;
  /** Alias in decimal digits. */
  readonly byAlias: ReadonlyMap<string, BornMetric>;
  /** Metric name by property. */
  readonly nameOf: ReadonlyMap<string, string>;
}

/**
 * The property of a metric: letters, digits and `_` of the whole name stay, a run of other ASCII characters becomes one `_`,
 * any other character `u` and its code point in hex; `m_` goes before a digit. `Room 1/Temperature` → `Room_1_Temperature`.
 * @returns undefined where nothing remains, or more than a property name may have
 */
export function sparkplugProperty(name: string): string | undefined {
  const ascii = Array.from(name, (character) => {
    const code = character.codePointAt(0) as number;
    return code < 0x80 ? character : `u${code.toString(16)}`;
  }).join('');
  const plain = ascii.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^_+|_+$/g, '');
  const property = /^\d/.test(plain) ? `m_${plain}` : plain;
  return isPropertyName(property) ? property : undefined;
}

/**
 * What a birth (NBIRTH, DBIRTH) defines.
 * @param position where its record stands, or will stand
 * @returns PAYLOAD_SHAPE; SPARKPLUG_BIRTH_INVALID when two metrics have one property or one alias, or one has none
 */
export function toSparkplugBirth(payload: Uint8Array, position: number): Outcome<SparkplugBirth> {
  const decoded = decodeSparkplug(payload);
  return decoded.ok ? bornOf(decoded.payload, position) : refuse('PAYLOAD_SHAPE', `Sparkplug: ${decoded.detail}`);
}

/**
 * What the birth in a stored record defines; undefined where the record is none: what refers to it cannot be read then.
 * @param position of the record
 */
export function sparkplugBirthIn(record: Uint8Array, position: number): SparkplugBirth | undefined {
  const decoded = decodeRecord(record);
  if (!decoded.ok || parseSparkplugTopic(decoded.value.header.topic ?? '')?.message.endsWith('BIRTH') !== true) return undefined;
  const birth = toSparkplugBirth(decoded.value.payload, position);
  return birth.ok ? birth.value : undefined;
}

function bornOf(payload: SparkplugPayload, position: number): Outcome<SparkplugBirth> {
  const byName = new Map<string, BornMetric>();
  const byAlias = new Map<string, BornMetric>();
  const nameOf = new Map<string, string>([[SPARKPLUG_ONLINE, '']]);
  for (const { name, alias, datatype } of payload.metrics) {
    if (name === undefined) return refuse('SPARKPLUG_BIRTH_INVALID', `alias ${alias}: a birth gives the name`);
    const property = isControl(name) ? undefined : sparkplugProperty(name);
    if (property === undefined && !isControl(name)) return refuse('SPARKPLUG_BIRTH_INVALID', `${quoted(name)} gives no property name`);
    if (property !== undefined) {
      const other = nameOf.get(property);
      if (other !== undefined) return refuse('SPARKPLUG_BIRTH_INVALID', `${property} is both ${quoted(other)} and ${quoted(name)}`);
      nameOf.set(property, name);
    }
    const born = { property, datatype };
    byName.set(name, born);
    if (alias === undefined) continue;
    if (byAlias.has(alias)) return refuse('SPARKPLUG_BIRTH_INVALID', `alias ${alias} twice`);
    byAlias.set(alias, born);
  }
  return accept({ position, bdSeq: sparkplugBdSeq(payload), byName, byAlias, nameOf });
}

/** `bdSeq` of an NBIRTH or NDEATH: a UInt64 by the specification, an Int64 with some edge nodes. */
function sparkplugBdSeq({ metrics }: SparkplugPayload): number | undefined {
  const value = metrics.find(({ name }) => name === BD_SEQ)?.value;
  const scalar = value === undefined ? undefined : sparkplugScalar(value, SPARKPLUG_TYPE.UInt64);
  return typeof scalar === 'number' ? scalar : undefined;
}

export interface SparkplugContext {
  readonly receivedAt: number;
  readonly topic?: string | undefined;
  readonly birth?: SparkplugBirth | undefined;
}

/**
 * Readings in the order in which their times first occur. A birth adds `online` = true, a death is `online` = false. Values
 * that no observation can hold (null, NaN, data sets, templates, arrays, bytes, text over the limit) stay in the record alone.
 * @returns PAYLOAD_SHAPE, TIME_INVALID, SPARKPLUG_BIRTH_MISSING, SPARKPLUG_BIRTH_INVALID, SPARKPLUG_DEATH_STALE
 */
export function toSparkplugReadings(bytes: Uint8Array, { receivedAt, topic = '', birth }: SparkplugContext): Outcome<readonly Reading[]> {
  const message = parseSparkplugTopic(topic)?.message;
  if (message === undefined || message.endsWith('CMD')) return refuse('PAYLOAD_SHAPE', `no readings come on ${quoted(topic)}`);
  const decoded = decodeSparkplug(bytes);
  if (!decoded.ok) return refuse('PAYLOAD_SHAPE', `Sparkplug: ${decoded.detail}`);
  const { payload } = decoded;
  const readings = new ReadingList(payload.timestamp, receivedAt);
  if (message === 'NDEATH') return death(payload, readings, birth);
  if (message === 'DDEATH') readings.add(undefined, { property: SPARKPLUG_ONLINE, result: false });
  if (message === 'DDEATH') return readings.outcome();
  const isBirth = message.endsWith('BIRTH');
  const own = isBirth ? bornOf(payload, 0) : undefined;
  if (own !== undefined && !own.ok) return own;
  if (isBirth) readings.add(undefined, { property: SPARKPLUG_ONLINE, result: true });
  for (const metric of payload.metrics) {
    const measurement = toMeasurement(metric, own?.value ?? birth);
    if (measurement === undefined) continue;
    if ('ok' in measurement) return measurement;
    readings.add(metric.timestamp, measurement);
  }
  return readings.outcome();
}

/**
 * An NDEATH is written before its session begins, as a will, so the time of its receipt counts (§5.6). One of another
 * session than the current one says nothing about the current one.
 */
function death(payload: SparkplugPayload, readings: ReadingList, birth: SparkplugBirth | undefined): Outcome<readonly Reading[]> {
  if (birth === undefined) return refuse('SPARKPLUG_BIRTH_MISSING', 'a death of no known session');
  const bdSeq = sparkplugBdSeq(payload);
  if (bdSeq !== birth.bdSeq) return refuse('SPARKPLUG_DEATH_STALE', `bdSeq ${bdSeq}, the session has ${birth.bdSeq}`);
  readings.addNow({ property: SPARKPLUG_ONLINE, result: false });
  return readings.outcome();
}

/** @returns undefined for a metric without a value that an observation can hold */
function toMeasurement(metric: SparkplugMetric, birth: SparkplugBirth | undefined): Measurement | Refusal | undefined {
  const { name, alias, value } = metric;
  const born = bornMetric(metric, birth);
  if ('ok' in born) return born;
  if (born.property === undefined || value === undefined || metric.isNull === true) return undefined;
  const scalar = sparkplugScalar(value, metric.datatype ?? born.datatype);
  if (scalar === undefined) return refuse('SPARKPLUG_BIRTH_MISSING', `datatype of ${quoted(name ?? `alias ${alias}`)}`);
  // An integer that a double cannot hold exactly is told as text, digit by digit.
  const measurement = toPlainMeasurement(born.property, typeof scalar === 'bigint' ? String(scalar) : scalar);
  if ('ok' in measurement) return undefined;
  const quality = qualityOf(metric);
  return {
    ...measurement,
    ...(quality === undefined ? {} : { quality }),
    ...(metric.isHistorical === true ? { historical: true } : {}),
  };
}

/** The metric's definition in the birth; one with a name can do without. */
function bornMetric({ name, alias }: SparkplugMetric, birth: SparkplugBirth | undefined): BornMetric | Refusal {
  const born = name === undefined ? birth?.byAlias.get(alias ?? '') : birth?.byName.get(name);
  if (born !== undefined) return born;
  if (name === undefined) return refuse('SPARKPLUG_BIRTH_MISSING', `alias ${alias}`);
  if (isControl(name)) return { property: undefined, datatype: undefined };
  const property = sparkplugProperty(name);
  const other = property === undefined ? undefined : birth?.nameOf.get(property);
  if (property === undefined || other !== undefined || property === SPARKPLUG_ONLINE)
    return refuse('SPARKPLUG_BIRTH_INVALID', `${quoted(name)} gives no property name of its own`);
  return { property, datatype: undefined };
}

function qualityOf({ properties }: SparkplugMetric): string | undefined {
  const value = properties?.find(({ key }) => key === 'Quality')?.value;
  const code = value === undefined ? undefined : sparkplugScalar(value, SPARKPLUG_TYPE.Int32);
  if (typeof code !== 'number' || code === QUALITY_GOOD) return undefined;
  return QUALITY_MARKS[code] ?? String(code).slice(0, 16);
}

function isControl(name: string): boolean {
  return name === BD_SEQ || CONTROL_FOLDERS.some((folder) => name.startsWith(folder));
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

/** Gathers measurements by time, historical ones apart; what a reading cannot take (too many, a property twice) opens another one of the same time. */
class ReadingList {
  readonly #payloadTime: number | undefined;
  readonly #receivedAt: number;
  readonly #open = new Map<number, Map<string, Measurement>>();
  readonly #readings: { readonly time: number; readonly measurements: Map<string, Measurement> }[] = [];
  #relative = false;
  #wrong: number | undefined;

  constructor(payloadTime: number | undefined, receivedAt: number) {
    this.#payloadTime = payloadTime;
    this.#receivedAt = receivedAt;
  }

  /** @param time epoch ms of the metric; absent, the payload's counts, and without that the receipt */
  add(time: number | undefined, measurement: Measurement): void {
    const known = time ?? this.#payloadTime;
    if (known === undefined) this.addNow(measurement);
    else this.#put(known, measurement);
  }

  /** At the time of receipt. */
  addNow(measurement: Measurement): void {
    this.#relative = true;
    this.#put(this.#receivedAt, measurement);
  }

  /** @returns TIME_INVALID, PAYLOAD_SHAPE */
  outcome(): Outcome<readonly Reading[]> {
    if (this.#wrong !== undefined) return refuse('TIME_INVALID', `${this.#wrong} ms`);
    if (this.#readings.length > READINGS_MAX)
      return refuse('PAYLOAD_SHAPE', `${this.#readings.length} readings; ${READINGS_MAX} are taken`);
    const relative = this.#relative ? { relativeTime: true as const } : {};
    return accept(this.#readings.map(({ time, measurements }) => ({ time, ...relative, measurements: [...measurements.values()] })));
  }

  #put(time: number, measurement: Measurement): void {
    if (time > TIME_MAX) this.#wrong = time;
    const key = 2 * time + (measurement.historical === true ? 1 : 0);
    let measurements = this.#open.get(key);
    if (measurements === undefined || measurements.size >= MEASUREMENTS_MAX || measurements.has(measurement.property)) {
      measurements = new Map();
      this.#open.set(key, measurements);
      this.#readings.push({ time, measurements });
    }
    measurements.set(measurement.property, measurement);
  }
}
