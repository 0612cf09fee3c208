import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { openSealedText, sealText } from './sealed-text.ts';

test('what was sealed opens again, with either hash function', () => {
  const line = '{"名":1}';
  const text = sealText(line);
  assert.equal(openSealedText(text), line);
  assert.equal(
    text,
    sealText(line, (data) => hash('sha256', data, 'hex')),
  );
});

test('one changed bit, anywhere, and it does not open', () => {
  const bytes = Buffer.from(sealText('{"a":"数据"}'));
  for (let i = 0; i < bytes.length; i++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ (1 << bit);
      assert.equal(openSealedText(changed.toString()), undefined, `byte ${i}, bit ${bit}`);
    }
  }
});

test('what is cut off or empty does not open', () => {
  const text = sealText('{}');
  for (let end = 0; end < text.length; end++) assert.equal(openSealedText(text.slice(0, end)), undefined);
});
