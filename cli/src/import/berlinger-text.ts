/**
 * The text reports of Berlinger loggers: Fridge-tag (a summary per day; some models with the readings too) and Q-tag
 * (a summary of the run and its readings). An indented tree of `Key: value, Key: value`, then under `Data:` lines of
 * `⇥time⇥°C⇥x`. Times are in the zone the report names (`Zone`, hours). `Sig` at the end says that it is whole.
 *
 * Readings go to dataset `coldchain`; the logger's summaries and error counts to `coldchain-summary`, as it told them.
 */
import { FileBroken, type FormatOptions, type LineReader, payloadOf, type ReadingSink, type TextFormat } from './file-format.ts';
import { recordableTime, timeReader, zoneOffset } from './local-time.ts';
import { compareSummary, ReadingStatistics } from './logger-summary.ts';
import { jsonNumber } from './number-text.ts';

const DEVICE = /^Device: (Q-tag .+)$/;
const KEY_LINE = /^( *)([^:]+):(.*)$/;
const DATA_LINE = /^\t(\d{4}-\d{2}-\d{2} \d{2}:\d{2})\t(\S+)\t(x?)$/;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The logger writes this where the sensor gave nothing. */
const NO_VALUE = '--.-';
const SERIAL = /^[A-Za-z0-9]{4,40}$/;
/** A report keeps 60 days, a run a year of minutes. */
const READINGS_MAX = 1_000_000;

type Fields = Map<string, string>;

interface LoggedReading {
  readonly line: number;
  readonly time: number;
  /** JSON number; undefined: no value. */
  readonly value: string | undefined;
}

/** A section of the report whose fields become one record when it ends. */
interface Section {
  readonly line: number;
  readonly kind: 'day' | 'error' | 'run';
  /** Fields by the names of the sections they stand in, e.g. `Alarm/1/t Acc`. */
  readonly fields: Fields;
}

class BerlingerReader implements LineReader {
  readonly #options: FormatOptions;
  readonly #sink: ReadingSink;
  readonly #conf: Fields = new Map();
  /** Names of the sections around the current line, outermost first. */
  #path: string[] = [];
  #sections: Section[] = [];
  #section: Section | undefined;
  readonly #readings: LoggedReading[] = [];
  #lastLine = 0;
  #isSigned = false;

  constructor(options: FormatOptions, sink: ReadingSink) {
    this.#options = options;
    this.#sink = sink;
  }

  line(text: string, number: number): void {
    this.#lastLine = number;
    if (number === 1 && !DEVICE.test(text)) throw new FileBroken('FILE_BROKEN', 1, 'the report names no device');
    if (text.trim() === '') return;
    if (text.startsWith('\t')) return this.#data(text, number);
    const [, indent = '', key = '', rest = ''] = KEY_LINE.exec(text) ?? [];
    if (key === '') {
      this.#sink.fault(number, 'LINE_UNREADABLE', text.slice(0, 64));
      return;
    }
    const depth = indent.length;
    this.#path.length = Math.min(this.#path.length, depth);
    this.#path[depth] = key.trim();
    if (key === 'Sig') this.#isSigned = true;
    this.#enter(depth, number);
    if (rest.trim() !== '') this.#fieldsOf(`${key}:${rest}`, depth);
  }

  end(truncated: boolean): void {
    const isCut = truncated || !this.#isSigned;
    if (isCut) this.#sink.fault(this.#lastLine, 'FILE_TRUNCATED', 'the report ends before its signature');
    // The last section may lack lines.
    if (isCut && this.#section !== undefined && this.#readings.length === 0) this.#sections.pop();
    const serial = this.#conf.get('Serial') ?? '';
    if (!SERIAL.test(serial)) throw new FileBroken('FILE_BROKEN', 0, 'the report names no serial number');
    const zone = this.#zoneMs();
    this.#emitReadings(serial, zone);
    this.#emitSections(serial, zone);
  }

  /** Which section the line stands in; a new one begins where its number or name does. */
  #enter(depth: number, number: number): void {
    const [top, second] = this.#path;
    const kind =
      top === 'Hist' && /^\d+$/.test(second ?? '')
        ? 'day'
        : top === 'Errors' && /^\d+$/.test(second ?? '')
          ? 'error'
          : top === 'Res'
            ? 'run'
            : undefined;
    if (kind === undefined) {
      this.#section = undefined;
      return;
    }
    if (depth !== (kind === 'run' ? 0 : 1)) return;
    this.#section = { line: number, kind, fields: new Map(kind === 'error' ? [['Code', second as string]] : []) };
    this.#sections.push(this.#section);
  }

