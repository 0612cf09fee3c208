/** A sealed segment's bytes by their offset, whether it lies there as it was written or compressed. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { AirtightError, ARCHIVE_CHECK_BYTES, readArchiveTable } from '@airtight/protocol';

export interface SegmentReader {
  readonly path: string;
  /** Of the segment, not of the compressed file. */
  readonly sizeBytes: number;
  /** Fills `target` from an offset on. @throws AirtightError JOURNAL_CORRUPT when the compressed file is damaged there */
  read(target: Buffer, offset: number): void;
}

export interface OpenSegment extends SegmentReader {
  close(): void;
}

export function openPlainSegment(path: string): OpenSegment {
  const fd = openSync(path, 'r');
  return {
    path,
    sizeBytes: fstatSync(fd).size,
    read: (target, offset) => void readSync(fd, target, 0, target.length, offset),
    close: () => closeSync(fd),
  };
}

/**
 * Decompressed blocks that are kept: a producer that sends its last hour again, and the feed that reads on from where
 * it was, meet the same block again and again. 8 blocks of 256 KiB for each open segment.
 */
const BLOCKS_KEPT = 8;

interface Block {
  readonly from: number;
  readonly bytes: number;
  readonly compressedFrom: number;
  readonly compressedBytes: number;
}

export class CompressedSegment implements OpenSegment {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #fd: number;
  readonly #blocks: readonly Block[];
  /** Least recently used first. */
  readonly #kept = new Map<number, Buffer>();

  /** @throws AirtightError JOURNAL_CORRUPT when the file has no seek table */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'r');
    const { size } = fstatSync(this.#fd);
    const frames = readArchiveTable(size, (offset, length) => {
      const bytes = Buffer.alloc(length);
      readSync(this.#fd, bytes, 0, length, offset);
      return bytes;
    });
    if (frames === undefined) {
      closeSync(this.#fd);
      throw new AirtightError('JOURNAL_CORRUPT', `${path} at byte ${Math.max(0, size - ARCHIVE_CHECK_BYTES)}: no seek table`);
    }
    let from = 0;
    let compressedFrom = 0;
    this.#blocks = frames.map(({ compressedBytes, decompressedBytes }) => {
      const block = { from, bytes: decompressedBytes, compressedFrom, compressedBytes };
      from += decompressedBytes;
      compressedFrom += compressedBytes;
      return block;
    });
    this.sizeBytes = from;
  }

  read(target: Buffer, offset: number): void {
    let filled = 0;
    for (let i = this.#at(offset); filled < target.length && i < this.#blocks.length; i++) {
      const { from } = this.#blocks[i] as Block;
      filled += this.#block(i).copy(target, filled, Math.max(0, offset - from));
    }
  }

  close(): void {
    this.#kept.clear();
    closeSync(this.#fd);
  }

  #at(offset: number): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#blocks[middle] as Block).from <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #block(i: number): Buffer {
    const known = this.#kept.get(i);
    this.#kept.delete(i);
    const bytes = known ?? this.#decompress(this.#blocks[i] as Block);
    this.#kept.set(i, bytes);
    if (this.#kept.size > BLOCKS_KEPT) this.#kept.delete(this.#kept.keys().next().value as number);
    return bytes;
  }

  #decompress({ bytes, compressedFrom, compressedBytes }: Block): Buffer {
    const compressed = Buffer.allocUnsafe(compressedBytes);
    readSync(this.#fd, compressed, 0, compressedBytes, compressedFrom);
    try {
      const block = zstdDecompressSync(compressed, { maxOutputLength: bytes });
      if (block.length === bytes) return block;
    } catch {
      // Told below, with its place.
    }
    throw new AirtightError('JOURNAL_CORRUPT', `${this.path} at byte ${compressedFrom}`);
  }
}
