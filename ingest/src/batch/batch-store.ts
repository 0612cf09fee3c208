/**
 * Sealed batches and where they are in the ledger, as two journals: `batches/` (position = batch sequence number, the
 * body is 0x00 ‖ batch record, so its SHA-256 is the ledger's leaf hash) and `anchors/` (position = batch sequence
 * number, JSON with the ledger index). A batch is submitted to the ledger only after it is durable here, so the same
 * sequence number never stands for two different batches.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { AirtightError, type BatchRecord, decodeBatchRecord, encodeBatchRecord, SALTED_FIELDS } from '@airtight/protocol';
import { Journal } from '../journal/journal.ts';
import type { StorageHealth } from '../storage/storage-health.ts';
import type { ClosedBatch } from './batcher.ts';

/** Where the ledger has a batch. */
export interface Anchored {
  readonly seq: number;
  readonly ledgerIndex: number;
}

export interface StoredBatch {
  readonly batch: BatchRecord;
  /** Canonical bytes: the ledger entry. */
  readonly bytes: Buffer;
  readonly ledgerIndex: number | null;
}

export class BatchStore {
  readonly #stream: string;
  readonly #batches: Journal;
  readonly #anchors: Journal;
  #lastHash: string | null = null;
  #sealedThrough = 0;
  #anchoredThrough = 0;
  #lastFound: StoredBatch | undefined;

  /** @param dir the journal's folder; @param stream name of this journal in its batch records */
  constructor(dir: string, stream: string, health?: StorageHealth) {
    this.#stream = stream;
    const options = health === undefined ? {} : { health };
    this.#batches = Journal.open(join(dir, 'batches'), options);
    this.#anchors = Journal.open(join(dir, 'anchors'), options);
    const last = this.count > 0 ? this.read(this.count - 1) : undefined;
    if (last !== undefined) {
      this.#lastHash = hash('sha256', last.bytes, 'hex');
      this.#sealedThrough = last.batch.first + last.batch.count;
    }
    this.#anchoredThrough = this.#endOf(this.anchored);
  }

  /** Durable batches. */
  get count(): number {
    return this.#batches.committed;
  }

  /** Batches whose ledger index is known and durable. */
  get anchored(): number {
    return this.#anchors.committed;
  }

  /** Every record below is in a durable batch. */
  get sealedThrough(): number {
    return this.#sealedThrough;
  }

  /** Every record below is in the ledger. */
  get anchoredThrough(): number {
    return this.#anchoredThrough;
  }

  /** Makes closed batches durable, in order. One call at a time. */
  async seal(closed: readonly ClosedBatch[]): Promise<void> {
    let last: ClosedBatch | undefined;
    for (const one of closed) {
      const { first, count, firstAt, lastAt, root, salted, producers } = one;
      const bytes = encodeBatchRecord({
        v: 1,
        type: 'batch',
        stream: this.#stream,
        seq: this.#batches.head,
        prev: this.#lastHash,
        first,
        count,
        firstAt,
        lastAt,
        root,
        producers,
        tree: 'rfc6962-sha256',
        commitment: salted ? SALTED_FIELDS : 'plain',
      });
      this.#lastHash = hash('sha256', bytes, 'hex');
      this.#batches.append('', bytes, 0);
      last = one;
    }
    await this.#batches.flush();
    if (last !== undefined) this.#sealedThrough = last.first + last.count;
  }

  /** Records where the next batches, in order of sequence, are in the ledger. One call at a time. */
  async anchor(ledgerIndexes: readonly number[]): Promise<void> {
    for (const ledgerIndex of ledgerIndexes) {
      this.#anchors.append(JSON.stringify({ seq: this.#anchors.head, ledgerIndex }), new Uint8Array(0), 0);
    }
    await this.#anchors.flush();
    this.#anchoredThrough = this.#endOf(this.anchored);
  }

  /** @throws AirtightError BATCH_MALFORMED, JOURNAL_CORRUPT */
  read(seq: number): StoredBatch {
    const body = this.#batches.read(seq);
    if (body === null) throw new AirtightError('NOT_FOUND', `batch ${seq}`);
    const bytes = body.subarray(1);
    const batch = decodeBatchRecord(bytes);
    if (!batch.ok) throw new AirtightError('BATCH_MALFORMED', `batch ${seq}: ${batch.detail}`);
    const anchor = seq < this.anchored ? this.#anchors.read(seq) : null;
    return { batch: batch.value, bytes, ledgerIndex: anchor === null ? null : JSON.parse(anchor.toString('utf8', 1)).ledgerIndex };
  }

  /** The batch that holds a record; null while it is not sealed. */
  find(position: number): StoredBatch | null {
    if (position >= this.#sealedThrough) return null;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.read(middle).batch.first <= position) low = middle;
      else high = middle - 1;
    }
    return this.read(low);
  }

  /** The first batch that ends at or after a time, epoch ms: `count` when there is none. Clocks that were set back blur it. */
  firstEndingAt(time: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.read(middle).batch.lastAt < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the ledger has a record's batch; null while it has not. Cheap for positions of one batch in a row. */
  anchorOf(position: number): Anchored | null {
    if (position >= this.#anchoredThrough) return null;
    const last = this.#lastFound;
    const isWithin = last !== undefined && position >= last.batch.first && position < last.batch.first + last.batch.count;
    const stored = isWithin ? last : this.find(position);
    if (stored === null || stored.ledgerIndex === null) return null;
    this.#lastFound = stored;
    return { seq: stored.batch.seq, ledgerIndex: stored.ledgerIndex };
  }

  close(): void {
    this.#batches.close();
    this.#anchors.close();
  }

  #endOf(count: number): number {
    if (count === 0) return 0;
    const { first, count: records } = this.read(count - 1).batch;
    return first + records;
  }
}
