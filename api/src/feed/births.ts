/**
 * Sparkplug births for the records that refer to them by position. They come from the same stretch of the journal, from
 * memory, or from the journal once more, so what a record decodes to depends on the journal alone and not on where a
 * reader began.
 */
import { birthOf, isExpiredBody, recordIn, type SparkplugBirth, sparkplugBirthIn } from '@airtight/protocol';
import type { FeedChunk, IngestClient } from '../upstream/ingest-client.ts';
import { framesOf, type JournalFrame } from './frames.ts';

/** Births kept, by the bytes of their records: thousands of usual ones. In memory a birth takes some ten times that. */
const KEPT_MAX_BYTES = 8 * 1024 * 1024;

interface Kept {
  readonly birth: SparkplugBirth | undefined;
  readonly sizeBytes: number;
}

export class Births {
  readonly #ingest: Pick<IngestClient, 'feed'>;
  /** By position; the one that was asked for last stands last. */
  readonly #kept = new Map<number, Kept>();
  #keptBytes = 0;

  constructor(ingest: Pick<IngestClient, 'feed'>) {
    this.#ingest = ingest;
  }

  /**
   * The frames of a chunk in order, each with the birth it refers to.
   * @throws AirtightError JOURNAL_CORRUPT; SERVICE_UNAVAILABLE when an earlier birth cannot be read now
   */
  async framesOf(chunk: FeedChunk): Promise<readonly JournalFrame[]> {
    const frames = [...framesOf(chunk)];
    for (const [i, frame] of frames.entries()) {
      const position = isExpiredBody(frame.body) ? undefined : birthOf(recordIn(frame.body));
      if (position === undefined || position >= frame.position) continue;
      const birth = this.#find(position) ?? this.#keep(frames[position - chunk.from] ?? (await this.#fetch(position)));
      if (birth.birth !== undefined) frames[i] = { ...frame, birth: birth.birth };
    }
    return frames;
  }

  #find(position: number): Kept | undefined {
    const kept = this.#kept.get(position);
    if (kept === undefined) return undefined;
    this.#kept.delete(position);
    this.#kept.set(position, kept);
    return kept;
  }

  #keep({ position, body }: JournalFrame): Kept {
    const kept = { birth: sparkplugBirthIn(recordIn(body), position), sizeBytes: body.length };
    this.#kept.set(position, kept);
    this.#keptBytes += kept.sizeBytes;
    for (const [oldest, { sizeBytes }] of this.#kept) {
      if (this.#keptBytes <= KEPT_MAX_BYTES || oldest === position) break;
      this.#kept.delete(oldest);
      this.#keptBytes -= sizeBytes;
    }
    return kept;
  }

  async #fetch(position: number): Promise<JournalFrame> {
    // The feed gives one whole record at least.
    const chunk = await this.#ingest.feed({ from: position, waitMs: 0, maxBytes: 1 });
    const [frame] = framesOf(chunk);
    return frame ?? { position, body: new Uint8Array(0) };
  }
}
