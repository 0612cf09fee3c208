import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANNUAL_PERCENTILES, isValidOzoneDay, percentile } from './hj663.ts';

test('fourteen means, or fewer above the limit', () => {
  assert.equal(isValidOzoneDay(14, 10), true);
  assert.equal(isValidOzoneDay(13, 160), false);
  assert.equal(isValidOzoneDay(13, 160.1), true);
  assert.equal(isValidOzoneDay(1, 101, 100), true);
  assert.equal(isValidOzoneDay(0, 999), false);
});

test('percentiles: k = 1 + (n − 1)·p, between two values in proportion, exactly', () => {
  const series = [30, 10, 20, 50, 40];
  assert.deepEqual(
    [0, 25, 50, 90, 95, 100].map((percent) => percentile(series, percent)),
    [10, 20, 30, 46, 48, 50],
  );
  // A year of day means 1 to 365: k = 1 + 364·0.95 = 346.8.
  const year = Array.from({ length: 365 }, (_, day) => 365 - day);
  assert.equal(percentile(year, ANNUAL_PERCENTILES.pm25), 346.8);
  assert.equal(percentile(year, ANNUAL_PERCENTILES.so2), 357.72);
  assert.equal(percentile(year, ANNUAL_PERCENTILES.o3), 328.6);
  // 0.1 + (0.4 − 0.1)·0.9, which doubles make 0.37000000000000005.
  assert.equal(percentile([0.1, 0.4], 90), 0.37);
  assert.equal(percentile([7], 95), 7);
  assert.equal(percentile([], 95), null);
  assert.throws(() => percentile([1, Number.NaN], 95), RangeError);
  assert.throws(() => percentile([1], 95.5), RangeError);
});
