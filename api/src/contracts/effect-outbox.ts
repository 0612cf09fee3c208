/** Effects of contracts on their way into the journal: in order, each until it is in, none lost, bounded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ALERTS_DATASET, type AlertEffect, transitionMessageId } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { IngestClient, NewRecord } from '../upstream/ingest-client.ts';

/** Effects waiting; beyond it the fold is held back. */
export const WAITING_MAX = 5000;
const WRITE_MAX = 200;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 3000;
/** What is under way when the outbox closes has so long to end; not written is written again after the next start. */
const CLOSE_WAIT_MS = 1500;

export class EffectOutbox {
  readonly #ingest: Pick<IngestClient, 'writeRecords'>;
  readonly #logger: Logger;
  readonly #queue: AlertEffect[] = [];
  #taken = 0;
  #written = 0;
  #closing = false;
  readonly #closed = new AbortController();
  #wake: (() => void) | undefined;
  #waiters: (() => void)[] = [];
  #done: Promise<void> | undefined;

  constructor(ingest: Pick<IngestClient, 'writeRecords'>, logger: Logger) {
    this.#ingest = ingest;
    this.#logger = logger;
  }

  /** Effects taken since the start. */
  get taken(): number {
    return this.#taken;
  }

  /** Of these, the first so many are in the journal. */
  get written(): number {
    return this.#written;
  }

  push(effect: AlertEffect): void {
    this.#queue.push(effect);
    this.#taken++;
    this.#wake?.();
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.#queue.length >= WAITING_MAX && !this.#closing) await this.#step();
  }

  /** Resolves when the first `count` effects are written; false when the outbox closed before. */
  async whenWritten(count: number): Promise<boolean> {
    while (this.#written < count && !this.#closing) await this.#step();
    return this.#written >= count;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Stops. What is not written yet is emitted again after the next start, because no snapshot is beyond it. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#closed.abort();
    this.#notify();
    await Promise.race([this.#done, sleep(CLOSE_WAIT_MS, undefined, { ref: false })]);
  }

  #step(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #notify(): void {
    this.#wake?.();
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing) {
      const batch = this.#queue.slice(0, WRITE_MAX);
      if (batch.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      try {
        await this.#ingest.writeRecords(batch.map(recordOf));
        this.#queue.splice(0, batch.length);
        this.#written += batch.length;
        failures = 0;
        this.#notify();
      } catch (error) {
        failures++;
        if (failures === 1 || failures % 20 === 0)
          this.#logger.warn({ err: error, waiting: this.#queue.length, failures }, 'alerts not written; trying again');
        const backoffMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 8));
        await sleep(backoffMs, undefined, { signal: this.#closed.signal }).catch(() => undefined);
      }
    }
  }
}

function recordOf(effect: AlertEffect): NewRecord {
  const { agency, contract } = effect;
  return { agency, dataset: ALERTS_DATASET, producer: contract, messageId: transitionMessageId(effect), payload: effect };
}
