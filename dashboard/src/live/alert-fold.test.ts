import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertRaised } from '@airtight/protocol';
import { foldTransition } from './alert-fold.ts';

const raise: AlertRaised = {
  v: 1,
  type: 'raise',
  alert: 'a'.repeat(32),
  at: 60_000,
  contract: 'pm25',
  version: 'b'.repeat(64),
  rule: 'heavy',
  severity: 'severe',
  agency: 'bj',
  dataset: 'air',
  subject: 's1',
  since: 1000,
  values: { pm25: 160 },
  message: { zh: '高', en: 'high' },
  evidence: [3, 9],
};

test('raise, acknowledge, clear', () => {
  const raised = foldTransition(undefined, raise, 10);
  assert.equal(raised?.state, 'unacknowledged');
  assert.deepEqual(raised?.evidence, ['3', '9']);
  assert.equal(raised?.since, '1970-01-01T00:00:01.000Z');
  const acknowledged = foldTransition(
    raised,
    { v: 1, type: 'acknowledge', alert: raise.alert, at: 90_000, by: 'li', comment: '已派人' },
    11,
  );
  assert.equal(acknowledged?.state, 'acknowledged');
  assert.equal(acknowledged?.acknowledgedBy, 'li');
  const closed = foldTransition(acknowledged, { v: 1, type: 'clear', alert: raise.alert, at: 99_000, values: {}, evidence: [] }, 12);
  assert.equal(closed?.state, 'closed');
  assert.equal(closed?.clearedAt, '1970-01-01T00:01:39.000Z');
  assert.deepEqual(
    closed?.timeline.map(({ type, record }) => `${type}@${record}`),
    ['raise@10', 'acknowledge@11', 'clear@12'],
  );
});

test('cleared before anybody acknowledged: returned', () => {
  const raised = foldTransition(undefined, raise, 10);
  assert.equal(foldTransition(raised, { v: 1, type: 'clear', alert: raise.alert, at: 1, values: {}, evidence: [] }, 12)?.state, 'returned');
});

test('a transition that is known already changes nothing', () => {
  const raised = foldTransition(undefined, raise, 10);
  assert.equal(foldTransition(raised, raise, 10), raised);
});

test('an act on an alert that is not known here is left out', () => {
  assert.equal(foldTransition(undefined, { v: 1, type: 'clear', alert: raise.alert, at: 1, values: {}, evidence: [] }, 12), undefined);
});
