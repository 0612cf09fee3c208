/** The last stretch of the journal in memory, as stream items, bounded by bytes. */
import { ALERTS_DATASET } from '@airtight/protocol';
import type { JournalEvent } from '../decode/decoder.ts';
import type { Verdict } from '../quality/verdict.ts';
import { conflate } from './conflate.ts';
import { passes, type StreamContext, type StreamFilter, type StreamItem, streamItemOf } from './stream-items.ts';

/** Journal bytes kept: a second of 30,000 readings. While clients are connected their texts may stand beside them, three times as long. */
export const RING_MAX_BYTES = 8 * 1024 * 1024;
/** Records of one segment: what is dropped at once at the old end. */
const SEGMENT_RECORDS = 128;

interface Segment {
  readonly from: number;
  next: number;
  sizeBytes: number;
  readonly items: StreamItem[];
}

export interface Stretch {
  readonly from: number;
  readonly next: number;
  /** JSON texts of the events in it. */
  readonly texts: string[];
  /** Records of readings that conflation left out, by `{dataset}/{producer}`. */
  readonly skipped?: ReadonlyMap<string, number>;
}

export class Ring {
  readonly #maxBytes: number;
  readonly #context: StreamContext;
  readonly #segments: Segment[];
  #sizeBytes = 0;

  /** @param from position of the first record it will take */
  constructor(from: number, context: StreamContext, maxBytes = RING_MAX_BYTES) {
    this.#context = context;
    this.#maxBytes = maxBytes;
    this.#segments = [newSegment(from)];
  }

  /** Lowest position it holds. */
  get base(): number {
    return (this.#segments[0] as Segment).from;
  }

  /** Position after the last record it holds. */
  get next(): number {
    return (this.#segments.at(-1) as Segment).next;
  }

  /**
   * @param verdicts what the event has decided of the quality of values
   * @param eager make the text now: somebody will read it
   */
  push(event: JournalEvent, verdicts: readonly Verdict[], eager: boolean): void {
    let segment = this.#segments.at(-1) as Segment;
    if (segment.next - segment.from >= SEGMENT_RECORDS) {
      segment = newSegment(segment.next);
      this.#segments.push(segment);
    }
    const item = streamItemOf(event, verdicts, this.#context, eager);
    if (item !== undefined) segment.items.push(item);
    segment.next = event.position + 1;
    const sizeBytes = event.frame.body.length;
    segment.sizeBytes += sizeBytes;
    this.#sizeBytes += sizeBytes;
    while (this.#sizeBytes > this.#maxBytes && this.#segments.length > 1) this.#sizeBytes -= (this.#segments.shift() as Segment).sizeBytes;
  }

  /** What follows `from`, whole records, until the texts reach `maxChars`. `from` lies between base and next. */
  read(from: number, maxChars: number, filter: StreamFilter): Stretch {
    const texts: string[] = [];
    let chars = 0;
    for (const item of this.#items(from, filter)) {
      const text = item.text();
      // The positions before this one hold nothing more for the client.
      if (texts.length > 0 && chars + text.length > maxChars) return { from, next: item.position, texts };
      texts.push(text);
      chars += text.length;
    }
    return { from, next: Math.max(from, this.next), texts };
  }

  /** The same, conflated. */
  readConflated(from: number, filter: StreamFilter): Stretch {
    const { kept, skipped, end } = conflate(this.#items(from, filter));
    return { from, next: end ?? Math.max(from, this.next), texts: kept.map((item) => item.text()), skipped };
  }

  /** JSON texts of the alerts from `from` on. */
  alertsFrom(from: number, filter: StreamFilter): string[] {
    const texts: string[] = [];
    for (const item of this.#items(from, filter)) if (item.dataset === ALERTS_DATASET) texts.push(item.text());
    return texts;
  }

  /** What follows `from` takes half of the ring: a client that waits any longer may miss the rest. */
  isHalfOf(from: number): boolean {
    let sizeBytes = 0;
    for (const segment of this.#segments) if (segment.next > from) sizeBytes += segment.sizeBytes;
    return 2 * sizeBytes > this.#maxBytes;
  }

  *#items(from: number, filter: StreamFilter): Generator<StreamItem> {
    for (const segment of this.#segments) {
      if (segment.next <= from) continue;
      for (const item of segment.items) if (item.position >= from && passes(item, filter)) yield item;
    }
  }
}

function newSegment(from: number): Segment {
  return { from, next: from, sizeBytes: 0, items: [] };
}
