import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertItem } from '../interfaces/http-api.ts';
import { type AlertRaised, type AlertTransition, OUT_OF_SERVICE, type Severity, transitionMessageId } from './alert.ts';
import { foldAlert } from './alert-fold.ts';

const ALERT = 'a'.repeat(32);
const RAISE: AlertRaised = {
  v: 1,
  type: 'raise',
  n: 0,
  alert: ALERT,
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
const base = { v: 1, alert: ALERT, contract: 'pm25', agency: 'bj', evidence: [20] } as const;
const CLEAR: AlertTransition = { ...base, type: 'clear', n: 1, at: 99_000, values: {} };
const by = (name: string) => ({ v: 1, alert: ALERT, at: 90_000, by: name }) as const;
const ACKNOWLEDGE: AlertTransition = { ...by('li'), type: 'acknowledge', comment: '已派人' };

/** The alert after these transitions, at positions 10, 11 … */
function after(transitions: readonly AlertTransition[], raise: AlertRaised = RAISE): AlertItem {
  let item: AlertItem | undefined;
  for (const [index, transition] of [raise, ...transitions].entries()) item = foldAlert(item, transition, 10 + index);
  assert.ok(item);
  return item;
}

test('raise, acknowledge, clear', () => {
  assert.equal(after([]).state, 'unacknowledged');
  assert.deepEqual(after([]).evidence, ['3', '9']);
  assert.equal(after([]).since, '1970-01-01T00:00:01.000Z');
  assert.deepEqual([after([ACKNOWLEDGE]).state, after([ACKNOWLEDGE]).acknowledgedBy], ['acknowledged', 'li']);
  const closed = after([ACKNOWLEDGE, CLEAR]);
  assert.deepEqual([closed.state, closed.clearedAt], ['closed', '1970-01-01T00:01:39.000Z']);
  assert.deepEqual(
    closed.timeline.map(({ type, record, by: person, comment }) => [type, record, person, comment]),
    [
      ['raise', '10', undefined, undefined],
      ['acknowledge', '11', 'li', '已派人'],
      ['clear', '12', undefined, undefined],
    ],
  );
  assert.equal(after([CLEAR]).state, 'returned');
});

test('a record that is known changes nothing; an act on an alert that is not known is left out', () => {
  const item = after([]);
  assert.equal(foldAlert(item, RAISE, 10), item);
  assert.equal(foldAlert(undefined, CLEAR, 12), undefined);
});

test('worse must be acknowledged again, better need not', () => {
  const update = (n: number, severity: AlertRaised['severity']): AlertTransition => ({
    ...base,
    type: 'update',
    n,
    at: 70_000,
    severity,
    since: 2000,
    values: { pm25: 260 },
    message: RAISE.message,
  });
  assert.deepEqual(
    [after([ACKNOWLEDGE, update(1, 'extreme')]).state, after([update(1, 'extreme')]).severity],
    ['unacknowledged', 'extreme'],
  );
  assert.equal(after([ACKNOWLEDGE, update(1, 'minor')]).state, 'acknowledged');
});

test('shelved, suppressed and out of service stay visible, and end without anybody', () => {
  const shelve: AlertTransition = { ...by('li'), type: 'shelve', until: 200_000, reason: 'maintenance' };
  const suppress: AlertTransition = { ...base, type: 'suppress', n: 1, at: 80_000, by: 'c'.repeat(32) };
  assert.equal(after([shelve]).state, 'shelved');
  assert.equal(after([shelve, { ...base, type: 'shelf-end', n: 1, at: 200_000 }]).state, 'unacknowledged');
  assert.equal(after([suppress]).state, 'suppressed');
  assert.equal(after([suppress, CLEAR]).state, 'closed');
  assert.equal(after([suppress, { ...suppress, type: 'unsuppress', n: 2 }]).state, 'unacknowledged');
  assert.equal(after([], { ...RAISE, suppressedBy: [OUT_OF_SERVICE] }).state, 'out-of-service');
});

test('two people approve, one twice does not count', () => {
  const approve = (name: string): AlertTransition => ({ ...by(name), type: 'approve' });
  const proposed = { ...RAISE, approvals: 2 };
  assert.equal(after([approve('li'), approve('li')], proposed).state, 'proposed');
  assert.equal(after([approve('li'), approve('wang')], proposed).state, 'unacknowledged');
  assert.equal(after([CLEAR], proposed).state, 'closed');
});

test('a correction retracts, moves or reopens', () => {
  const correct = (outcome: Extract<AlertTransition, { type: 'correct' }>['outcome']): AlertTransition => ({
    ...base,
    type: 'correct',
    n: 2,
    at: 50_000,
    outcome,
    values: {},
  });
  const moved = { since: 500, raisedAt: 50_000, severities: [{ at: 50_000, severity: 'extreme' as const }], clearedAt: null };
  assert.equal(after([ACKNOWLEDGE, correct(null)]).state, 'closed');
  assert.deepEqual([after([correct(null)]).state, after([correct(null)]).retracted], ['returned', true]);
  const item = after([CLEAR, correct(moved)]);
  assert.deepEqual(
    [item.state, item.severity, item.since, item.raisedAt],
    ['unacknowledged', 'extreme', '1970-01-01T00:00:00.500Z', '1970-01-01T00:00:50.000Z'],
  );
});

test('a person closes, assigns and comments', () => {
  const item = after([
    { ...by('li'), type: 'assign', to: 'wang' },
    { ...by('wang'), type: 'comment', text: 'door open' },
    { ...by('wang'), type: 'close', reason: 'door shut' },
  ]);
  assert.deepEqual([item.state, item.assignedTo, item.closedBy, item.timeline.at(-1)?.comment], ['closed', 'wang', 'wang', 'door shut']);
});

test('effects are numbered under their message ids, acts named by time and person', () => {
  assert.deepEqual([RAISE, CLEAR, ACKNOWLEDGE].map(transitionMessageId), [
    `id:${ALERT}.raise.0`,
    `id:${ALERT}.clear.1`,
    `id:${ALERT}.acknowledge.90000.li`,
  ]);
});

test('a severity that an escalation gave stays until the rule says another; worse is what the rule says is worse', () => {
  const escalate: AlertTransition = { ...base, type: 'escalate', n: 1, at: 20_000, step: 1, severity: 'extreme', notify: [] };
  const update = (n: number, severity: Severity): AlertTransition => ({
    ...base,
    ...{ type: 'update', n, at: 30_000 + n, severity, since: 500, values: {}, message: { zh: 'x', en: 'x' } },
  });
  const same = after([escalate, ACKNOWLEDGE, update(2, RAISE.severity)]);
  assert.deepEqual([same.severity, same.state], ['extreme', 'acknowledged']);
  const worse = after([escalate, ACKNOWLEDGE, update(2, 'extreme')]);
  assert.deepEqual([worse.severity, worse.state], ['extreme', 'unacknowledged']);
  assert.equal(after([escalate, update(2, 'minor')]).severity, 'minor');
});
