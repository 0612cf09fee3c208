/**
 * A compressed segment, `….seg.zst`: zstd frames of one block of the segment each, a skippable frame with a checksum
 * over all other bytes of the file, and the seek table of the Zstandard Seekable Format. `zstd -d` gives the segment.
 */
import {
  formatSeekTable,
  parseSeekTable,
  SEEK_TABLE_FOOTER_BYTES,
  type SeekFrame,
  seekTableBytes,
} from '@airtight/standards/zstd-seekable.ts';

/** Segment bytes per zstd frame: small enough to read one record, large enough to compress as well as the whole. */
export const ARCHIVE_BLOCK_BYTES = 256 * 1024;
/** A skippable frame (RFC 8878 §3.1.2): magic number, size 4, crc32. */
export const ARCHIVE_CHECK_BYTES = 12;
const CHECK_MAGIC = 0x184d2a50;

type Crc32 = (bytes: Uint8Array, value?: number) => number;

/**
 * @param frames of the zstd frames that stand in the file so far
 * @param framesCrc crc32 of these bytes
 * @returns what completes the file: checksum and seek table
 */
export function formatArchiveEnd(frames: readonly SeekFrame[], framesCrc: number, crc32: Crc32): Uint8Array {
  const table = formatSeekTable(frames);
  const bytes = new Uint8Array(ARCHIVE_CHECK_BYTES + table.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CHECK_MAGIC, true);
  view.setUint32(4, 4, true);
  view.setUint32(8, crc32(table, crc32(bytes.subarray(0, 8), framesCrc)), true);
  bytes.set(table, ARCHIVE_CHECK_BYTES);
  return bytes;
}

/**
 * The zstd frames of a compressed segment, from its end.
 * @param fileBytes size of the file; @param read bytes at an offset
 * @returns undefined when the file does not end as such a file does
 */
export function readArchiveTable(fileBytes: number, read: (offset: number, length: number) => Uint8Array): SeekFrame[] | undefined {
  if (fileBytes < SEEK_TABLE_FOOTER_BYTES + ARCHIVE_CHECK_BYTES) return undefined;
  const tableBytes = seekTableBytes(read(fileBytes - SEEK_TABLE_FOOTER_BYTES, SEEK_TABLE_FOOTER_BYTES));
  if (tableBytes === undefined || tableBytes + ARCHIVE_CHECK_BYTES > fileBytes) return undefined;
  const frames = parseSeekTable(read(fileBytes - tableBytes, tableBytes));
  const compressedBytes = frames?.reduce((sum, frame) => sum + frame.compressedBytes, 0);
  return compressedBytes === fileBytes - tableBytes - ARCHIVE_CHECK_BYTES ? frames : undefined;
}

/** True when every byte of the file is as it was written. @param frames of `readArchiveTable` */
export function isArchiveWhole(file: Uint8Array, frames: readonly SeekFrame[], crc32: Crc32): boolean {
  const checkAt = frames.reduce((sum, frame) => sum + frame.compressedBytes, 0);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const crc = crc32(file.subarray(checkAt + ARCHIVE_CHECK_BYTES), crc32(file.subarray(0, checkAt + 8)));
  return view.getUint32(checkAt + 8, true) === crc;
}
