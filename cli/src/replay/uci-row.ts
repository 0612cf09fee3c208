/**
 * The CSV files of the UCI data set "Beijing Multi-Site Air Quality": one file per station, a row per hour.
 *
 *   "No","year","month","day","hour","PM2.5","PM10","SO2","NO2","CO","O3","TEMP","PRES","DEWP","RAIN","wd","WSPM","station"
 *
 * The hour is local time, UTC+8; NA is a missing value. A number goes into the payload with the digits it has in the file.
 */
import { accept, type Outcome, refuse } from '@airtight/protocol';
import { recordableTime } from '../import/local-time.ts';
import { jsonNumber } from '../import/number-text.ts';

export interface UciRow {
  /** Epoch ms of the row's hour. */
  readonly time: number;
  /** Payload as it is published. Undefined: no value is there in this row. */
  readonly payload: string | undefined;
  /** How many values it holds. */
  readonly values: number;
}

/** Column, property, and the unit where it is not that of dataset `air`. */
const MEASUREMENTS: readonly { readonly column: string; readonly property: string; readonly unit?: string; readonly isText?: true }[] = [
  { column: 'PM2.5', property: 'pm25' },
  { column: 'PM10', property: 'pm10' },
  { column: 'SO2', property: 'so2' },
  { column: 'NO2', property: 'no2' },
  { column: 'CO', property: 'co', unit: 'ug/m3' },
  { column: 'O3', property: 'o3' },
  { column: 'TEMP', property: 'temp' },
  { column: 'PRES', property: 'pres' },
  { column: 'DEWP', property: 'dewp' },
  { column: 'RAIN', property: 'rain' },
  { column: 'WSPM', property: 'wspm' },
  { column: 'wd', property: 'wd', isText: true },
];
const TIME_COLUMNS = ['year', 'month', 'day', 'hour'];
const MISSING = 'NA';
const LOCAL_OFFSET_MS = 8 * 3_600_000;
/** Row number, year, month, day, hour. */
const WHOLE = /^\d{1,9}$/;
const STATION = /^[A-Za-z]{1,40}$/;
const WIND_SECTOR = /^[NESW]{1,3}$/;

/** Fields of one line. The files quote texts but have no comma, quote or line break inside them. */
export function csvFields(line: string): string[] {
  const fields = line.split(',');
  for (const [at, field] of fields.entries()) {
    if (field.length >= 2 && field.startsWith('"') && field.endsWith('"')) fields[at] = field.slice(1, -1);
  }
  return fields;
}

/** Reads the rows of one file, whose columns its header line names. */
export class UciRowReader {
  readonly #columns: number;
  readonly #number: number;
  readonly #station: number;
  readonly #time: readonly number[];
  readonly #measurements: readonly { readonly at: number; readonly prefix: string; readonly suffix: string; readonly isText: boolean }[];

  private constructor(columns: readonly string[]) {
    this.#columns = columns.length;
    this.#number = columns.indexOf('No');
    this.#station = columns.indexOf('station');
    this.#time = TIME_COLUMNS.map((name) => columns.indexOf(name));
    this.#measurements = MEASUREMENTS.map(({ column, property, unit, isText }) => ({
      at: columns.indexOf(column),
      prefix: unit === undefined ? `"${property}":` : `"${property}":{"v":`,
      suffix: unit === undefined ? '' : `,"u":"${unit}"}`,
      isText: isText === true,
    }));
  }

  /** @returns REQUEST_INVALID naming the columns that are not there */
  static fromHeader(line: string): Outcome<UciRowReader> {
    const columns = csvFields(line);
    const needed = ['No', ...TIME_COLUMNS, ...MEASUREMENTS.map(({ column }) => column), 'station'];
    const missing = needed.filter((name) => !columns.includes(name));
    if (missing.length > 0) return refuse('REQUEST_INVALID', `columns ${missing.join(', ')}`);
    return accept(new UciRowReader(columns));
  }

  /** The station's name as the row has it. */
  stationOf(line: string): string {
    return csvFields(line)[this.#station] ?? '';
  }

  /** @returns REQUEST_INVALID naming the field that cannot be read */
  read(line: string): Outcome<UciRow> {
    const fields = csvFields(line);
    if (fields.length !== this.#columns) return refuse('REQUEST_INVALID', `${fields.length} fields instead of ${this.#columns}`);
    const time = this.#timeOf(fields);
    if (time === undefined) return refuse('REQUEST_INVALID', 'time');
    const [station = '', row = ''] = [fields[this.#station], fields[this.#number]];
    if (!STATION.test(station) || !WHOLE.test(row)) return refuse('REQUEST_INVALID', 'station or No');
    let m = '';
    let values = 0;
    for (const { at, prefix, suffix, isText } of this.#measurements) {
      const field = fields[at] ?? MISSING;
      if (field === MISSING || field === '') continue;
      if (isText ? !WIND_SECTOR.test(field) : jsonNumber(field) !== field)
        return refuse('REQUEST_INVALID', `${prefix} ${field.slice(0, 32)}`);
      m += `${m === '' ? '' : ','}${prefix}${isText ? `"${field}"` : field}${suffix}`;
      values++;
    }
    if (m === '') return accept({ time, payload: undefined, values });
    return accept({ time, payload: `{"id":"uci-${station}-${row}","t":${time},"m":{${m}}}`, values });
  }

  /** @returns undefined for an hour that no calendar has */
  #timeOf(fields: readonly string[]): number | undefined {
    const texts = this.#time.map((at) => fields[at] ?? '');
    if (!texts.every((text) => WHOLE.test(text))) return undefined;
    const [year, month, day, hour] = texts.map(Number) as [number, number, number, number];
    const local = Date.UTC(year, month - 1, day, hour);
    const date = new Date(local);
    const isReal = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24;
    return isReal ? recordableTime(local, LOCAL_OFFSET_MS) : undefined;
  }
}
