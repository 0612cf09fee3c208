/** jjj-alert and jjj-forecast: every version of the grading conditions at its boundaries, release, joint response, forecasts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JJJ_VERSIONS, type JjjVersion } from '@airtight/standards/jjj-alerts.ts';
import { ContractBench, HOUR_MS, shippedText } from './contract-bench.ts';

const DAY = 24;
/** The contract with one version of the conditions, whatever the date. */
const by = (version: JjjVersion): string =>
  shippedText('jjj-alert').replace('jjj_level(hours)', `jjj_level("${version}", hours)`).replace('threshold()', `threshold("${version}")`);

/** So many hours of each AQI, from local midnight on. */
function city(bench: ContractBench, name: string, stretches: readonly (readonly [aqi: number, hours: number])[], from = 0): ContractBench {
  let hour = from;
  for (const [aqi, hours] of stretches) for (let i = 0; i < hours; i++) bench.read('city-air', name, hour++, { aqi_24h: aqi });
  return bench;
}

const bench = (version?: JjjVersion, start = Date.UTC(2026, 10, 1, -8)): ContractBench =>
  new ContractBench('jjj-alert', HOUR_MS, version === undefined ? { start } : { start, text: by(version) });

/** Severities reached by days of an AQI each, with the hour: the AQI of the day's 24 hours stands at its last hour. */
const days = (version: JjjVersion, aqis: readonly number[]): readonly string[] =>
  city(
    bench(version),
    'c',
    aqis.map((aqi) => [aqi, DAY]),
  ).told.map((line) => line.replace(/^city (raise )?/, '').replace(/ \d+ @/, ' @'));

/** Hour in which the n-th calendar day ends. */
const end = (day: number): number => day * DAY - 1;
const EXPECTED: { readonly [version in JjjVersion]: readonly (readonly [days: readonly number[], told: readonly string[]])[] } = {
  'bj-2013': [
    [[200, 200, 200], []],
    [[201], [`minor @${end(1)}`]],
    [[301], [`moderate @${end(1)}`]],
    [
      [201, 201, 201],
      [`minor @${end(1)}`, `moderate @${end(3)}`],
    ],
    [
      [201, 301, 201],
      [`minor @${end(1)}`, `moderate @${end(2)}`, `severe @${end(3)}`],
    ],
    [
      [301, 301, 301],
      [`moderate @${end(1)}`, `extreme @${end(3)}`],
    ],
  ],
  'jjj-2016': [
    [[200, 500], [`extreme @${end(2)}`]],
    [
      [201, 201, 201],
      [`minor @${end(1)}`, `moderate @${end(2)}`],
    ],
    [
      [201, 201, 301, 301],
      [`minor @${end(1)}`, `moderate @${end(2)}`, `severe @${end(3)}`, `extreme @${end(4)}`],
    ],
    [
      [301, 201, 301, 201],
      [`minor @${end(1)}`, `moderate @${end(2)}`, `severe @${end(3)}`],
    ],
  ],
  'mep-2017': [
    [[201], ['minor @0']],
    // The second value of the same cut is 24 hours later.
    [
      [201, 201],
      ['minor @0', `moderate @${DAY}`],
    ],
    [
      [201, 100, 201],
      ['minor @0', `moderate @${2 * DAY}`],
    ],
  ],
  'mee-2018': [
    [[201], []],
    [
      [201, 201, 201],
      [`moderate @${DAY}`, `severe @${2 * DAY}`],
    ],
    [
      [201, 201, 301, 301],
      [`moderate @${DAY}`, `severe @${2 * DAY}`, `extreme @${3 * DAY}`],
    ],
    [[200, 200, 200, 200], []],
  ],
  'mee-2024': [
    [[150, 150, 150], []],
    [
      [151, 151, 151],
      [`moderate @${DAY}`, `severe @${2 * DAY}`],
    ],
    [
      [201, 201],
      ['moderate @0', `severe @${DAY}`],
    ],
    [
      [201, 301, 201],
      ['moderate @0', `severe @${DAY}`, `extreme @${2 * DAY}`],
    ],
    [
      [201, 300, 201],
      ['moderate @0', `severe @${DAY}`],
    ],
  ],
};

