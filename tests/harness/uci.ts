/** The UCI Beijing multi-site air quality files (CC BY 4.0) as a test reads them, independent of the importer under test. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';

export interface UciRow {
  /** Epoch ms of the row's hour; the file's clock is China Standard Time, UTC+8 all year. */
  readonly time: number;
  /** Column name → text as it stands in the file; a column that says NA is absent. */
  readonly values: ReadonlyMap<string, string>;
}

/** The file's column of each observedProperty. */
export const UCI_COLUMNS: { readonly [observedProperty: string]: string } = {
  pm25: 'PM2.5',
  pm10: 'PM10',
  so2: 'SO2',
  no2: 'NO2',
  co: 'CO',
  o3: 'O3',
  temp: 'TEMP',
  pres: 'PRES',
  dewp: 'DEWP',
  rain: 'RAIN',
  wspm: 'WSPM',
  wd: 'wd',
};

const KEYS = new Set(['No', 'year', 'month', 'day', 'hour', 'station']);
const UTC8_HOURS = 8;

/** All rows of a station's file, in its order. */
export function readUci(file: string): UciRow[] {
  const rows = parse(gunzipSync(readFileSync(file)), { columns: true }) as { readonly [column: string]: string }[];
  return rows.map((row) => {
    const number = (column: string) => Number(row[column]);
    const time = Date.UTC(number('year'), number('month') - 1, number('day'), number('hour') - UTC8_HOURS);
    const values = Object.entries(row).filter(([column, value]) => !KEYS.has(column) && value !== 'NA');
    return { time, values: new Map(values) };
  });
}

/** `time observedProperty value` for every value that is there: what a projection of these rows must hold, no more and no less. */
export function uciValues(rows: readonly UciRow[]): string[] {
  const properties = Object.entries(UCI_COLUMNS);
  return rows.flatMap(({ time, values }) =>
    properties.flatMap(([property, column]) => {
      const text = values.get(column);
      return text === undefined ? [] : [valueKey(time, property, resultOf(column, text))];
    }),
  );
}

/** CO stands in µg/m³ in the file and in mg/m³ in the dataset `air`: three digits further, which is no arithmetic. */
function resultOf(column: string, text: string): string | number {
  if (column === 'wd') return text;
  return Number(column === 'CO' ? `${text}e-3` : text);
}

export function valueKey(time: number, observedProperty: string, value: number | string | boolean): string {
  return `${new Date(time).toISOString()} ${observedProperty} ${JSON.stringify(value)}`;
}
