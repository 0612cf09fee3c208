import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LatestItem } from '@airtight/protocol';
import { isDoubtful, stronger, testCounts, toneOf, worstOfLatest } from './quality-flag.ts';

test('flags are as strong as QARTOD has them', () => {
  assert.deepEqual([stronger(1, 2), stronger(3, 1), stronger(4, 3), stronger(9, 2)], [1, 3, 4, 2]);
  assert.deepEqual([1, 2, 3, 4, 9].map(isDoubtful), [false, false, true, true, false]);
  assert.deepEqual([1, 2, 3, 4].map(toneOf), ['good', 'neutral', 'warn', 'bad']);
});

test('the worst of a reading; of several values each test once, a person first', () => {
  const value = (flag: number) => ({ result: 1, unit: '1', flags: [], quality: { flag, tests: {} } });
  assert.equal(worstOfLatest({ values: { a: value(1), b: value(3), c: value(2) } } as unknown as LatestItem), 3);
  assert.equal(worstOfLatest(undefined), undefined);
  const counts = testCounts([
    { flag: 4, tests: { spike: 3, rate: 4 } },
    { flag: 1, tests: { spike: 4, manual: 1 } },
  ]);
  assert.deepEqual(counts, [
    { test: 'manual', flag: 1, values: 1 },
    { test: 'spike', flag: 4, values: 2 },
    { test: 'rate', flag: 4, values: 1 },
  ]);
});
