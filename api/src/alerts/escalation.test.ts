import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertItem } from '@airtight/protocol';
import { countOf } from './escalation.ts';

const entry = (record: number, type: string, more: object = {}) => ({ record: String(record), type, at: '', ...more });
const count = (timeline: readonly object[], approvals = 0) => countOf({ timeline, approvals } as unknown as AlertItem);

test('the time to escalate counts from the raise, and anew when it becomes worse', () => {
  const raise = entry(1, 'raise', { severity: 'minor' });
  const escalate = entry(2, 'escalate', { severity: 'severe' });
  assert.deepEqual(count([raise]), { record: '1', taken: 0 });
  assert.deepEqual(count([raise, escalate, entry(3, 'comment', { by: 'li' })]), { record: '1', taken: 1 });
  assert.deepEqual(count([raise, escalate, entry(3, 'update', { severity: 'moderate' })]), { record: '3', taken: 0 });
  assert.deepEqual(count([raise, escalate, entry(3, 'update', { severity: 'minor' })]), { record: '1', taken: 1 });
});

test('of an alert that two people must approve it counts from the second approval', () => {
  const approve = (record: number, by: string) => entry(record, 'approve', { by });
  const raise = entry(1, 'raise', { severity: 'minor' });
  assert.deepEqual(count([raise, approve(2, 'li'), approve(3, 'li')], 2), { record: '1', taken: 0 });
  assert.deepEqual(count([raise, approve(2, 'li'), approve(4, 'wang'), approve(5, 'zhao')], 2), { record: '4', taken: 0 });
});
