/**
 * The daily files of the Chinese national network (CNEMC) as the archives keep them: a row per hour and type, a column
 * per station.
 *
 *   date,hour,type,1001A,1002A,…
 *   20190101,0,PM2.5,53,,68,…
 *
 * Times are China Standard Time. CO is mg/m³, everything else µg/m³, AQI has no unit: the units of dataset `air`. All
 * rows of an hour become one reading per station. What the network derived itself (its AQI, 24-h and 8-h means) is kept
 * beside the hourly means under names of its own.
 */
import { FileBroken, type FormatOptions, type LineReader, payloadOf, type ReadingSink, type TextFormat } from './file-format.ts';
import { jsonNumber } from './number-text.ts';

const PROPERTIES: { readonly [type: string]: string } = {
  AQI: 'aqi_reported',
  'PM2.5': 'pm25',
  'PM2.5_24h': 'pm25_24h',
  PM10: 'pm10',
  PM10_24h: 'pm10_24h',
  SO2: 'so2',
  SO2_24h: 'so2_24h',
  NO2: 'no2',
  NO2_24h: 'no2_24h',
  O3: 'o3',
  O3_24h: 'o3_24h',
  O3_8h: 'o3_8h',
  O3_8h_24h: 'o3_8h_24h',
  CO: 'co',
  CO_24h: 'co_24h',
};
const LEADING_COLUMNS = 3;
const HEADER = 'date,hour,type,';
const STATION = /^\d{1,5}A$/;
const CHINA_OFFSET_MS = 8 * 3_600_000;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const NUMBER_MAX_LENGTH = 40;
/** Cells told one by one for one row. */
const CELL_FAULTS_MAX = 5;

class CnemcReader implements LineReader {
  readonly #sink: ReadingSink;
  readonly #dataset: string;
  /** Code of each column after the leading ones. */
  #stations: readonly string[] = [];
  #routes: number[] = [];
  /** The hour that is gathered, as its rows name it. */
  #hour = '';
  #time = 0;
  #line = 0;
  #types = new Set<string>();
  #measurements: string[] = [];
  #counts: number[] = [];
  /** How many types an hour has in this file. */
  #typesMax = 0;

  constructor(options: FormatOptions, sink: ReadingSink) {
    this.#sink = sink;
    this.#dataset = options.dataset ?? 'air';
  }

  line(text: string, number: number): void {
    if (number === 1) return this.#header(text);
    if (text === '') return;
    const fields = text.split(',');
    if (fields.length !== this.#stations.length + LEADING_COLUMNS) {
      this.#sink.fault(number, 'LINE_UNREADABLE', `${fields.length} fields instead of ${this.#stations.length + LEADING_COLUMNS}`);
      return;
    }
    const [date = '', hour = '', type = ''] = fields;
    if (`${date} ${hour}` !== this.#hour && !this.#begin(date, hour, number)) return;
    this.#row(type, fields, number);
  }

  end(truncated: boolean): void {
    // An hour that lacks rows because the file breaks off would come again as another reading when the whole file does.
    if (truncated && this.#types.size < this.#typesMax) {
      this.#sink.fault(
        this.#line,
        'FILE_TRUNCATED',
        `hour ${this.#hour} has ${this.#types.size} of ${this.#typesMax} rows and is left out`,
      );
      return;
    }
    this.#flush();
  }

