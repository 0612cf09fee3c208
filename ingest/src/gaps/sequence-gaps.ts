/**
 * Which numbers of which device are missing: a fold over the journal's frames, in order. Everything it says follows from
 * the frames alone, time too (a record's receivedAt; ticks when nothing else comes), so going through the same frames again
 * says the same. What is on record already (`sys.gaps`) it reads from the frames as well: nothing is told twice, and what a
 * crash kept from the journal is told again.
 */
import {
  countOf,
  decodeRecord,
  FILE_DOOR,
  GAPS_DATASET,
  type GapRecord,
  gapRecordOf,
  type HeaderTexts,
  type Hole,
  headerTexts,
  isExpiredBody,
  isSaltedBody,
  producerKey,
  type SequenceState,
  SequenceWatch,
  sequenceOf,
} from '@airtight/protocol';
import { latin1 } from '../batch/latin1.ts';

/** Producers and datasets that are watched: the one that came first is forgotten for a new one, and begins anew if it comes again. */
const WATCHED_MAX = 100_000;
/** How often it is looked for gaps that are due, ms of the records' receipt. */
const LOOK_EVERY_MS = 1000;
/** Gap records that are told at a look; the rest waits for the next one. */
const TOLD_AT_ONCE_MAX = 100;
/** New gaps of one producer and dataset: so many at once, and then one in so long. What is beyond is counted, not recorded. */
const GAPS_BURST = 10;
const GAP_EVERY_MS = 60_000;
/** What was told and is not on record after so long is told again. */
const TELL_AGAIN_MS = 30_000;

/** One producer in one dataset, plain JSON. */
interface Watched {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  sequence: SequenceState | undefined;
  /** Gaps that may be recorded now, and since when that is so. */
  allowed: number;
  allowedAt: number;
  unrecorded: number;
}

export interface SequenceGapsState {
  readonly version: 1;
  /** Position of the next record. */
  readonly position: number;
  /** receivedAt of the record at which it was looked for gaps last. */
  readonly lookedAt: number;
  readonly watched: readonly (readonly [key: string, watched: Watched])[];
}

export class SequenceGaps {
  readonly #windowMs: number;
  readonly #watched: Map<string, Watched>;
  /** Keys with holes that are not on record as they are. */
  readonly #restless = new Set<string>();
  /** What was told and has not come by in the journal yet: when, by message id. */
  readonly #told = new Map<string, number>();
  #position: number;
  #lookedAt = 0;
  /** Gaps that were not told because there were too many. */
  unrecorded = 0;