for (const version of JJJ_VERSIONS) {
  test(`${version}: levels at their boundaries`, () => {
    for (const [aqis, told] of EXPECTED[version]) assert.deepEqual(days(version, aqis), told, `${aqis}`);
  });
}

test('the version follows from the date', () => {
  const on = (year: number, month: number) =>
    city(bench(undefined, Date.UTC(year, month, 10, -8)), 'c', [
      [201, 2 * DAY],
      [100, 1],
    ]).told.map((line) => line.split(' ').slice(1));
  assert.deepEqual(on(2013, 5), [], 'before the first version nothing is known');
  assert.deepEqual(on(2014, 0), [['raise', 'minor', '23', '@23']]);
  assert.deepEqual(on(2016, 11), [
    ['raise', 'minor', '23', '@23'],
    ['moderate', '@47'],
  ]);
  assert.deepEqual(on(2020, 0), [['raise', 'moderate', '24', '@24']]);
  assert.deepEqual(on(2026, 0), [
    ['raise', 'moderate', '0', '@0'],
    ['severe', '@24'],
  ]);
});

test('release: 36 h below the condition; an interruption that is shorter does not end it', () => {
  const until = (hours: number) =>
    city(bench('mee-2024'), 'c', [
      [201, 2 * DAY],
      [150, hours],
      [151, 1],
    ]).told;
  assert.deepEqual(until(36), ['city raise moderate 0 @0', 'city severe @24']);
  assert.deepEqual(until(37), ['city raise moderate 0 @0', 'city severe @24', 'city clear @84']);
});

test('after the release what lies behind it counts no more', () => {
  const told = city(bench('mee-2018'), 'c', [
    [201, 2 * DAY],
    [100, 40],
    [201, DAY],
  ]).told;
  assert.deepEqual(told, ['city raise moderate 24 @24', 'city clear @84']);
});

test('joint response: three cities at orange, and at red', () => {
  const region = bench('mee-2024');
  // The value of hour 48 is the third of the same cut.
  for (const name of ['a', 'b']) city(region, name, [[301, 2 * DAY + 1]]);
  city(region, 'c', [[301, 2 * DAY]]);
  const joint = () => region.told.filter((line) => line.startsWith('joint'));
  assert.deepEqual(joint(), ['joint raise severe 24 @24'], 'the third city is one hour short of red');
  city(region, 'c', [[301, 1]], 2 * DAY);
  assert.deepEqual(joint(), ['joint raise severe 24 @24', 'joint extreme @48']);
  assert.ok(region.messages.includes('3 cities at red: regional joint response'));
});

test('forecast: raised ahead of the pollution, over when 36 h of better air are foretold', () => {
  const ahead = new ContractBench('jjj-forecast', HOUR_MS, { start: Date.UTC(2026, 10, 1, -8) });
  const foretell = (made: number, aqiAt: (hour: number) => number) => {
    for (let hour = made + 1; hour <= made + 5 * DAY; hour++) ahead.read('city-air-forecast', 'c', hour, { aqi_24h: aqiAt(hour) }, made);
  };
  const now = (from: number, to: number, aqi: number) => {
    for (let hour = from; hour <= to; hour++) ahead.read('city-air', 'c', hour, { aqi_24h: aqi });
  };
  now(0, 1, 80);
  foretell(1, (hour) => (hour >= 50 && hour < 100 ? 220 : 80));
  now(2, 30, 80);
  // Two cuts of 24 hours above 200, foretold two days ahead of the first.
  assert.deepEqual(ahead.told, ['city raise severe 0 @0']);
  foretell(30, (hour) => (hour === 65 ? 151 : 150));
  now(31, 31, 80);
  assert.deepEqual(ahead.told, ['city raise severe 0 @0'], 'the 36th hour ahead of 29 is above the condition');
  foretell(31, (hour) => (hour === 67 ? 151 : 150));
  now(32, 40, 80);
  assert.deepEqual(ahead.told, ['city raise severe 0 @0', 'city clear @30']);
});
