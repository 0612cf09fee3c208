import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  JJJ_RESPONSE,
  JJJ_VERSIONS,
  type JjjLevel,
  type JjjVersion,
  jjjGrade,
  jjjGradeAhead,
  jjjGradeNow,
  jjjGradeRolling,
  jjjMayRelease,
  jjjThreshold,
  jjjVersionAt,
} from './jjj-alerts.ts';

const RANK: readonly (JjjLevel | null)[] = [null, 'blue', 'yellow', 'orange', 'red'];

test('five versions by date, from midnight of UTC+8', () => {
  const at = (text: string): JjjVersion | null => jjjVersionAt(Date.parse(text));
  assert.equal(at('2013-09-30T23:59:59+08:00'), null);
  assert.equal(at('2013-10-01T00:00:00+08:00'), 'bj-2013');
  assert.equal(at('2016-01-31T23:59:59+08:00'), 'bj-2013');
  assert.equal(at('2016-02-01T00:00:00+08:00'), 'jjj-2016');
  assert.equal(at('2017-09-01T00:00:00+08:00'), 'mep-2017');
  assert.equal(at('2018-01-01T00:00:00+08:00'), 'mee-2018');
  assert.equal(at('2023-12-31T23:59:59+08:00'), 'mee-2018');
  assert.equal(at('2024-01-01T00:00:00+08:00'), 'mee-2024');
});

test('the conditions of each version, at their edges', () => {
  const cases: readonly (readonly [JjjVersion, readonly number[], JjjLevel | null])[] = [
    ['bj-2013', [200], null],
    ['bj-2013', [300], 'blue'],
    ['bj-2013', [301], 'yellow'],
    ['bj-2013', [201, 201, 201], 'yellow'],
    ['bj-2013', [201, 301, 201], 'orange'],
    ['bj-2013', [301, 301, 301], 'red'],
    ['jjj-2016', [201], 'blue'],
    ['jjj-2016', [201, 201], 'yellow'],
    ['jjj-2016', [201, 201, 300], 'yellow'],
    ['jjj-2016', [201, 201, 301], 'orange'],
    ['jjj-2016', [201, 301, 301, 201], 'red'],
    ['jjj-2016', [201, 301, 201, 301], 'orange'],
    ['mee-2018', [201], null],
    ['mee-2018', [201, 201, 201], 'orange'],
    ['mee-2018', [499], null],
    ['mee-2018', [500], 'red'],
    ['mee-2024', [151], null],
    ['mee-2024', [151, 151], 'yellow'],
    ['mee-2024', [151, 151, 151], 'orange'],
    ['mee-2024', [201, 201], 'orange'],
    ['mee-2024', [201, 300, 201], 'orange'],
    ['mee-2024', [201, 201, 301], 'red'],
    ['mee-2024', [201, 201, 201, 150, 301], 'orange'],
  ];
  for (const [version, days, level] of cases) assert.equal(jjjGrade(version, days), level, `${version} ${days}`);
});

test('2017: a day between two episodes does not part them, two days do', () => {
  assert.equal(jjjGrade('mep-2017', [201, 100, 201]), 'yellow');
  assert.equal(jjjGrade('mep-2017', [201, 100, 100, 201]), 'blue');
  assert.equal(jjjGrade('mep-2017', [201, 100, 301, 100, 201]), 'orange');
  assert.equal(jjjGrade('jjj-2016', [201, 100, 201]), 'blue');
});

test('a day without a value, or led by ozone, breaks a run', () => {
  assert.equal(jjjGrade('mee-2024', [160, null, 160]), null);
  assert.equal(jjjGrade('mee-2024', []), null);
});

test('worse air on any day, or another day of it, never lowers the level', () => {
  // A small generator of its own, so that every run sees the same days.
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 3000; round++) {
    const days = Array.from({ length: 1 + next(6) }, () => [100, 151, 201, 301, 500][next(5)] as number);
    const day = next(days.length);
    const worse = days.map((aqi, i) => (i === day ? Math.min(500, aqi + 100) : aqi));
    for (const version of JJJ_VERSIONS) {
      const level = RANK.indexOf(jjjGrade(version, days));
      assert.ok(RANK.indexOf(jjjGrade(version, worse)) >= level, `${version} ${days} → ${worse}`);
      assert.ok(RANK.indexOf(jjjGrade(version, [...days, 500])) >= level, `${version} ${days}`);
    }
  }
});

test('any 24 hours: an episode that no calendar day shows', () => {
  // 24-hour AQI above 200 at hour 30 and 54 only: two days by the cut at 6, none at 0.
  const rolling = Array.from({ length: 72 }, (_, hour) => (hour === 30 || hour === 54 ? 210 : 100));
  assert.equal(jjjGradeRolling('mee-2018', rolling), 'yellow');
  assert.equal(jjjGradeRolling('jjj-2016', rolling), null);
});

test('released when the next 36 hours are known and give no level', () => {
  const calm = Array.from({ length: 36 }, () => 150);
  assert.equal(jjjMayRelease('mee-2024', calm), true);
  assert.equal(jjjMayRelease('mee-2024', calm.slice(1)), false);
  assert.equal(jjjMayRelease('mee-2024', [...calm.slice(1), 201]), false);
  assert.equal(jjjMayRelease('mee-2024', [...calm, 400]), true);
});

test('yellow, orange and red have a response', () => {
  assert.deepEqual(JJJ_RESPONSE, { red: 'I', orange: 'II', yellow: 'III', blue: null });
});

const NOON = Date.parse('2026-01-10T12:00:00+08:00');
const LAST_HOUR = Date.parse('2026-01-10T23:00:00+08:00');

test('what is reached now lasts until the newest hour; a version of calendar days reaches it when a day ends', () => {
  const two = [...new Array<number>(25).fill(201)];
  assert.equal(jjjGradeNow('mee-2018', two, NOON), 'yellow');
  assert.equal(jjjGradeNow('mee-2018', two.slice(1), NOON), null);
  assert.equal(jjjGradeNow('mee-2018', [...two, 200], NOON), null, 'it is over');
  assert.equal(jjjGradeNow('mep-2017', [201, ...new Array<number>(47).fill(100), 201], NOON), 'yellow', 'one day between');
  assert.equal(jjjGradeNow('jjj-2016', two, NOON), null);
  assert.equal(jjjGradeNow('jjj-2016', two, LAST_HOUR), 'yellow');
  assert.equal(jjjGradeNow('jjj-2016', [], LAST_HOUR), null);
});

test('what is foretold counts wherever it lies; days of the calendar end at their last hour', () => {
  const hours = [...new Array<number>(20).fill(80), ...new Array<number>(25).fill(201), 80];
  assert.equal(jjjGradeAhead('mee-2018', hours, NOON), 'yellow');
  assert.equal(jjjGradeAhead('jjj-2016', hours, NOON), 'blue', 'only the second day ends above 200');
  assert.equal(jjjGradeAhead('jjj-2016', hours, LAST_HOUR), 'blue');
  assert.equal(jjjGradeAhead('jjj-2016', [500], NOON), null, 'no day ends');
});

test('the AQI up to which a day counts for no level', () => {
  assert.deepEqual(JJJ_VERSIONS.map(jjjThreshold), [200, 200, 200, 200, 150]);
});
