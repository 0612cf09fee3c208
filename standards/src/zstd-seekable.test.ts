import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSeekTable, parseSeekTable, SEEK_TABLE_FOOTER_BYTES, seekTableBytes } from './zstd-seekable.ts';

const frames = [
  { compressedBytes: 1000, decompressedBytes: 262_144 },
  { compressedBytes: 0x12345, decompressedBytes: 7 },
];

test('the bytes are those of the format, field by field', () => {
  const hex = Buffer.from(formatSeekTable(frames)).toString('hex');
  const header = '5e2a4d18' + '19000000';
  const entries = 'e8030000' + '00000400' + '45230100' + '07000000';
  const footer = '02000000' + '00' + 'b1ea928f';
  assert.equal(hex, header + entries + footer);
});

test('a table is read back, whatever its length', () => {
  for (const table of [[], frames, Array.from({ length: 300 }, (_, i) => ({ compressedBytes: i, decompressedBytes: i * 2 }))]) {
    const bytes = formatSeekTable(table);
    assert.equal(seekTableBytes(bytes.subarray(-SEEK_TABLE_FOOTER_BYTES)), bytes.length);
    assert.deepEqual(parseSeekTable(bytes), table);
  }
});

test('what is cut, longer, or has another magic number, descriptor or size is no table', () => {
  const bytes = formatSeekTable(frames);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(parseSeekTable(bytes.subarray(0, length)), undefined, `${length} bytes`);
  assert.equal(parseSeekTable(Buffer.concat([Buffer.of(0), bytes])), undefined);
  for (const at of [0, 4, bytes.length - 9, bytes.length - 5, bytes.length - 1]) {
    const bad = Uint8Array.from(bytes);
    bad[at] = (bad[at] as number) ^ 1;
    assert.equal(parseSeekTable(bad), undefined, `byte ${at}`);
  }
});
