import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roundHalfUp, truncateToUnits } from './rounding.ts';

test('a double is cut off as its text is', () => {
  for (const digits of [0, 1, 3]) {
    const scale = 10 ** digits;
    for (let k = 0; k < 20_000; k++) {
      // k/scale itself, and the doubles right below and above it.
      const x = k / scale;
      const next = x === 0 ? Number.MIN_VALUE : x * (1 + Number.EPSILON);
      const before = x * (1 - Number.EPSILON);
      assert.equal(truncateToUnits(x, scale), k, `${x}`);
      assert.equal(truncateToUnits(next, scale), k, `${next}`);
      if (k > 0) assert.equal(truncateToUnits(before, scale), k - 1, `${before}`);
    }
  }
  assert.equal(truncateToUnits(4.35, 100), 435);
  assert.equal(truncateToUnits(-0.05, 10), 0);
  assert.equal(truncateToUnits(-1.29, 10), -12);
  assert.ok(Number.isNaN(truncateToUnits(Number.NaN, 10)));
});

test('a half goes up, the double below a half does not', () => {
  assert.equal(roundHalfUp(0.49999999999999994), 0);
  assert.equal(roundHalfUp(0.5), 1);
  assert.equal(roundHalfUp(2.5), 3);
  assert.equal(roundHalfUp(-2.5), -2);
});
