import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AlertItem, alertText } from '@airtight/protocol';
import { holdOrder } from '../ui/held-order.ts';
import { byNeed, byRaised, isActive, isOpen, isUnacknowledged } from './alert-order.ts';
import { ANNOUNCE_EVERY_MS, announce, QUIET } from './announcement.ts';

const alert = (id: string, state: AlertItem['state'], severity: string, since: string) =>
  ({ alert: id, state, severity, since, raisedAt: since }) as AlertItem;

test('unacknowledged first, then by severity, then the longest', () => {
  const items = [
    alert('new', 'unacknowledged', 'moderate', '2026-01-02'),
    alert('old', 'unacknowledged', 'moderate', '2026-01-01'),
    alert('taken', 'acknowledged', 'extreme', '2026-01-01'),
    alert('severe', 'returned', 'severe', '2026-01-03'),
  ];
  assert.deepEqual(
    [...items].sort(byNeed).map(({ alert: id }) => id),
    ['severe', 'old', 'new', 'taken'],
  );
  assert.equal([...items].sort(byRaised)[0]?.alert, 'severe');
});

test('what is open, active, unacknowledged', () => {
  const states = (['unacknowledged', 'acknowledged', 'returned', 'closed'] as const).map((state) => alert('a', state, 'minor', ''));
  assert.deepEqual(states.map(isOpen), [true, true, true, false]);
  assert.deepEqual(states.map(isActive), [true, true, false, false]);
  assert.deepEqual(states.map(isUnacknowledged), [true, false, true, false]);
});

test('a held list keeps still and counts what waits', () => {
  assert.deepEqual(holdOrder(['a', 'b'], ['c', 'b', 'a'], true), { shown: ['a', 'b'], waiting: 1 });
  assert.deepEqual(holdOrder(['a', 'b'], ['b'], true), { shown: ['a', 'b'], waiting: 0 });
  assert.deepEqual(holdOrder(['a', 'b'], ['c', 'b', 'a'], false), { shown: ['c', 'b', 'a'], waiting: 0 });
});

test('at most one announcement in ten seconds; the rest is counted in the next', () => {
  const first = announce(QUIET, 1, 0);
  assert.equal(first.say, 1);
  const second = announce(first.next, 2, 1000);
  assert.equal(second.say, 0);
  const third = announce(second.next, 1, 2000);
  assert.equal(announce(third.next, 0, ANNOUNCE_EVERY_MS - 1).say, 0);
  assert.equal(announce(third.next, 0, ANNOUNCE_EVERY_MS).say, 3);
  assert.equal(announce(QUIET, 0, 0).say, 0);
});

test('a message names the place and the local time', () => {
  const text = 'sim-1: above 8 °C since 2026-11-22T03:00:00.000Z (now 11.99 °C)';
  const local = (ms: number) => `<${ms - Date.UTC(2026, 10, 22, 3)}>`;
  assert.equal(alertText(text, 'sim-1', 'Baoding', local), 'Baoding: above 8 °C since <0> (now 11.99 °C)');
  assert.equal(alertText('sim-1', 'sim-1', '', local), 'sim-1');
  assert.equal(alertText('sim-10 and sim-1.', 'sim-1', 'Baoding', local), 'sim-10 and Baoding.');
});