  /** `Min T: +18.0, TS Min T: 00:00` under their section. */
  #fieldsOf(text: string, depth: number): void {
    const outer = this.#path.slice(this.#section === undefined || this.#section.kind === 'run' ? 1 : 2, depth);
    const prefix = outer.length === 0 ? '' : `${outer.join('/')}/`;
    for (const part of text.split(', ')) {
      const colon = part.indexOf(':');
      if (colon < 0) continue;
      const [key, value] = [part.slice(0, colon).trim(), part.slice(colon + 1).trim()];
      if (this.#section !== undefined) this.#section.fields.set(prefix + key, value);
      else if (this.#path[0] === 'Conf') this.#conf.set(prefix + key, value);
    }
  }

  #data(text: string, number: number): void {
    if (this.#path[0] !== 'Data') return;
    const [, at, value] = DATA_LINE.exec(text) ?? [];
    // The line of column names.
    if (at === undefined && text.startsWith('\tyyyy')) return;
    const time = at === undefined ? undefined : timeReader('YYYY-MM-DD HH:mm', 0)(at);
    const celsius = value === undefined || value === NO_VALUE ? undefined : jsonNumber(value);
    if (time === undefined || (celsius === undefined && value !== NO_VALUE)) {
      this.#sink.fault(number, 'LINE_UNREADABLE', text.trim().slice(0, 64));
      return;
    }
    if (this.#readings.length >= READINGS_MAX) throw new FileBroken('FILE_BROKEN', number, `more than ${READINGS_MAX} readings`);
    this.#readings.push({ line: number, time, value: celsius });
  }

  #zoneMs(): number {
    // Hours, with quarters in some countries.
    const told = Number(this.#conf.get('Zone') ?? '0');
    const isZone = Number.isInteger(told * 4) && zoneOffset(`+${Math.ceil(Math.abs(told))}`) !== undefined;
    return this.#options.zoneMs ?? (isZone ? told * HOUR_MS : 0);
  }

  #route(serial: string, dataset: string): number {
    const producer = this.#options.producer ?? `berlinger-${serial}`;
    const name = { zh: `温度记录仪 ${serial}`, en: `Temperature logger ${serial}` };
    return this.#sink.route({ dataset, producer, kind: 'fridge', name });
  }

  #emitReadings(serial: string, zone: number): void {
    if (this.#readings.length === 0) return;
    const route = this.#route(serial, this.#options.dataset ?? 'coldchain');
    for (const { line, time: local, value } of this.#readings) {
      const time = recordableTime(local, zone);
      if (value === undefined) this.#sink.blank();
      else if (time === undefined) this.#sink.fault(line, 'TIME_INVALID', String(local));
      else this.#sink.reading({ route, line, time, payload: payloadOf(time, `"tvc":${value}`), values: 1 });
    }
  }

  #emitSections(serial: string, zone: number): void {
    if (this.#sections.length === 0) return;
    const route = this.#route(serial, 'coldchain-summary');
    for (const section of this.#sections) {
      const summary = section.kind === 'error' ? errorOf(section, zone) : summaryOf(section, zone);
      if (summary === undefined) this.#sink.fault(section.line, 'TIME_INVALID', `section ${section.kind}`);
      else {
        const { time, id, measurements } = summary;
        const payload = payloadOf(time, measurements.join(','), id);
        if (measurements.length === 0) this.#sink.blank();
        else this.#sink.reading({ route, line: section.line, time, payload, values: measurements.length });
      }
      if (section.kind !== 'error' && summary !== undefined) this.#compare(section, summary.time + zone);
    }
  }

  /** Holds the logger's summary against the readings of the same span. @param from local time, ms */
  #compare({ kind, fields, line }: Section, from: number): void {
    const own = kind === 'run' ? this.#readings : this.#readings.filter(({ time }) => time >= from && time < from + DAY_MS);
    if (own.length === 0) return;
    const energy = Number(this.#conf.get('MKT Energy') ?? Number.NaN);
    const statistics = new ReadingStatistics(energy > 0 ? energy : undefined);
    for (const { value } of own) if (value !== undefined) statistics.add(Number(value));
    if (statistics.count === 0) return;
    const told = (key: string): number | undefined => numberOf(fields.get(key));
    const summary = { min: told('Min T'), max: told('Max T'), mean: told('Avrg T'), mkt: told('MKT') };
    const isComplete = statistics.count === own.length && extremesLogged(fields, own, from);
    const { result, detail } = compareSummary(summary, statistics, isComplete);
    this.#sink.summary(result);
    if (result === 'differs') this.#sink.fault(line, 'SUMMARY_MISMATCH', detail);
  }
}

function numberOf(text: string | undefined): number | undefined {
  const number = text === undefined ? undefined : jsonNumber(text);
  return number === undefined ? undefined : Number(number);
}

const CLOCK = /^(\d{2}):(\d{2})$/;
const STAMP = timeReader('YYYY-MM-DD HH:mm', 0);

/** Local ms of a time of day, or of a date with time. */
function timeIn(text: string | undefined, from: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const [, hours, minutes] = CLOCK.exec(text) ?? [];
  return hours === undefined ? STAMP(text) : from + Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS;
}

/** Whether both extremes were measured at the minute of a reading. */
function extremesLogged(fields: Fields, readings: readonly LoggedReading[], from: number): boolean {
  const times = new Set(readings.map(({ time }) => time));
  return ['TS Min T', 'TS Max T'].every((key) => times.has(timeIn(fields.get(key), from) ?? Number.NaN));
}

interface SummaryReading {
  readonly time: number;
  readonly id: string;
  readonly measurements: string[];
}

/** Fields of a summary: those that are numbers, and those that are times. */
const NUMBERS: readonly (readonly [field: string, property: string])[] = [
  ['Min T', 'tmin'],
  ['Max T', 'tmax'],
  ['Avrg T', 'tavg'],
  ['MKT', 'mkt'],
  ['Alarm/0/t Acc', 'lowAlarmTime'],
  ['Alarm/1/t Acc', 'highAlarmTime'],
  ['Alarm/1/T Amb', 'tamb'],
  ['Int Sensor timeout/t AccST', 'sensorTimeout'],
  ['Ext Sensor timeout/t AccST', 'extSensorTimeout'],
  ['Events', 'events'],
];
const TIMES: readonly (readonly [field: string, property: string])[] = [
  ['TS Min T', 'tminAt'],
  ['TS Max T', 'tmaxAt'],
  ['Alarm/0/TS A', 'lowAlarmAt'],
  ['Alarm/1/TS A', 'highAlarmAt'],
  ['TS Stop', 'to'],
];

/** @returns undefined when it names no time */
function summaryOf({ kind, fields }: Section, zone: number): SummaryReading | undefined {
  const from = kind === 'day' ? timeReader('YYYY-MM-DD', 0)(fields.get('Date') ?? '') : timeIn(fields.get('TS Start'), 0);
  const time = from === undefined ? undefined : recordableTime(from, zone);
  if (from === undefined || time === undefined) return undefined;
  const measurements: string[] = [];
  // The numbers of a run's alarms are those of its own alarm table: other limits, other meaning.
  for (const [field, property] of NUMBERS) {
    const number = kind === 'run' && field.startsWith('Alarm/') ? undefined : jsonNumber(fields.get(field) ?? '');
    if (number !== undefined) measurements.push(`"${property}":${number}`);
  }
  for (const [field, property] of TIMES) {
    const at = kind === 'run' && field.startsWith('Alarm/') ? undefined : timeIn(fields.get(field), from);
    if (at !== undefined) measurements.push(`"${property}":"${new Date(at - zone).toISOString()}"`);
  }
  return { time, id: `${kind}-${time}`, measurements };
}

function errorOf({ fields }: Section, zone: number): SummaryReading | undefined {
  const at = timeIn(fields.get('Err TS'), 0);
  const time = at === undefined ? undefined : recordableTime(at, zone);
  const code = jsonNumber(fields.get('Code') ?? '');
  if (time === undefined || code === undefined) return undefined;
  const count = jsonNumber(fields.get('Err Count') ?? '');
  const measurements = [`"errorCode":${code}`, ...(count === undefined ? [] : [`"errorCount":${count}`])];
  return { time, id: `error-${code}-${time}`, measurements };
}

export const BERLINGER_TEXT: TextFormat = {
  name: 'berlinger',
  title: { zh: 'Berlinger Fridge-tag、Q-tag 文本报告', en: 'Berlinger Fridge-tag and Q-tag text reports' },
  version: '1',
  kind: 'text',
  recognises: ([first = '']) => DEVICE.test(first),
  open: (options, sink) => new BerlingerReader(options, sink),
};
