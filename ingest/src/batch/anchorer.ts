/**
 * Brings sealed batches into the ledger, in order, over its HTTP interface, and tries until each is accepted. The
 * ledger answers an entry that it has already with its first index, so a try whose answer was lost does no harm.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { formatEntryBundle } from '@airtight/tlog';
import type { Logger } from 'pino';
import type { BatchStore } from './batch-store.ts';

/** Entries per request; the ledger takes no more. */
const ENTRIES_MAX = 256;
/** Batches that seal within this time share a request, and a checkpoint: each costs the ledger some ten disk writes. */
const GATHER_MS = 200;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface AnchorerOptions {
  readonly store: BatchStore;
  readonly ledgerUrl: string;
  readonly token: string;
  readonly logger: Logger;
  /** @param checkpointSize size of the tree that covers them */
  readonly onAnchored: (batches: number, checkpointSize: number) => void;
  readonly onRetry: () => void;
}

export class Anchorer {
  readonly #options: AnchorerOptions;
  readonly #abort = new AbortController();
  #wake = Promise.withResolvers<void>();
  #running: Promise<void>;

  constructor(options: AnchorerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Tells that there may be new sealed batches. */
  wake(): void {
    this.#wake.resolve();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, logger } = this.#options;
    let retryMs = RETRY_FIRST_MS;
    while (!this.#abort.signal.aborted) {
      if (store.anchored >= store.count) {
        await this.#wake.promise;
        this.#wake = Promise.withResolvers();
        continue;
      }
      try {
        await this.#anchorNext();
        retryMs = RETRY_FIRST_MS;
        if (store.count - store.anchored < ENTRIES_MAX) await this.#pause(GATHER_MS);
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        this.#options.onRetry();
        logger.warn({ err: error, retryMs, waiting: store.count - store.anchored }, 'the ledger did not take the batches; trying again');
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
    }
  }

  /** Ends early when the service closes. */
  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#abort.signal }).catch(() => undefined);
  }

  async #anchorNext(): Promise<void> {
    const { store, ledgerUrl, token, onAnchored } = this.#options;
    const entries: Uint8Array[] = [];
    for (let seq = store.anchored; seq < store.count && entries.length < ENTRIES_MAX; seq++) entries.push(store.read(seq).bytes);
    const response = await fetch(`${ledgerUrl}/entries`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: Buffer.from(formatEntryBundle(entries)),
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    if (response.status !== 200) throw new Error(`the ledger answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
    const { indexes, size } = (await response.json()) as { indexes: number[]; size: number };
    if (indexes.length !== entries.length || !indexes.every((index) => Number.isSafeInteger(index) && index >= 0)) {
      throw new Error('the ledger did not answer one index per entry');
    }
    await store.anchor(indexes);
    onAnchored(entries.length, size);
  }
}
