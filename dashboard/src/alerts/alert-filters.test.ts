import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertItem } from '@airtight/protocol';
import { bodyOf, isComplete, SHELVE_CHOICES_MS, shelfEnd } from './act-form.ts';
import { FLOOD_WINDOW_MS, isInList, LISTS, recentlyRaised } from './alert-filters.ts';

const alert = (change: Partial<AlertItem>) =>
  ({ alert: 'a', state: 'unacknowledged', group: null, assignedTo: null, acknowledgedBy: null, raisedAt: '', ...change }) as AlertItem;
const listsOf = (change: Partial<AlertItem>, isKnown = true) => LISTS.filter((list) => isInList(list, alert(change), () => isKnown, 'li'));

test('what is put aside has its own list and none of the others', () => {
  for (const state of ['shelved', 'suppressed', 'out-of-service'] as const) assert.deepEqual(listsOf({ state }), [state, 'all']);
  assert.deepEqual(listsOf({}), ['open', 'unacknowledged', 'all']);
  assert.deepEqual(listsOf({ state: 'proposed' }), ['open', 'all']);
  assert.deepEqual(listsOf({ state: 'returned' }), ['open', 'unacknowledged', 'all']);
  assert.deepEqual(listsOf({ state: 'closed', assignedTo: 'li' }), ['all']);
});

test('mine: assigned to me, or acknowledged by me and assigned to nobody', () => {
  assert.deepEqual(listsOf({ state: 'acknowledged', acknowledgedBy: 'li' }), ['open', 'mine', 'all']);
  assert.deepEqual(listsOf({ state: 'acknowledged', acknowledgedBy: 'li', assignedTo: 'wang' }), ['open', 'all']);
  assert.deepEqual(listsOf({ state: 'shelved', assignedTo: 'li' }), ['mine', 'shelved', 'all']);
});

test('members stand under their group, unless the group is not on the screen', () => {
  assert.deepEqual(listsOf({ group: 'g' }), ['all']);
  assert.deepEqual(listsOf({ group: 'g' }, false), ['open', 'unacknowledged', 'all']);
});

test('a flood counts groups once', () => {
  const now = Date.UTC(2026, 0, 1);
  const at = (ms: number) => new Date(now - ms).toISOString();
  const items = [
    { raisedAt: at(0) },
    { raisedAt: at(FLOOD_WINDOW_MS) },
    { raisedAt: at(FLOOD_WINDOW_MS + 1) },
    { raisedAt: at(0), group: 'g' },
  ];
  assert.equal(recentlyRaised(items.map(alert), now), 2);
});

test('what the dialogs send', () => {
  const form = { text: ' calibration ', forMs: SHELVE_CHOICES_MS.at(-1) as number, to: '' };
  assert.ok(shelfEnd(0, form.forMs) < form.forMs, 'the longest is still within what the server takes when it arrives');
  assert.equal(shelfEnd(1000, 60_000), 61_000);
  assert.deepEqual(bodyOf('shelve', form, 0), { until: '1970-01-01T00:00:00.000Z', reason: 'calibration' });
  assert.deepEqual(bodyOf('assign', form, 0), { to: null });
  assert.deepEqual(bodyOf('approve', form, 0), {});
  assert.deepEqual(
    [isComplete('close', { ...form, text: '  ' }), isComplete('close', form), isComplete('assign', form)],
    [false, true, true],
  );
});
