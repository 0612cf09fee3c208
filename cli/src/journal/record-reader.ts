/**
 * Records of a journal from any position on. The segment read last is kept, so that going forward reads each file once;
 * frames before the position are stepped over by their lengths alone.
 */
import { FRAME_HEADER_BYTES } from '@airtight/protocol';
import { type JournalEnd, type JournalFrame, readSegment, segmentFrames, segmentsIn } from './journal-walk.ts';

export class RecordReader {
  readonly #dir: string;
  readonly #segments: readonly number[];
  #kept: { readonly first: number; readonly content: ReturnType<typeof readSegment>; position: number; offset: number } | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#segments = segmentsIn(dir);
  }

  /** First position of the segment in which `position` lies; undefined before the oldest. */
  segmentOf(position: number): number | undefined {
    return this.#segments.findLast((first) => first <= position);
  }

  /** Frames from `position` on, to the end of the journal; ends as journalFrames does. */
  *from(position: number): Generator<JournalFrame, JournalEnd> {
    let at = position;
    for (;;) {
      const first = this.segmentOf(at);
      if (first === undefined) return { next: at };
      const segment = this.#open(first, at);
      if (segment === undefined) return { next: at };
      const isLast = first === this.#segments.at(-1);
      const end = yield* segmentFrames(segment.content, segment.offset, at, isLast);
      if (end.damage !== undefined || end.unfinished !== undefined || isLast) return end;
      // Nothing more in it: what follows must be in the next one.
      if (this.segmentOf(end.next) === first) return end;
      at = end.next;
    }
  }

  /** The segment, and the offset of the frame at a position; undefined when the segment ends before it. */
  #open(first: number, position: number): { readonly content: ReturnType<typeof readSegment>; readonly offset: number } | undefined {
    if (this.#kept?.first !== first || this.#kept.position > position) {
      this.#kept = { first, content: readSegment(this.#dir, first), position: first, offset: 0 };
    }
    const kept = this.#kept;
    const { bytes } = kept.content;
    while (kept.position < position) {
      if (kept.offset + FRAME_HEADER_BYTES > bytes.length) return undefined;
      kept.offset += FRAME_HEADER_BYTES + bytes.readUInt32LE(kept.offset);
      kept.position++;
    }
    return kept;
  }
}
