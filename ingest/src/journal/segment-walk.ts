/** Walks the frames of a sealed segment in the background, stretch by stretch, leaving the machine to others in between. */
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { AirtightError, FRAME_BODY_MAX_BYTES, FRAME_HEADER_BYTES, readFrame } from '@airtight/protocol';
import type { SegmentReader } from './segment-reader.ts';

/** Handled in some milliseconds; holds at least one whole frame. */
const STRETCH_BYTES = 2 * (FRAME_HEADER_BYTES + FRAME_BODY_MAX_BYTES);

export interface WalkedFrame {
  readonly position: number;
  readonly body: Uint8Array;
  /** The frame as it lies in the file. */
  readonly bytes: Uint8Array;
}

/**
 * All frames in order, a stretch at a time; after each the walk rests as long as the work on it took, so it never takes
 * more than half a core.
 * @param first position of the segment's first record
 * @throws AirtightError JOURNAL_CORRUPT; the signal's reason when it aborts
 */
export async function* walkSegment(file: SegmentReader, first: number, signal: AbortSignal): AsyncGenerator<readonly WalkedFrame[]> {
  let position = first;
  for (let from = 0; from < file.sizeBytes; ) {
    const startedAt = performance.now();
    const bytes = Buffer.allocUnsafe(Math.min(STRETCH_BYTES, file.sizeBytes - from));
    file.read(bytes, from);
    const frames: WalkedFrame[] = [];
    let at = 0;
    while (at < bytes.length) {
      const frame = readFrame(bytes, at, crc32);
      if (frame === 'short' && at > 0 && from + bytes.length < file.sizeBytes) break;
      if (typeof frame === 'string') throw new AirtightError('JOURNAL_CORRUPT', `${file.path} at byte ${from + at}: ${frame}`);
      frames.push({ position: position++, body: frame.body, bytes: bytes.subarray(at, frame.end) });
      at = frame.end;
    }
    yield frames;
    from += at;
    await delay(performance.now() - startedAt, undefined, { signal });
  }
}
