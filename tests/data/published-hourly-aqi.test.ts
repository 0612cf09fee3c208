/**
 * The hourly AQI by HJ 633-2012 against what the China National Environmental Monitoring Centre published: every station-hour
 * of January 2019 in which all six pollutants are there. One day of it runs with the tests of `standards`.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type CnPollutant, hourlyReport } from '@airtight/standards/hj633.ts';

const FOLDER = join(import.meta.dirname, '../../../shared/data/air-china-cnemc');
const TYPES: readonly (readonly [type: string, pollutant: CnPollutant])[] = [
  ['SO2', 'so2'],
  ['NO2', 'no2'],
  ['CO', 'co'],
  ['O3', 'o3'],
  ['PM10', 'pm10'],
  ['PM2.5', 'pm25'],
];
const DAYS = 31;
/** Counted in the files apart from this test. */
const STATION_HOURS = 922_311;

interface Hour {
  readonly date: string;
  readonly hour: string;
  readonly rows: Map<string, readonly string[]>;
}

function hoursOf(text: string): readonly Hour[] {
  const hours = new Map<string, Hour>();
  for (const line of text.split('\n').slice(1)) {
    const [date = '', hour = '', type = '', ...cells] = line.trimEnd().split(',');
    if (type === '') continue;
    const known = hours.get(hour) ?? { date, hour, rows: new Map() };
    known.rows.set(type, cells);
    hours.set(hour, known);
  }
  return [...hours.values()];
}

/** @returns how many station-hours were compared */
function compareHour({ date, hour, rows }: Hour): number {
  const published = rows.get('AQI') ?? [];
  const columns = TYPES.map(([type, pollutant]) => [pollutant, rows.get(type) ?? []] as const);
  let compared = 0;
  for (let station = 0; station < published.length; station++) {
    if (published[station] === '' || columns.some(([, cells]) => (cells[station] ?? '') === '')) continue;
    const concentrations = Object.fromEntries(columns.map(([pollutant, cells]) => [pollutant, Number(cells[station])]));
    const { aqi } = hourlyReport('HJ 633-2012', concentrations);
    if (aqi !== Number(published[station])) assert.fail(`${date} ${hour} h, column ${station}: ${aqi}, published ${published[station]}`);
    compared++;
  }
  return compared;
}

test('January 2019: the AQI of every station-hour with all six pollutants is the published one', (t) => {
  if (!existsSync(FOLDER)) return t.skip('air-china-cnemc is not there');
  const files = readdirSync(FOLDER).filter((name) => /^china_sites_201901\d\d\.csv\.gz$/.test(name));
  assert.equal(files.length, DAYS);
  let compared = 0;
  for (const file of files) {
    for (const hour of hoursOf(gunzipSync(readFileSync(join(FOLDER, file))).toString())) compared += compareHour(hour);
  }
  assert.equal(compared, STATION_HOURS);
});
