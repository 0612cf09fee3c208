import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidAverage } from './gb3095.ts';

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
