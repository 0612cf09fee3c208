/** The bytes of one segment file, plain or compressed, with what is wrong in the compressed form named by its place. */
import { readFileSync } from 'node:fs';
import { crc32, zstdDecompressSync } from 'node:zlib';
import { ARCHIVE_CHECK_BYTES, isArchiveWhole, readArchiveTable } from '@airtight/protocol';

export interface SegmentContent {
  /** The segment's frames; up to what is wrong, if something is. */
  readonly bytes: Buffer;
  /** What is wrong with the compressed form. @property offset in the compressed file */
  readonly fault?: { readonly offset: number; readonly detail: string };
}

/** @param path of a `.seg` or a `.seg.zst` (docs/reference/record-format.md) */
export function readSegmentFile(path: string): SegmentContent {
  const file = readFileSync(path);
  return path.endsWith('.zst') ? decompress(file) : { bytes: file };
}

function decompress(file: Buffer): SegmentContent {
  const frames = readArchiveTable(file.length, (offset, length) => file.subarray(offset, offset + length));
  if (frames === undefined) {
    const offset = Math.max(0, file.length - ARCHIVE_CHECK_BYTES);
    return { bytes: Buffer.alloc(0), fault: { offset, detail: 'the compressed segment has no whole seek table at its end' } };
  }
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const { compressedBytes, decompressedBytes } of frames) {
    const block = decompressBlock(file.subarray(offset, offset + compressedBytes), decompressedBytes);
    if (block === undefined) return { bytes: Buffer.concat(blocks), fault: { offset, detail: 'a block cannot be decompressed' } };
    blocks.push(block);
    offset += compressedBytes;
  }
  const bytes = Buffer.concat(blocks);
  // Some bits of a zstd frame may change without changing what comes out.
  if (!isArchiveWhole(file, frames, crc32))
    return { bytes, fault: { offset, detail: 'the checksum over the compressed file does not match' } };
  return { bytes };
}

function decompressBlock(compressed: Buffer, sizeBytes: number): Buffer | undefined {
  try {
    const block = zstdDecompressSync(compressed, { maxOutputLength: Math.max(1, sizeBytes) });
    return block.length === sizeBytes ? block : undefined;
  } catch {
    return undefined;
  }
}
