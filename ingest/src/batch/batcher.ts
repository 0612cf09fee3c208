/**
 * Cuts the run of records into batches: a batch closes when it is full or old (protocol's BATCH_MAX_…). Only durable
 * records come here, so a closed batch may be sealed at once.
 */
import assert from 'node:assert';
import {
  BATCH_MAX_AGE_MS,
  BATCH_MAX_BYTES,
  BATCH_MAX_RECORDS,
  decodeRecord,
  type HeaderTexts,
  isSaltedBody,
  leafPreimageOf,
  ProducerCounts,
  type ProducersRoot,
  producersRootOf,
  recordIn,
} from '@airtight/protocol';
import { nodeSha256, RunningRoot } from './running-root.ts';

export interface ClosedBatch {
  readonly first: number;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Lower-case hex. */
  readonly root: string;
  /** Whether the leaf of one at least is a commitment to salted fields. */
  readonly salted: boolean;
  readonly producers: ProducersRoot;
}

export class Batcher {
  readonly #root = new RunningRoot();
  readonly #producers = new ProducerCounts();
  readonly #closed: ClosedBatch[] = [];
  #first: number;
  #firstAt = 0;
  #lastBody: Uint8Array = new Uint8Array(0);
  #bytes = 0;
  #salted = false;

  /** @param first position of the first record of the next batch */
  constructor(first: number) {
    this.#first = first;
  }

  /** Adds the record at the next position. @param body of a frame; kept until the next call; @param texts what stands in its header */
  add(body: Uint8Array, texts: HeaderTexts): void {
    if (this.#root.count === 0) this.#firstAt = receivedAtOf(body);
    this.#root.add(leafPreimageOf(body));
    this.#salted ||= isSaltedBody(body);
    assert(this.#producers.add(texts), 'the journal holds records only');
    this.#lastBody = body;
    this.#bytes += body.length;
    if (this.#root.count >= BATCH_MAX_RECORDS || this.#bytes >= BATCH_MAX_BYTES) this.#close();
  }

  /** Closes a batch that has been open for BATCH_MAX_AGE_MS. */
  closeOld(now: number): void {
    // The clock may have been set back: a batch from the future is old as well.
    if (this.#root.count > 0 && Math.abs(now - this.#firstAt) >= BATCH_MAX_AGE_MS) this.#close();
  }

  /** The batches that were closed since the last call, in order. */
  takeClosed(): ClosedBatch[] {
    return this.#closed.splice(0);
  }

  #close(): void {
    const count = this.#root.count;
    const lastAt = receivedAtOf(this.#lastBody);
    const producers = producersRootOf(this.#producers.take(), nodeSha256);
    const salted = this.#salted;
    this.#closed.push({ first: this.#first, count, firstAt: this.#firstAt, lastAt, root: this.#root.finish(), salted, producers });
    this.#first += count;
    this.#bytes = 0;
    this.#salted = false;
    this.#root.reset();
  }
}

function receivedAtOf(body: Uint8Array): number {
  const record = decodeRecord(recordIn(body));
  assert(record.ok, 'the journal holds records only');
  return record.value.header.receivedAt;
}
