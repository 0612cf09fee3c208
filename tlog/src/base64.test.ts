import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64, encodeBase64 } from './index.ts';

test('encodes as Node does, and decodes what it encoded', () => {
  for (let length = 0; length < 100; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 31) % 256);
    const text = encodeBase64(bytes);
    assert.equal(text, Buffer.from(bytes).toString('base64'));
    assert.deepEqual(decodeBase64(text), bytes);
  }
});

test('refuses what is not the one encoding of its bytes', () => {
  for (const text of [
    'A',
    'AA',
    'AAA',
    'AAAAA',
    '=',
    '====',
    'A===',
    'AA=A',
    'AAB=',
    'AB==',
    'AA==\n',
    ' AA==',
    'AA-_',
    'AAé=',
    'A\u0000A=',
  ]) {
    assert.equal(decodeBase64(text), null, JSON.stringify(text));
  }
});
