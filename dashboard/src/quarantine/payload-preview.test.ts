import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadPreview } from './payload-preview.ts';

test('a payload in one line', () => {
  const preview = (text: string) => payloadPreview(new TextEncoder().encode(text));
  assert.equal(preview('{"t":1,\n  "m":{}}'), '{"t":1, "m":{}}');
  assert.equal(preview('x'.repeat(100)), `${'x'.repeat(72)}…`);
  assert.equal(payloadPreview(Uint8Array.of(0xff, 0x00, 0x10)), 'ff 00 10');
  assert.equal(payloadPreview(new TextEncoder().encode('北京').subarray(0, 4)), '北', 'a character that was cut is left out');
});
