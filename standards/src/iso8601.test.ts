import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDurationMs } from './iso8601.ts';

test('durations of fixed length', () => {
  assert.equal(parseDurationMs('PT0S'), 0);
  assert.equal(parseDurationMs('PT10M'), 600_000);
  assert.equal(parseDurationMs('PT10H'), 36_000_000);
  assert.equal(parseDurationMs('P1DT1H1M1S'), 90_061_000);
  assert.equal(parseDurationMs('P2D'), 172_800_000);
});

test('anything else is none', () => {
  for (const text of ['', 'P', 'PT', 'P1DT', '10M', 'PT10', 'P1Y', 'P1M', 'P1W', 'PT1.5H', 'PT-1H', '-PT1H', 'PT1M1H', ' PT1H', 'pt1h']) {
    assert.equal(parseDurationMs(text), null, text);
  }
});