  /** @param state as `state()` gave it; absent: a beginning at `position` */
  constructor(windowMs: number, position: number, state?: SequenceGapsState) {
    this.#windowMs = windowMs;
    this.#position = state?.position ?? position;
    this.#lookedAt = state?.lookedAt ?? 0;
    this.#watched = new Map(state?.watched ?? []);
    for (const key of this.#watched.keys()) this.#restless.add(key);
  }

  /** Position of the next record. */
  get position(): number {
    return this.#position;
  }

  /** Takes the body of the next frame. @param texts what stands in its header @returns what is to be put on record */
  take(body: Uint8Array, texts: HeaderTexts = headerTexts(body, latin1)): GapRecord[] {
    const position = this.#position++;
    // The ids of confidential messages are hidden, and what is put on record stays for ever.
    if (isExpiredBody(body) || isSaltedBody(body)) return [];
    const { key, agency, dataset, producer, door, messageId, receivedAt } = texts;
    if (dataset === GAPS_DATASET && door === 'internal') this.#takeOwn(body);
    const numbers = door === FILE_DOOR || door === 'internal' ? undefined : sequenceOf(messageId);
    if (numbers !== undefined) {
      const watched = this.#watched.get(key) ?? this.#begin(key, { agency, dataset, producer }, receivedAt);
      const watch = new SequenceWatch(watched.sequence);
      const holesBefore = watch.holes.length;
      watch.take(numbers, { position, receivedAt });
      watched.sequence = watch.state;
      if (watch.holes.length > 0 || holesBefore > 0) this.#restless.add(key);
    }
    if (receivedAt - this.#lookedAt < LOOK_EVERY_MS) return [];
    this.#lookedAt = receivedAt;
    return this.#due(receivedAt);
  }

  state(): SequenceGapsState {
    return { version: 1, position: this.#position, lookedAt: this.#lookedAt, watched: [...this.#watched] };
  }

  #begin(key: string, names: Pick<Watched, 'agency' | 'dataset' | 'producer'>, allowedAt: number): Watched {
    if (this.#watched.size >= WATCHED_MAX) {
      const [oldest = ''] = this.#watched.keys();
      this.#watched.delete(oldest);
      this.#restless.delete(oldest);
    }
    const watched = { ...names, sequence: undefined, allowed: GAPS_BURST, allowedAt, unrecorded: 0 };
    this.#watched.set(key, watched);
    return watched;
  }

  /** A gap record has come by: it is on record as far as it says. */
  #takeOwn(body: Uint8Array): void {
    const record = decodeRecord(body.subarray(1));
    if (!record.ok) return;
    const gap = JSON.parse(Buffer.from(record.value.payload).toString('utf8')) as GapRecord;
    this.#told.delete(messageIdOf(gap));
    const watched = this.#watched.get(producerKey(gap));
    const hole = watched?.sequence?.holes.find(({ before, first }) => `${before}-${first}` === gap.gap);
    if (watched?.sequence === undefined || hole === undefined) return;
    if (hole.told === undefined) {
      watched.allowed = Math.max(0, this.#allowedNow(watched, record.value.header.receivedAt) - 1);
      watched.unrecorded = 0;
    }
    hole.told = countOf(gap.missing);
    if (hole.told === 0) watched.sequence.holes = watched.sequence.holes.filter((one) => one !== hole);
  }

  #due(now: number): GapRecord[] {
    const due: GapRecord[] = [];
    for (const key of this.#restless) {
      const watched = this.#watched.get(key);
      if (watched?.sequence === undefined || watched.sequence.holes.every((hole) => isOnRecord(hole))) {
        this.#restless.delete(key);
        continue;
      }
      due.push(...this.#dueOf(watched, now));
      if (due.length >= TOLD_AT_ONCE_MAX) break;
    }
    return due;
  }

  #dueOf(watched: Watched, now: number): GapRecord[] {
    const due: GapRecord[] = [];
    const sequence = watched.sequence as SequenceState;
    let allowed = this.#allowedNow(watched, now);
    for (const hole of [...sequence.holes]) {
      if (isOnRecord(hole) || (hole.told === undefined && now - hole.noticedAt < this.#windowMs)) continue;
      if (hole.told === undefined && allowed < 1) {
        sequence.holes = sequence.holes.filter((one) => one !== hole);
        watched.unrecorded++;
        this.unrecorded++;
        continue;
      }
      if (hole.told === undefined) allowed--;
      const record = gapRecordOf(hole, watched, watched.unrecorded);
      const toldAt = this.#told.get(messageIdOf(record));
      if (toldAt !== undefined && now - toldAt < TELL_AGAIN_MS) continue;
      this.#told.set(messageIdOf(record), now);
      due.push(record);
    }
    return due;
  }

  /** Brings `allowed` up to what it is at this time. */
  #allowedNow(watched: Watched, now: number): number {
    const earned = Math.floor(Math.max(0, now - watched.allowedAt) / GAP_EVERY_MS);
    watched.allowed = Math.min(GAPS_BURST, watched.allowed + earned);
    watched.allowedAt = watched.allowed === GAPS_BURST ? Math.max(now, watched.allowedAt) : watched.allowedAt + earned * GAP_EVERY_MS;
    return watched.allowed;
  }
}

function isOnRecord({ told, missing }: Hole): boolean {
  return told === countOf(missing);
}

/** One for each state of a gap: told again, it is a repeat. */
export function messageIdOf({ gap, missing }: GapRecord): string {
  return `gap:${gap}:${countOf(missing)}`;
}
