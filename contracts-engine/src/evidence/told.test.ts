import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryOutcome } from '@airtight/protocol';
import { lastAttempts, type ToldAttempt, toldFaults } from './told.ts';

const RAISE = 10;
const transitions = new Set([RAISE]);
function attempt(position: number, n: number, change: Partial<DeliveryOutcome> = {}): ToldAttempt {
  const outcome = {
    channel: 'office',
    alert: 'a',
    record: RAISE,
    message: 'm',
    attempt: n,
    at: position,
    outcome: 'failed',
    detail: 'http 500',
  };
  return { position, outcome: { ...outcome, ...change } as DeliveryOutcome };
}
const details = (attempts: readonly ToldAttempt[]) =>
  toldFaults(attempts, transitions).map(({ position, detail }) => `${position} ${detail}`);

test('attempts from the first on, of a transition that was there before, hold; so do those that stand in two records', () => {
  assert.deepEqual(details([attempt(11, 1), attempt(12, 2), attempt(13, 2), attempt(14, 3, { outcome: 'delivered' })]), []);
  // An outbox that was lost begins anew; what never was tried for want of room has the number 0.
  assert.deepEqual(details([attempt(11, 1), attempt(12, 2), attempt(13, 1), attempt(14, 2), attempt(15, 3)]), []);
  assert.deepEqual(details([attempt(11, 0, { outcome: 'dead', detail: 'queue full' })]), []);
});

test('a hole between attempts, another transition, and a delivery before what it tells are named', () => {
  assert.deepEqual(details([attempt(11, 1), attempt(13, 3)]), ['13 delivery to office: attempt 2 of m is missing']);
  assert.deepEqual(details([attempt(12, 2)]), ['12 delivery to office: attempt 1 of m is missing']);
  assert.deepEqual(details([attempt(11, 1, { record: 9 })]), ['11 delivery to office: record 9 is no transition of the alert']);
  assert.deepEqual(details([attempt(9, 1)]), ['9 delivery to office: it is on record before what it tells']);
});

test('of each message the last attempt tells how it ended', () => {
  const other = attempt(12, 1, { message: 'n' });
  assert.deepEqual(
    lastAttempts([attempt(11, 1), other, attempt(13, 2)]).map(({ position }) => position),
    [13, 12],
  );
});
