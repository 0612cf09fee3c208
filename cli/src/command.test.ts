import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs, UsageError, wholeNumber } from './command.ts';

test('whole numbers within their limits, nothing else', () => {
  assert.equal(wholeNumber('port', '8080', 1, 65_535), 8080);
  for (const text of ['', '-1', '1.5', '1e3', '0x10', '65536', '99999999999999999999']) {
    assert.throws(() => wholeNumber('port', text, 1, 65_535), UsageError, text);
  }
});

test('spans of time', () => {
  assert.equal(durationMs('interval', '500ms', 1, 10_000), 500);
  assert.equal(durationMs('interval', '10s', 1, 10_000), 10_000);
  assert.equal(durationMs('interval', '5m', 1, 3_600_000), 300_000);
  for (const text of ['', '10', 's', '1.5s', '-1s', '1d', '11s'])
    assert.throws(() => durationMs('interval', text, 1, 10_000), UsageError, text);
});
