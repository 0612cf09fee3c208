/** hourly-aqi and air-station: every boundary, with the real engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContractBench, HOUR_MS } from './contract-bench.ts';

const CLEAN = { pm25: 20, pm10: 40, so2: 5, no2: 20, o3: 60, co: 0.5 };

/** Hours that differ from clean air in one property. */
function hours(property: string, values: readonly number[]): ContractBench {
  const bench = new ContractBench('hourly-aqi', HOUR_MS);
  for (const [hour, value] of values.entries()) bench.read('air', 's', hour, { ...CLEAN, [property]: value });
  return bench;
}

test('hourly AQI: a level begins above its number and ends after two hours at a better one', () => {
  // HJ 633-2026, PM2.5: 60 → 100, 115 → 150, 150 → 200, 250 → 300.
  const bench = hours('pm25', [60, 61, 115, 116, 150, 151, 250, 251, 250, 250, 150, 60, 60, 60]);
  assert.deepEqual(bench.told, [
    ...['aqi raise minor 1 @1', 'aqi moderate @3', 'aqi severe @5', 'aqi extreme @7'],
    // From 8 on not above 300, from 10 on not above 200, from 11 on not above 100.
    ...['aqi severe @9', 'aqi moderate @11', 'aqi clear @12'],
  ]);
  assert.equal(bench.messages[0], 's: AQI 101, level 3 (lightly polluted), primary pollutant pm25');
});

test('hourly AQI: primary pollutants by name, and an hour without all six says nothing', () => {
  const dust = hours('pm10', [500]);
  assert.match(dust.messages[0] as string, /primary pollutant pm10$/);
  const bench = new ContractBench('hourly-aqi', HOUR_MS).read('air', 's', 0, { pm25: 400 });
  assert.deepEqual(bench.told, []);
});

test('hourly AQI: an alert of a station that reports no more expires after half a day', () => {
  const bench = hours('pm25', [200]).tick(12).tick(15);
  assert.deepEqual(bench.told, ['aqi raise severe 0 @0']);
  // Twelve hours after the reading, told when no reading of them can come any more: lateness is three hours.
  assert.deepEqual(bench.tick(15.001).told, ['aqi raise severe 0 @0', 'aqi clear @12']);
});

for (const [rule, property, limit] of [
  ['so2-hour', 'so2', 500],
  ['no2-hour', 'no2', 200],
  ['o3-hour', 'o3', 200],
  ['co-hour', 'co', 10],
] as const) {
  test(`${rule}: above ${limit}, not at it (GB 3095, grade 2)`, () => {
    const told = hours(property, [limit, limit + 1, limit + 2, limit]).told.filter((line) => line.startsWith(rule));
    // Its index is above 100 too, and at the last hour still is, as two better hours end that alert.
    assert.deepEqual(told, [`${rule} raise minor 1 @1 suppressed`, `${rule} clear @3`]);
  });
}

test('one matter is told of once: the index explains heavy PM2.5 and the limits of single gases, whichever is judged first', () => {
  const both = (values: readonly object[]): readonly string[] => {
    const bench = new ContractBench('heavy-pm25', HOUR_MS, { beside: ['hourly-aqi'] });
    for (const [hour, value] of values.entries()) bench.read('air', 's', hour, { ...CLEAN, ...value });
    return bench.told;
  };
  assert.deepEqual(both([{ pm25: 160 }, { pm25: 160, o3: 210 }, { pm25: 100 }, { pm25: 100 }, {}, {}]), [
    ...['heavy raise severe 0 @0 suppressed', 'aqi raise severe 0 @0', 'o3-hour raise minor 1 @1 suppressed', 'o3-hour clear @2'],
    // An hour at 115 or below and 10 min: the second. The index goes down with it.
    ...['heavy clear @3', 'aqi minor @3', 'aqi clear @5'],
  ]);
  const partly = new ContractBench('heavy-pm25', HOUR_MS, { beside: ['hourly-aqi'] }).read('air', 's', 0, { pm25: 160 });
  assert.deepEqual(partly.told, ['heavy raise severe 0 @0'], 'where the index is not known');
});

test('flat line: the same value for 12 h, of which at least 10 are there; not in clean air', () => {
  const flat = (value: number, count: number) =>
    new ContractBench('air-station', HOUR_MS).series('air', 's', 'pm25', new Array(count).fill(value));
  assert.deepEqual(flat(35, 9).told, []);
  assert.deepEqual(flat(35, 10).told, ['flat raise minor 9 @9']);
  assert.deepEqual(flat(9, 30).told, []);
  assert.deepEqual(flat(10, 13).series('air', 's', 'pm25', [11], 13).told, ['flat raise minor 9 @9', 'flat clear @13']);
  const moving = new ContractBench('air-station', HOUR_MS).series('air', 's', 'pm25', [34, ...new Array(10).fill(35)]);
  assert.deepEqual(moving.told, [], 'eleven hours of which one differs');
});

/** Three stations within 5 km, one that is read apart, one far away; of 12 h and more. */
function neighbours(own: number, others: number, count: number): ContractBench {
  const bench = new ContractBench('air-station', HOUR_MS);
  const region = { zh: '北京', en: 'Beijing' };
  for (const [i, name] of ['s', 'a', 'b', 'c'].entries()) bench.device(name, { region, location: { lat: 39.9 + i / 100, lon: 116.4 } });
  bench.device('far', { region, location: { lat: 41, lon: 116.4 } });
  for (let hour = 0; hour < count; hour++) {
    // One in a hundred apart, so that nothing is flat.
    const value = (level: number) => level + (hour % 2) / 100;
    for (const name of ['a', 'b', 'c', 'far']) bench.read('air', name, hour, { pm25: value(others) });
    bench.read('air', 's', hour, { pm25: value(own) });
  }
  return bench;
}

test('drift: a factor of three from the median near by for 12 h', () => {
  // The instant of hour 12 is judged with the readings of hour 14.
  assert.deepEqual(neighbours(100, 30, 14).told, []);
  assert.deepEqual(neighbours(100, 30, 15).told, ['drift raise minor 0 @12']);
  assert.deepEqual(neighbours(10, 40, 15).told, ['drift raise minor 0 @12']);
  assert.deepEqual(neighbours(80, 30, 15).told, [], 'less than a factor of three');
  assert.deepEqual(neighbours(18, 5, 15).told, [], 'clean air');
});

test('drift: ends after three hours within a factor of two', () => {
  const bench = neighbours(100, 30, 14);
  for (let hour = 14; hour < 20; hour++) {
    for (const name of ['a', 'b', 'c']) bench.read('air', name, hour, { pm25: 30 });
    bench.read('air', 's', hour, { pm25: 60 - (hour % 2) });
  }
  assert.deepEqual(bench.told, ['drift raise minor 0 @12', 'drift clear @17']);
});
