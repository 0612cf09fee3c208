/** The shipped quality rules over whole published files: no test may flag more of them than a person who looked at it found to be odd. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { root } from '../harness/programs.ts';
import { QualityRun } from '../harness/quality-run.ts';
import { readUci, UCI_COLUMNS } from '../harness/uci.ts';

const DATA = join(root, '../shared/data');
const POLLUTANTS = ['pm25', 'pm10', 'so2', 'no2', 'co', 'o3'];
const CNEMC_COLUMNS: { readonly [property: string]: string } = { pm25: 'PM2.5', pm10: 'PM10', so2: 'SO2', no2: 'NO2', co: 'CO', o3: 'O3' };
const UTC8_HOURS = 8;

/** Greatest share of the values of one pollutant; of what is not named here none at all. */
type Bounds = { readonly [test: string]: number };

function assertWithin(t: TestContext, run: QualityRun, bounds: Bounds, most: Bounds = {}): void {
  for (const [property, tests] of run.counts()) {
    for (const [name, count] of tests) {
      const share = count / run.valuesOf(property);
      t.diagnostic(`${property} ${name}: ${count} of ${run.valuesOf(property)}, ${(100 * share).toFixed(4)} %`);
      const bound = most[`${property} ${name}`] ?? bounds[name] ?? 0;
      assert.ok(share <= bound, `${property} ${name}: ${share}, at most ${bound}`);
    }
  }
}

const found = (run: QualityRun, property: string, name: string): number => run.counts().get(property)?.get(name) ?? 0;

test('Beijing, eight stations, March 2013 to February 2017', (t) => {
  const folder = join(DATA, 'air-beijing-uci');
  if (!existsSync(folder)) return t.skip('air-beijing-uci is not there');
  const run = new QualityRun('air');
  for (const line of readFileSync(join(folder, 'STATIONS.csv'), 'utf8').trim().split('\n').slice(1)) {
    const [name = '', , , lat, lon] = line.split(',');
    run.station(name, Number(lat), Number(lon));
  }
  const files = globSync(join(folder, 'PRSA_Data_*.csv.gz')).sort();
  const stations = files.map((file) => ({ name: basename(file).split('_')[2] as string, rows: readUci(file) }));
  for (let hour = 0; hour < (stations[0]?.rows.length ?? 0); hour++) {
    for (const { name, rows } of stations) {
      const row = rows[hour];
      const values = POLLUTANTS.flatMap((property): [string, number][] => {
        const text = row?.values.get(UCI_COLUMNS[property] as string);
        return text === undefined ? [] : [[property, Number(property === 'co' ? `${text}e-3` : text)]];
      });
      if (row !== undefined && values.length > 0) run.take(name, row.time, values);
    }
  }
  assert.ok(run.valuesOf('pm25') > 270_000);
  assertWithin(
    t,
    run,
    { 'gross_range=3': 1e-4, 'gap=3': 3e-3, 'rate=3': 6e-4, 'spike=3': 8e-4, 'spike=4': 2e-5, 'flat_line=3': 1e-4, 'flat_line=4': 1e-4 },
    { 'pm25 not_above=3': 0.035, 'pm25 neighbours=3': 2e-3, 'pm25 neighbours=4': 2e-5, 'o3 flat_line=3': 4e-3, 'o3 flat_line=4': 5e-3 },
  );
  // What is known to be wrong is found: ozone that stood still for days in March 2013, and at 1071 in August.
  assert.ok(found(run, 'o3', 'flat_line=4') > 1000);
  assert.ok(found(run, 'o3', 'gross_range=3') >= 18);
});

test('China, every station, January 2019', (t) => {
  const folder = join(DATA, 'air-china-cnemc');
  if (!existsSync(folder)) return t.skip('air-china-cnemc is not there');
  const run = new QualityRun('air');
  for (const file of globSync(join(folder, 'china_sites_*.csv.gz')).sort()) takeDay(run, file);
  assert.ok(run.valuesOf('pm25') > 1_000_000);
  assertWithin(
    t,
    run,
    {
      ...{ 'gross_range=3': 1e-5, 'gap=3': 4e-3, 'rate=3': 1e-4, 'rate=4': 1e-5, 'spike=3': 4e-4, 'spike=4': 1e-5 },
      ...{ 'flat_line=3': 1.5e-3, 'flat_line=4': 3e-4 },
    },
    // The publisher leaves PM10 out where PM2.5 is above it.
    { 'pm10 gap=3': 0.015 },
  );
  assert.ok(found(run, 'pm25', 'flat_line=4') > 100);
  assert.ok(found(run, 'co', 'gross_range=3') >= 1, 'CO of 90 mg/m³');
});

/** Rows are hours and pollutants, columns stations; a day's file is read in order of its hours. */
function takeDay(run: QualityRun, file: string): void {
  const [head = [], ...lines] = gunzipSync(readFileSync(file))
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const hours = Map.groupBy(lines, ([, hour]) => Number(hour));
  const [, year, month, day] = /(\d{4})(\d\d)(\d\d)\.csv/.exec(file)?.map(Number) ?? [];
  for (const [hour, rows] of [...hours].sort(([a], [b]) => a - b)) {
    const byType = new Map(rows.map((row) => [row[2], row]));
    const time = Date.UTC(year as number, (month as number) - 1, day, hour - UTC8_HOURS);
    for (let column = 3; column < head.length; column++) {
      const values = POLLUTANTS.flatMap((property): [string, number][] => {
        const text = byType.get(CNEMC_COLUMNS[property])?.[column];
        return text === undefined || text === '' ? [] : [[property, Number(text)]];
      });
      if (values.length > 0) run.take(head[column] as string, time, values);
    }
  }
}

test('a fridge, one day', (t) => {
  const file = join(DATA, 'coldchain-ruuvi/fridge.csv.gz');
  if (!existsSync(file)) return t.skip('coldchain-ruuvi is not there');
  const run = new QualityRun('coldchain');
  const [, ...lines] = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  for (const line of lines) {
    const [time = '', temperature] = line.split(',');
    run.take('fridge', Date.parse(time.replace(/(\d\d)$/, ':$1')), [['tvc', Number(temperature)]]);
  }
  assert.equal(run.valuesOf('tvc'), 368);
  assertWithin(t, run, {}, { 'tvc gap=3': 1 / 368 });
  assert.equal(found(run, 'tvc', 'gap=3'), 1);
});