  #header(text: string): void {
    const stations = text.split(',').slice(LEADING_COLUMNS);
    const bad = stations.find((station) => !STATION.test(station));
    if (!text.startsWith(HEADER) || stations.length === 0) throw new FileBroken('FILE_BROKEN', 1, `the header is not ${HEADER}…`);
    if (bad !== undefined) throw new FileBroken('FILE_BROKEN', 1, `station ${JSON.stringify(bad.slice(0, 32))}`);
    if (new Set(stations).size < stations.length) throw new FileBroken('FILE_BROKEN', 1, 'a station stands there twice');
    this.#stations = stations;
    this.#routes = stations.map((station) =>
      this.#sink.route({
        dataset: this.#dataset,
        producer: `cnemc-${station}`,
        kind: 'air-station',
        name: { zh: `国控站 ${station}`, en: `National station ${station}` },
      }),
    );
    this.#clear();
  }

  #clear(): void {
    this.#measurements = new Array(this.#stations.length).fill('');
    this.#counts = new Array(this.#stations.length).fill(0);
    this.#types.clear();
  }

  /** Begins another hour. @returns false when it is no hour */
  #begin(date: string, hour: string, number: number): boolean {
    const time = timeOf(date, hour);
    if (time === undefined) {
      this.#sink.fault(number, 'TIME_INVALID', `${date} ${hour}`.slice(0, 64));
      return false;
    }
    this.#flush();
    this.#hour = `${date} ${hour}`;
    this.#time = time;
    this.#line = number;
    return true;
  }

  #row(type: string, fields: readonly string[], number: number): void {
    const property = Object.hasOwn(PROPERTIES, type) ? PROPERTIES[type] : undefined;
    if (property === undefined || this.#types.has(type)) {
      const reason = property === undefined ? 'is not known' : 'comes twice in this hour';
      this.#sink.fault(number, 'LINE_UNREADABLE', `type ${JSON.stringify(type.slice(0, 32))} ${reason}`);
      return;
    }
    this.#types.add(type);
    const [first, other] = [`"${property}":`, `,"${property}":`];
    let faults = 0;
    for (let at = LEADING_COLUMNS; at < fields.length; at++) {
      const field = fields[at] as string;
      if (field === '') continue;
      const value = isPlainNumber(field) ? field : jsonNumber(field);
      const station = at - LEADING_COLUMNS;
      if (value === undefined) {
        if (++faults <= CELL_FAULTS_MAX)
          this.#sink.fault(number, 'LINE_UNREADABLE', `${this.#stations[station]}: ${JSON.stringify(field.slice(0, 32))} is no number`);
        continue;
      }
      this.#measurements[station] += (this.#counts[station] === 0 ? first : other) + value;
      (this.#counts[station] as number)++;
    }
  }

  #flush(): void {
    if (this.#types.size === 0) return;
    this.#typesMax = Math.max(this.#typesMax, this.#types.size);
    for (const [at, route] of this.#routes.entries()) {
      const values = this.#counts[at] as number;
      if (values === 0) this.#sink.blank();
      else {
        const payload = payloadOf(this.#time, this.#measurements[at] as string);
        this.#sink.reading({ route, line: this.#line, time: this.#time, payload, values });
      }
    }
    this.#clear();
  }
}

/** Nearly every cell: digits, at most one point within them, no zero in front. Ten million cells are looked at so. */
function isPlainNumber(text: string): boolean {
  let point = -1;
  if (text.length > NUMBER_MAX_LENGTH) return false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= DIGIT_0 && code <= DIGIT_9) continue;
    if (code !== 0x2e || point >= 0 || at === 0 || at === text.length - 1) return false;
    point = at;
  }
  return text.charCodeAt(0) !== DIGIT_0 || text.length === 1 || point === 1;
}

function timeOf(date: string, hour: string): number | undefined {
  if (!/^\d{8}$/.test(date) || !/^([01]?\d|2[0-3])$/.test(hour)) return undefined;
  const [year, month, day] = [Number(date.slice(0, 4)), Number(date.slice(4, 6)), Number(date.slice(6))];
  const time = Date.UTC(year, month - 1, day, Number(hour));
  const isReal = new Date(time).getUTCDate() === day && new Date(time).getUTCMonth() === month - 1;
  return isReal && time >= CHINA_OFFSET_MS ? time - CHINA_OFFSET_MS : undefined;
}

export const CNEMC_CSV: TextFormat = {
  name: 'cnemc',
  title: { zh: '全国城市空气质量逐时数据（每站一列）', en: 'Chinese national network, hourly, a column per station' },
  agency: 'cnemc',
  version: '1',
  kind: 'text',
  recognises: ([header = '']) => header.startsWith(HEADER),
  open: (options, sink) => new CnemcReader(options, sink),
};
