import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter } from './line-splitter.ts';

const TEXT = 'a\r\n\n清鉴 of two lines\nlast';

test('lines are the same however the bytes are cut', () => {
  const bytes = Buffer.from(TEXT);
  for (let size = 1; size <= bytes.length; size++) {
    const splitter = new LineSplitter(bytes.length);
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) for (const line of splitter.push(bytes.subarray(at, at + size))) lines.push(`${line}`);
    assert.deepEqual([...lines, `${splitter.rest()}`], ['a', '', '清鉴 of two lines', 'last'], `pieces of ${size}`);
    assert.equal(splitter.rest().length, 0);
  }
});

test('a line beyond the limit is told before it has ended, and is not given out when it ends', () => {
  const splitter = new LineSplitter(4);
  assert.deepEqual([...splitter.push(Buffer.from('1234\n12'))].map(String), ['1234']);
  assert.equal(splitter.overlong, false);
  assert.deepEqual([...splitter.push(Buffer.from('345'))], []);
  assert.equal(splitter.overlong, true);
  const whole = new LineSplitter(4);
  assert.deepEqual([...whole.push(Buffer.from('12345\n1\n'))], []);
  assert.equal(whole.overlong, true);
});
