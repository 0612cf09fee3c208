import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';
import { connectionOf, DISCONNECTED_AFTER_MS, isCurrent } from './connection.ts';
import { freshnessOf, isAnchored } from './freshness.ts';
import { initialStream, stepStream } from './stream-core.ts';

test('back-off doubles to half a minute, within a fifth', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 50].map((attempt) => backoffMs(attempt, 0.5)),
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.equal(backoffMs(1, 0), 800);
  assert.ok(backoffMs(6, 0.999) <= 36_000);
});

test('the pill: connecting, live, reconnecting, disconnected', () => {
  assert.deepEqual(connectionOf(null, 0, null), { kind: 'connecting' });
  const start = initialStream(5, 0).state;
  assert.equal(connectionOf(start, 0, null).kind, 'connecting');
  const live = stepStream(start, { type: 'message', message: { type: 'hello', from: 5, head: 5 }, at: 0 }).state;
  assert.deepEqual(connectionOf(live, 4000, 1000), { kind: 'live', ageMs: 3000 });
  assert.deepEqual(connectionOf(live, 4000, null), { kind: 'live', ageMs: null });
  const lost = stepStream(live, { type: 'lost', at: 10_000, random: 0.5 }).state;
  assert.deepEqual(connectionOf(lost, 10_400, 1000), { kind: 'reconnecting', attempt: 1, nextInMs: 600, since: 10_000 });
  const later = connectionOf(lost, 10_000 + DISCONNECTED_AFTER_MS, 1000);
  assert.equal(later.kind, 'disconnected');
  assert.equal(isCurrent(later), false);
});

test('while connecting again the loss still shows', () => {
  const live = stepStream(initialStream(5, 0).state, { type: 'message', message: { type: 'hello', from: 5, head: 5 }, at: 0 }).state;
  const lost = stepStream(live, { type: 'lost', at: 10_000, random: 0.5 }).state;
  const trying = stepStream(lost, { type: 'retry', at: 14_000 }).state;
  assert.deepEqual(connectionOf(trying, 14_000, 1000), { kind: 'disconnected', attempt: 1, nextInMs: null, since: 10_000 });
});

test('catching up tells how much is missing', () => {
  const state = stepStream(initialStream(5, 0).state, { type: 'message', message: { type: 'hello', from: 5, head: 105 }, at: 0 }).state;
  assert.deepEqual(connectionOf(state, 0, null), { kind: 'catching-up', records: 100 });
});

test('stale beyond three cadences', () => {
  assert.deepEqual(freshnessOf(0, 60_000, 180_000), { stale: false, ageMs: 180_000 });
  assert.equal(freshnessOf(0, 60_000, 180_001).stale, true);
  assert.deepEqual(freshnessOf(5000, 60_000, 0), { stale: false, ageMs: 0 }, 'a clock slightly ahead is no negative age');
  assert.equal(freshnessOf(0, undefined, 3_600_001).stale, true);
});

test('a record is anchored below anchoredThrough', () => {
  assert.equal(isAnchored('9', 10), true);
  assert.equal(isAnchored('10', 10), false);
  assert.equal(isAnchored('0', undefined), false, 'an unknown ledger proves nothing');
});
