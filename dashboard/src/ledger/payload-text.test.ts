import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCommands } from './check-commands.ts';
import { bytesOfBase64, payloadText } from './payload-text.ts';

test('JSON is indented, text stands, bytes are hex', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.equal(payloadText(bytes('{"a":1}')), '{\n  "a": 1\n}');
  assert.equal(payloadText(bytes('##0101QN=2016')), '##0101QN=2016');
  assert.equal(payloadText(Uint8Array.of(0xff, 0x00)), 'ff 00');
});

test('base64', () => {
  assert.deepEqual(bytesOfBase64('/wA='), Uint8Array.of(0xff, 0x00));
  assert.equal(bytesOfBase64('*'), undefined);
});

test('the commands name this deployment', () => {
  assert.ok(checkCommands('http://a:1').some(({ text }) => text === 'curl http://a:1/ledger/checkpoint'));
});
