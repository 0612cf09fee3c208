import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { framesOf } from './frames.ts';

function chunkOf(bodies: readonly string[]) {
  const frames = bodies.map((text) => {
    const body = Buffer.concat([Uint8Array.of(0), Buffer.from(text)]);
    const header = Buffer.alloc(8);
    header.writeUInt32LE(body.length, 0);
    header.writeUInt32LE(crc32(body), 4);
    return Buffer.concat([header, body]);
  });
  return { from: 7, next: 7 + bodies.length, head: 100, bytes: Buffer.concat(frames) };
}

test('frames have the positions of the chunk', () => {
  const frames = [...framesOf(chunkOf(['one', 'two']))];
  assert.deepEqual(
    frames.map(({ position, body }) => [position, Buffer.from(body.subarray(1)).toString()]),
    [
      [7, 'one'],
      [8, 'two'],
    ],
  );
});

test('any flipped bit is found, and the position named', () => {
  const good = chunkOf(['one', 'two', 'three']);
  for (let bit = 0; bit < good.bytes.length * 8; bit++) {
    const bytes = Buffer.from(good.bytes);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.throws(() => [...framesOf({ ...good, bytes })], { code: 'JOURNAL_CORRUPT' }, `bit ${bit}`);
  }
});

test('a chunk that is cut, or longer than its positions, is refused', () => {
  const good = chunkOf(['one', 'two']);
  assert.throws(() => [...framesOf({ ...good, bytes: good.bytes.subarray(0, -1) })], { code: 'JOURNAL_CORRUPT' });
  assert.throws(() => [...framesOf({ ...good, next: 8 })], { code: 'JOURNAL_CORRUPT' });
});
