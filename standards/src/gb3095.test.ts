import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidAverage, type LimitedPollutant, type LimitPeriod, type LimitSet, limitOf, limitSetAt } from './gb3095.ts';

test('one below the minimum of Table 4 is not enough', () => {
  assert.equal(isValidAverage({ period: 'hour', minutes: 45 }), true);
  assert.equal(isValidAverage({ period: 'hour', minutes: 44 }), false);
  assert.equal(isValidAverage({ period: '8h', hours: 6 }), true);
  assert.equal(isValidAverage({ period: '8h', hours: 5 }), false);
  assert.equal(isValidAverage({ period: 'day', hours: 20 }), true);
  assert.equal(isValidAverage({ period: 'day', hours: 19 }), false);
});

test('a year needs its days, and every month its own; February two fewer', () => {
  const months = (january: number, february: number): number[] => [january, february, ...Array.from({ length: 10 }, () => 28)];
  assert.equal(isValidAverage({ period: 'year', days: 332, months: months(27, 25) }), true);
  assert.equal(isValidAverage({ period: 'year', days: 332, months: months(26, 28) }), false);
  assert.equal(isValidAverage({ period: 'year', days: 332, months: months(28, 24) }), false);
  assert.equal(isValidAverage({ period: 'year', days: 323, months: months(28, 28) }), false);
  assert.equal(isValidAverage({ period: 'year', days: 340, months: [31, 28, 31] }), false);
});

test('what is sampled on some days only has its own minima', () => {
  assert.equal(isValidAverage({ period: 'sampled-day', hours: 24 }), true);
  assert.equal(isValidAverage({ period: 'sampled-day', hours: 23 }), false);
  const months = (count: number, first: number): number[] => [first, ...Array.from({ length: count - 1 }, () => 5)];
  assert.equal(isValidAverage({ period: 'sampled-year', days: 60, months: months(12, 5) }), true);
  assert.equal(isValidAverage({ period: 'sampled-year', days: 59, months: months(12, 5) }), false);
  assert.equal(isValidAverage({ period: 'sampled-year', days: 60, months: months(12, 4) }), false);
  assert.equal(isValidAverage({ period: 'sampled-quarter', days: 15, months: months(3, 5) }), true);
  assert.equal(isValidAverage({ period: 'sampled-quarter', days: 15, months: months(2, 5) }), false);
});

test('the limits change at midnight of UTC+8', () => {
  const at = (text: string): LimitSet => limitSetAt(Date.parse(text));
  assert.equal(at('2026-02-28T23:59:59.999+08:00'), 'GB 3095-2012');
  assert.equal(at('2026-03-01T00:00:00+08:00'), 'GB 3095-2026 transition');
  assert.equal(at('2030-12-31T23:59:59.999+08:00'), 'GB 3095-2026 transition');
  assert.equal(at('2031-01-01T00:00:00+08:00'), 'GB 3095-2026 final');
});

test('no limit ever rises, grade 1 is never above grade 2, and PM2.5 of grade 2 reads 75, 60, 50', () => {
  const sets: readonly LimitSet[] = ['GB 3095-2012', 'GB 3095-2026 transition', 'GB 3095-2026 final'];
  const pollutants: readonly LimitedPollutant[] = ['so2', 'no2', 'co', 'o3', 'pm10', 'pm25', 'tsp', 'nox', 'pb', 'bap'];
  const periods: readonly LimitPeriod[] = ['year', 'quarter', 'day', 'day-max-8h', 'hour'];
  for (const pollutant of pollutants) {
    for (const period of periods) {
      let last = [Infinity, Infinity];
      for (const set of sets) {
        const grades = ([1, 2] as const).map((grade) => limitOf(set, pollutant, period, grade));
        const [first, second] = grades;
        if (typeof first !== 'number' || typeof second !== 'number') {
          assert.deepEqual(grades, [null, null]);
          continue;
        }
        assert.ok(first <= second && first <= (last[0] as number) && second <= (last[1] as number), `${set} ${pollutant} ${period}`);
        last = [first, second];
      }
    }
  }
  assert.deepEqual(
    sets.map((set) => limitOf(set, 'pm25', 'day', 2)),
    [75, 60, 50],
  );
  assert.equal(limitOf('GB 3095-2026 final', 'pm25', 'hour', 2), null);
});
