/**
 * Reads a journal's files (records, batches, anchors, quarantine: all of one frame format) frame by frame, without
 * the service and without changing them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { FRAME_BODY_MAX_BYTES, FRAME_HEADER_BYTES, type FrameFault, isBodyPrefix, readFrame } from '@airtight/protocol';
import { readSegmentFile, type SegmentContent } from './segment-file.ts';

export interface JournalFrame {
  readonly position: number;
  readonly file: string;
  readonly offset: number;
  /** 0x00 ‖ record, or what is kept of one; a view. */
  readonly body: Uint8Array;
}

export interface JournalDamage {
  readonly position: number;
  readonly file: string;
  readonly offset: number;
  readonly detail: string;
}

/** How a walk ended. */
export interface JournalEnd {
  /** Position after the last whole frame. */
  readonly next: number;
  /** What is there but cannot be what was written. */
  readonly damage?: JournalDamage;
  /** The beginning of a write that a crash interrupted, and that never was acknowledged. */
  readonly unfinished?: { readonly file: string; readonly offset: number; readonly sizeBytes: number };
}

const SEGMENT_NAME = /^(\d{16})\.seg(\.zst)?$/;

/** First positions of the segments in a folder, compressed or not, ascending; none when the folder is not there. */
export function segmentsIn(dir: string): number[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const firsts = names.map((name) => SEGMENT_NAME.exec(name)?.[1]).filter((digits) => digits !== undefined);
  return [...new Set(firsts.map(Number))].sort((a, b) => a - b);
}

/** The file that holds a segment: the compressed one, where only that is there. */
export function segmentFile(dir: string, first: number): string {
  const plain = join(dir, `${String(first).padStart(16, '0')}.seg`);
  const compressed = `${plain}.zst`;
  return !existsSync(plain) && existsSync(compressed) ? compressed : plain;
}

/** A segment's content. While ingest runs it may be compressed between the look for its file and the reading of it. */
export function readSegment(dir: string, first: number): SegmentContent & { readonly file: string } {
  const file = segmentFile(dir, first);
  try {
    return { file, ...readSegmentFile(file) };
  } catch (error) {
    const again = segmentFile(dir, first);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || again === file) throw error;
    return { file: again, ...readSegmentFile(again) };
  }
}

/**
 * All frames in order; ends at the first thing that is wrong.
 * @param from first position of the segment to begin with; default: the oldest that is held
 */
export function* journalFrames(dir: string, from = 0): Generator<JournalFrame, JournalEnd> {
  const segments = segmentsIn(dir).filter((first) => first >= from);
  let position = segments[0] ?? 0;
  for (const [at, first] of segments.entries()) {
    if (first !== position) {
      return {
        next: position,
        damage: {
          position,
          file: segmentFile(dir, first),
          offset: 0,
          detail: `the segment begins at ${first}, the one before ends at ${position}`,
        },
      };
    }
    const end = yield* segmentFrames(readSegment(dir, first), 0, position, at === segments.length - 1);
    if (end.damage !== undefined || end.unfinished !== undefined) return end;
    position = end.next;
  }
  return { next: position };
}

/**
 * The frames of one segment.
 * @param offset of the first frame that is wanted; @param from its position
 * @param isLast of the last segment the end of an interrupted write may be there
 */
export function* segmentFrames(
  { file, bytes, fault }: SegmentContent & { readonly file: string },
  offset: number,
  from: number,
  isLast: boolean,
): Generator<JournalFrame, JournalEnd> {
  let position = from;
  let at = offset;
  while (at < bytes.length) {
    const frame = readFrame(bytes, at, crc32);
    if (typeof frame === 'string') {
      if (fault !== undefined) return { next: position, damage: { position, file, ...fault } };
      if (isLast && isUnfinished(bytes, at, frame))
        return { next: position, unfinished: { file, offset: at, sizeBytes: bytes.length - at } };
      return { next: position, damage: { position, file, offset: at, detail: FAULTS[frame] } };
    }
    yield { position, file, offset: at, body: frame.body };
    position++;
    at = frame.end;
  }
  return fault === undefined ? { next: position } : { next: position, damage: { position, file, ...fault } };
}

const FAULTS: { readonly [fault in FrameFault]: string } = {
  short: 'the frame is longer than what is left of the file',
  length: 'the length of the frame is impossible',
  crc: 'the content does not match its checksum',
  prefix: 'the frame does not begin as one',
};

/**
 * Tells the beginning of an interrupted write from damage. Of a killed process's last write the front part is there:
 * a frame that the file is too short for, with nothing whole behind it. If the bytes that are there are all that the
 * checksum covers, nothing is missing, and it is the length that was changed.
 */
function isUnfinished(bytes: Buffer, offset: number, fault: FrameFault): boolean {
  if (fault !== 'short' || hasFrameAfter(bytes, offset)) return false;
  const bodyStart = offset + FRAME_HEADER_BYTES;
  if (bodyStart >= bytes.length) return true;
  return crc32(bytes.subarray(bodyStart)) !== bytes.readUInt32LE(offset + 4);
}

function hasFrameAfter(bytes: Buffer, offset: number): boolean {
  for (let at = offset + 1; at + FRAME_HEADER_BYTES < bytes.length; at++) {
    const length = bytes.readUInt32LE(at);
    // Few places look like a length: the checksum is computed for those alone.
    if (length < 2 || length > FRAME_BODY_MAX_BYTES || !isBodyPrefix(bytes[at + FRAME_HEADER_BYTES])) continue;
    if (typeof readFrame(bytes, at, crc32) !== 'string') return true;
  }
  return false;
}
