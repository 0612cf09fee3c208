import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorIn } from './log-line.ts';

test('errors and fatal ends are told, with their cause; the rest is not', () => {
  assert.equal(errorIn('{"level":60,"msg":"ingest stops","err":{"message":"JOURNAL_LOCKED: x"}}'), 'ingest stops: JOURNAL_LOCKED: x');
  assert.equal(errorIn('{"level":50,"err":{"message":"boom"}}'), 'boom');
  assert.equal(errorIn('{"level":40,"msg":"only a warning"}'), undefined);
  assert.equal(errorIn('{"level":30,"msg":"ready"}'), undefined);
  assert.equal(errorIn('TypeError: x is not a function'), 'TypeError: x is not a function');
  assert.equal(errorIn('    at foo (file.ts:1:2)'), undefined);
  assert.equal(errorIn('{"level":60'), undefined);
  assert.equal(errorIn(''), undefined);
});
