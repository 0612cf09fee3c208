/**
 * Records without payload against the retention records that account for them. Removal goes segment by segment, a dataset
 * at a time, so of each dataset of a segment what is gone must be exactly what one retention record says: first and last
 * position, number, and the hash over what is kept in their place, headers included. The same holds for each stretch of an
 * erasure, with producer and day in the place of the dataset.
 */
import { createHash, type Hash } from 'node:crypto';
import {
  decodeExpired,
  decodeRecord,
  ERASURES_DATASET,
  type ErasureRecord,
  isExpiredBody,
  isSalted,
  RETENTION_DATASET,
  type RecordHeader,
  type RetentionRecord,
  recordIn,
} from '@airtight/protocol';
import type { JournalFrame } from '../journal/journal-walk.ts';

interface Gap {
  /** Of the first record without payload. */
  readonly frame: Pick<JournalFrame, 'position' | 'file' | 'offset'>;
  /** Dataset, or what an erasure was of. */
  readonly dataset: string;
  toPosition: number;
  count: number;
  readonly digest: Hash;
}

export type UnaccountedStretch = Pick<Gap, 'frame' | 'dataset' | 'count' | 'toPosition'>;

export class RemovedPayloads {
  /** Datasets, by the beginning of their names, whose payloads a mirror was not given: nothing accounts for those. */
  readonly #withheld: readonly string[];
  #withheldCount = 0;
  /** Of the segment that is being read, by dataset. */
  readonly #open = new Map<string, Gap>();
  readonly #gaps: Gap[] = [];
  readonly #accounted = new Set<string>();
  #file = '';
  #count = 0;
  #erased = 0;
  /** Erasures stand behind what they erased: they are looked for when the first such record is met. */
  #erasures: readonly ErasureRecord[] | undefined;
  readonly #loadErasures: () => readonly ErasureRecord[];

  constructor(loadErasures: () => readonly ErasureRecord[], withheld: readonly string[] = []) {
    this.#loadErasures = loadErasures;
    this.#withheld = withheld;
  }

  /** Records whose payload was not handed out. */
  get withheld(): number {
    return this.#withheldCount;
  }

  /** Records whose payload was removed by policy. */
  get count(): number {
    return this.#count;
  }

  /** Confidential records that were erased. */
  get erased(): number {
    return this.#erased;
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
    const { header } = expired.value;
    if (this.#isWithheld(header.dataset)) {
      this.#withheldCount++;
      return undefined;
    }
    const erasure = isSalted(header) ? this.#erasureOf(header, frame.position) : undefined;
    if (erasure === undefined) this.#count++;
    else this.#erased++;
    // Without the records of removals there is nothing to hold one against.
    if (this.#isWithheld(RETENTION_DATASET)) return undefined;
    const what = erasure ?? header.dataset;
    const gap = this.#open.get(what) ?? this.#begin(what, frame);
    gap.toPosition = frame.position;
    gap.count++;
    gap.digest.update(frame.body);
    return undefined;
  }

  /** Name of the stretch that says that this record is erased. */
  #erasureOf({ producer, dataset, receivedAt }: RecordHeader, position: number): string | undefined {
    this.#erasures ??= this.#readErasures();
    const day = new Date(receivedAt).toISOString().slice(0, 10);
    for (const one of this.#erasures) {
      if (one.producer !== producer || one.day !== day || position >= one.beforePosition || !one.datasets.includes(dataset)) continue;
      const stretch = one.erased.find(({ fromPosition, toPosition }) => position >= fromPosition && position <= toPosition);
      if (stretch !== undefined) return nameOf(one, stretch.fromPosition);
    }
    return undefined;
  }

  #readErasures(): readonly ErasureRecord[] {
    const erasures = this.#loadErasures();
    for (const one of erasures)
      for (const { fromPosition, toPosition, count, keptSha256 } of one.erased)
        this.#accounted.add(keyOf(nameOf(one, fromPosition), fromPosition, toPosition, count, keptSha256));
    return erasures;
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
  unaccounted(): UnaccountedStretch | undefined {
    return [...this.#gaps, ...this.#open.values()].find(
      ({ dataset, frame, toPosition, count, digest }) =>
        !this.#accounted.has(keyOf(dataset, frame.position, toPosition, count, digest.copy().digest('hex'))),
    );
  }

  #isWithheld(dataset: string): boolean {
    return this.#withheld.some((prefix) => dataset.startsWith(prefix));
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

/** What is wrong with a stretch that nothing accounts for. */
export function unaccountedText({ dataset, count, frame, toPosition }: UnaccountedStretch): string {
  return `${dataset}: ${count} records from position ${frame.position} to ${toPosition} are without payload; no retention record says so, or not with these headers and hashes`;
}

function nameOf({ producer, day, beforePosition }: ErasureRecord, fromPosition: number): string {
  return `erasure of ${producer}, ${day}, before ${beforePosition}, from ${fromPosition}`;
}

/** The erasures in these frames. */
export function erasuresIn(frames: Iterable<JournalFrame>): ErasureRecord[] {
  const erasures: ErasureRecord[] = [];
  for (const { body } of frames) {
    const record = isExpiredBody(body) ? undefined : decodeRecord(recordIn(body));
    if (record?.ok && record.value.header.dataset === ERASURES_DATASET)
      erasures.push(JSON.parse(Buffer.from(record.value.payload).toString('utf8')) as ErasureRecord);
  }
  return erasures;
}

function keyOf(...parts: readonly (string | number)[]): string {
  return parts.join(' ');
}
