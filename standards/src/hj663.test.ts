import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isValidOzoneDay } from './hj663.ts';

test('fourteen means, or fewer above the limit', () => {
  assert.equal(isValidOzoneDay(14, 10), true);
  assert.equal(isValidOzoneDay(13, 160), false);
  assert.equal(isValidOzoneDay(13, 160.1), true);
  assert.equal(isValidOzoneDay(1, 101, 100), true);
  assert.equal(isValidOzoneDay(0, 999), false);
});
