/** Puts every attempt on record: in order, several in one record where there are many. */
import { hash } from 'node:crypto';
import { CONTROL_AGENCY, DELIVERIES_DATASET, type DeliveriesRecord } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { Outbox } from './outbox.ts';

/** One record holds at most so many: far from the limit of its size. */
const BATCH_MAX = 200;
const EVERY_MS = 1000;
const PRUNE_EVERY_MS = 3_600_000;

export class DeliveryRecords {
  readonly #outbox: Outbox;
  readonly #ingest: Pick<IngestClient, 'writeRecords'>;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #prunedAt = 0;

  constructor(outbox: Outbox, ingest: Pick<IngestClient, 'writeRecords'>, logger: Pick<Logger, 'warn'>, now: () => number) {
    this.#outbox = outbox;
    this.#ingest = ingest;
    this.#logger = logger;
    this.#now = now;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#writing ??= this.#write()
        .catch((error: unknown) => this.#logger.warn({ err: error }, 'deliveries are not on record yet; trying again'))
        .finally(() => {
          this.#writing = undefined;
        });
    }, EVERY_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (;;) {
      const { ids, outcomes } = this.#outbox.unrecorded(BATCH_MAX);
      if (ids.length === 0) break;
      const payload: DeliveriesRecord = { type: 'deliveries', outcomes };
      // What was written just before a crash and is written again is a repeat.
      const messageId = `id:${hash('sha256', JSON.stringify(payload)).slice(0, 40)}`;
      const record = { agency: CONTROL_AGENCY, dataset: DELIVERIES_DATASET, producer: 'airtight', messageId, payload };
      const [written] = await this.#ingest.writeRecords([record]);
      if (written === undefined) throw new Error('ingest answered no position');
      this.#outbox.recorded(ids, written.position);
    }
    if (this.#now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = this.#now();
    this.#outbox.prune(this.#prunedAt);
  }
}
