/**
 * Cuts the run of records into batches. A batch closes when it is full or old (protocol's BATCH_MAX_…); it may be
 * sealed once all its records are durable.
 */
import { BATCH_MAX_AGE_MS, BATCH_MAX_BYTES, BATCH_MAX_RECORDS } from '@airtight/protocol';
import { RunningRoot } from './running-root.ts';

export interface ClosedBatch {
  readonly first: number;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Lower-case hex. */
  readonly root: string;
}

export class Batcher {
  readonly #root = new RunningRoot();
  readonly #closed: ClosedBatch[] = [];
  #first: number;
  #firstAt = 0;
  #lastAt = 0;
  #bytes = 0;

  /** @param first position of the first record of the next batch */
  constructor(first: number) {
    this.#first = first;
  }

  /** Adds the record at the next position. @param body 0x00 ‖ record */
  add(body: Uint8Array, receivedAt: number): void {
    if (this.#root.count === 0) this.#firstAt = receivedAt;
    this.#root.add(body);
    this.#lastAt = receivedAt;
    this.#bytes += body.length;
    if (this.#root.count >= BATCH_MAX_RECORDS || this.#bytes >= BATCH_MAX_BYTES) this.#close();
  }

  /** Closes a batch that has been open for BATCH_MAX_AGE_MS. */
  closeOld(now: number): void {
    // The clock may have been set back: a batch from the future is old as well.
    if (this.#root.count > 0 && Math.abs(now - this.#firstAt) >= BATCH_MAX_AGE_MS) this.#close();
  }

  /** Takes the closed batches all of whose records lie below `committed`. */
  takeSealable(committed: number): ClosedBatch[] {
    const end = this.#closed.findIndex(({ first, count }) => first + count > committed);
    return this.#closed.splice(0, end < 0 ? this.#closed.length : end);
  }

  #close(): void {
    const count = this.#root.count;
    this.#closed.push({ first: this.#first, count, firstAt: this.#firstAt, lastAt: this.#lastAt, root: this.#root.finish() });
    this.#first += count;
    this.#bytes = 0;
    this.#root.reset();
  }
}
