/**
 * Records without payload against the retention records that account for them. Removal goes segment by segment, a dataset
 * at a time, so of each dataset of a segment what is gone must be exactly what one retention record says: first and last
 * position, number, and the hash over what is kept in their place, headers included.
 */
import { createHash, type Hash } from 'node:crypto';
import { decodeExpired, decodeRecord, isExpiredBody, RETENTION_DATASET, type RetentionRecord, recordIn } from '@airtight/protocol';
import type { JournalFrame } from '../journal/journal-walk.ts';

interface Gap {
  /** Of the first record without payload. */
  readonly frame: Pick<JournalFrame, 'position' | 'file' | 'offset'>;
  readonly dataset: string;
  toPosition: number;
  count: number;
  readonly digest: Hash;
}

export class RemovedPayloads {
  /** Of the segment that is being read, by dataset. */
  readonly #open = new Map<string, Gap>();
  readonly #gaps: Gap[] = [];
  readonly #accounted = new Set<string>();
  #file = '';
  #count = 0;

  /** Records whose payload is gone. */
  get count(): number {
    return this.#count;
  }

  /** Takes the next record, in order of position. @returns what is wrong with it by itself */
  take(frame: JournalFrame): string | undefined {
    if (frame.file !== this.#file) this.#endSegment(frame.file);
    if (!isExpiredBody(frame.body)) {
      this.#account(frame);
      return undefined;
    }
    const expired = decodeExpired(frame.body);
    if (!expired.ok) return expired.detail;
    this.#count++;
    const { dataset } = expired.value.header;
    const gap = this.#open.get(dataset) ?? this.#begin(dataset, frame);
    gap.toPosition = frame.position;
    gap.count++;
    gap.digest.update(frame.body);
    return undefined;
  }

  /** Takes note of a retention record; of any other nothing. */
  #account({ body }: JournalFrame): void {
    const record = decodeRecord(recordIn(body));
    if (!record.ok || record.value.header.dataset !== RETENTION_DATASET) return;
    const { dataset, fromPosition, toPosition, count, keptSha256 } = JSON.parse(
      Buffer.from(record.value.payload).toString('utf8'),
    ) as RetentionRecord;
    this.#accounted.add(keyOf(dataset, fromPosition, toPosition, count, keptSha256));
  }

  /** True when there is something for which no retention record has come yet. */
  get hasUnaccounted(): boolean {
    return this.unaccounted() !== undefined;
  }

  /** The first stretch that no retention record accounts for. */
  unaccounted(): Pick<Gap, 'frame' | 'dataset' | 'count' | 'toPosition'> | undefined {
    return [...this.#gaps, ...this.#open.values()].find(
      ({ dataset, frame, toPosition, count, digest }) =>
        !this.#accounted.has(keyOf(dataset, frame.position, toPosition, count, digest.copy().digest('hex'))),
    );
  }

  #begin(dataset: string, { position, file, offset }: JournalFrame): Gap {
    const gap: Gap = { frame: { position, file, offset }, dataset, toPosition: position, count: 0, digest: createHash('sha256') };
    this.#open.set(dataset, gap);
    return gap;
  }

  #endSegment(next: string): void {
    this.#file = next;
    this.#gaps.push(...this.#open.values());
    this.#open.clear();
  }
}

function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join(' ');
}
