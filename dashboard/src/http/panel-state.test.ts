import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panelStateOf } from './panel-state.ts';
import { NETWORK_PROBLEM, toProblem } from './problem.ts';

const base = { hasData: false, empty: false, loading: false, problem: null };

test('the states of a panel', () => {
  assert.equal(panelStateOf({ ...base, loading: true }), 'loading');
  assert.equal(panelStateOf({ ...base, hasData: true, empty: true }), 'empty');
  assert.equal(panelStateOf({ ...base, hasData: true }), 'ready');
  assert.equal(panelStateOf({ ...base, problem: NETWORK_PROBLEM }), 'error');
  assert.equal(panelStateOf({ ...base, problem: toProblem(401, '', { code: 'SESSION_REQUIRED' }) }), 'forbidden');
  assert.equal(panelStateOf({ ...base, problem: toProblem(403, '', { code: 'ROLE_REQUIRED' }) }), 'forbidden');
});

test('an error keeps the last good data', () => {
  assert.equal(panelStateOf({ ...base, hasData: true, problem: NETWORK_PROBLEM }), 'ready');
});

test('a problem document, and an answer that is none', () => {
  const document = { type: 'about:blank', title: '未找到', status: 404, code: 'NOT_FOUND', detail: 'record 9', requestId: 'r1' };
  assert.deepEqual(toProblem(404, 'Not Found', document), {
    code: 'NOT_FOUND',
    title: '未找到',
    status: 404,
    detail: 'record 9',
    requestId: 'r1',
  });
  assert.deepEqual(toProblem(502, 'Bad Gateway', undefined), { code: 'HTTP_502', title: 'Bad Gateway', status: 502 });
});
