/**
 * One file of a journal: `{first position, 16 digits}.seg`, frames back to back. A sealed segment (every one but the
 * last) has a side file `.idx` with 8 bytes a record: offset u32le, tag u32le. The side file is derived data: it is
 * rebuilt from the segment when it is missing or does not fit. A sealed segment may be compressed: `.seg.zst` in the
 * place of `.seg` (segment-archive.ts).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FRAME_BODY_MAX_BYTES, FRAME_HEADER_BYTES, type FrameFault, isBodyPrefix, readFrame } from '@airtight/protocol';

export const INDEX_ENTRY_BYTES = 8;
const NAME = /^(\d{16})\.seg(\.zst)?$/;

export function segmentPath(dir: string, first: number): string {
  return join(dir, `${String(first).padStart(16, '0')}.seg`);
}

export function archivePath(dir: string, first: number): string {
  return `${segmentPath(dir, first)}.zst`;
}

export function indexPath(dir: string, first: number): string {
  return join(dir, `${String(first).padStart(16, '0')}.idx`);
}

/** First positions of the segments in a folder, compressed or not, ascending. */
export function listSegments(dir: string): number[] {
  const digits = readdirSync(dir).map((name) => NAME.exec(name)?.[1]);
  return [...new Set(digits.filter((first) => first !== undefined).map(Number))].sort((a, b) => a - b);
}

export interface SegmentScan {
  /** Offset of each whole frame, in order. */
  readonly offsets: number[];
  /** Offset after the last whole frame. */
  readonly end: number;
  /** Why scanning stopped before the end of the bytes; undefined when every byte belongs to a whole frame. */
  readonly fault?: FrameFault;
}

/** Walks the frames of a segment's bytes, checking each one's checksum. */
export function scanSegment(bytes: Uint8Array, onFrame?: (body: Uint8Array, offset: number) => void): SegmentScan {
  const offsets: number[] = [];
  let end = 0;
  while (end < bytes.length) {
    const frame = readFrame(bytes, end, crc32);
    if (typeof frame === 'string') return { offsets, end, fault: frame };
    offsets.push(frame.offset);
    onFrame?.(frame.body, frame.offset);
    end = frame.end;
  }
  return { offsets, end };
}

/**
 * Tells a torn tail from damage. A crash leaves at the end of the last segment the beginning of one write that never
 * was acknowledged: nothing whole follows it. If a whole frame does follow the bad bytes, what is bad is not a tail
 * but acknowledged data, and must not be cut off.
 * @returns offset of a whole frame after `from`, or -1
 */
export function findFrameAfter(bytes: Uint8Array, from: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = from + 1; at + FRAME_HEADER_BYTES + 2 <= bytes.length; at++) {
    // The length is checked before the checksum: few places look like a length, and reading it costs nothing.
    const length = view.getUint32(at, true);
    if (length < 2 || length > FRAME_BODY_MAX_BYTES || !isBodyPrefix(bytes[at + FRAME_HEADER_BYTES])) continue;
    if (typeof readFrame(bytes, at, crc32) !== 'string') return at;
  }
  return -1;
}
