/**
 * Compresses a sealed segment beside itself: `.seg.zst.tmp` is written, synced, read back and held against the segment
 * byte by byte, and only then takes the name `.seg.zst`. The caller removes the segment after that, so that at every
 * moment one of the two is there and whole. Block by block with pauses between: nobody waits for it.
 */
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';
import { ARCHIVE_BLOCK_BYTES, formatArchiveEnd, isArchiveWhole, readArchiveTable } from '@airtight/protocol';
import { archivePath, segmentPath } from './segment.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** zstd's default level, with the checksum of the content in every frame (RFC 8878 §3.1.1). */
const PARAMS = { params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 } };

export interface CompressedSizes {
  readonly segmentBytes: number;
  readonly compressedBytes: number;
}

/**
 * @param first first position of the segment
 * @throws when the disk is full or fails, the signal aborts, or what was written does not give back the segment
 */
export async function compressSegment(dir: string, first: number, signal: AbortSignal): Promise<CompressedSizes> {
  const temporary = `${archivePath(dir, first)}.tmp`;
  const source = await open(segmentPath(dir, first), 'r');
  try {
    const target = await open(temporary, 'w', 0o640);
    try {
      await writeArchive(source, target, signal);
      await target.sync();
    } finally {
      await target.close();
    }
    const compressedBytes = await verify(source, temporary, signal);
    await rename(temporary, archivePath(dir, first));
    await syncDirectory(dir);
    return { segmentBytes: (await source.stat()).size, compressedBytes };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await source.close();
  }
}

async function writeArchive(source: FileHandle, target: FileHandle, signal: AbortSignal): Promise<void> {
  const frames: { compressedBytes: number; decompressedBytes: number }[] = [];
  let crc = 0;
  for await (const block of blocksOf(source, signal)) {
    const frame = await compress(block, PARAMS);
    await target.appendFile(frame);
    crc = crc32(frame, crc);
    frames.push({ compressedBytes: frame.length, decompressedBytes: block.length });
  }
  await target.appendFile(formatArchiveEnd(frames, crc, crc32));
}

/** @returns size of the file */
async function verify(source: FileHandle, path: string, signal: AbortSignal): Promise<number> {
  const file = await readFile(path);
  const frames = readArchiveTable(file.length, (offset, length) => file.subarray(offset, offset + length));
  if (frames === undefined || !isArchiveWhole(file, frames, crc32)) throw new Error(`${path} was not written as it was meant`);
  let at = 0;
  let i = 0;
  for await (const block of blocksOf(source, signal)) {
    const compressedBytes = frames[i++]?.compressedBytes ?? 0;
    const back = await decompress(file.subarray(at, at + compressedBytes));
    if (!back.equals(block)) throw new Error(`${path} at byte ${at} does not give back the segment`);
    at += compressedBytes;
  }
  return file.length;
}

/** Blocks of the segment; after each the step rests as long as its work took, so it never takes more than half a core. */
async function* blocksOf(source: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let from = 0; ; ) {
    const buffer = Buffer.allocUnsafe(ARCHIVE_BLOCK_BYTES);
    const { bytesRead } = await source.read(buffer, 0, buffer.length, from);
    if (bytesRead === 0) return;
    const startedAt = performance.now();
    yield buffer.subarray(0, bytesRead);
    await delay(performance.now() - startedAt, undefined, { signal });
    from += bytesRead;
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  await folder.sync();
  await folder.close();
}
