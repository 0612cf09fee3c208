/**
 * Erases what one producer sent to confidential datasets on one UTC day (docs/reference/confidential.md). In order:
 *
 * 1. it is put on record (`sys.erasures`): who, why, and the hash of what stays in the place of each record;
 * 2. payloads, ids and signatures go out of the journal: leaf hash and committed header stay; and payloads out of quarantine;
 * 3. the keys of the salts are destroyed: from then on the leaf hashes tell nothing, not even to who guesses right.
 *
 * Keys go last, so while there is one a crash may have come between: `resume` ends what was begun. One at a time.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AirtightError, type ErasedStretch, type ErasureRecord, expiredBodyOf, isSaltedBody, type RecordHeader } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import { sha256 } from '../leaf-hash.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { headerIn, segmentsOfDay } from './day-segments.ts';
import { type SaltKeys, utcDay } from './salt-keys.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** A batch closes after a second; a disk that is stuck for so long is no reason to wait on. */
const SEAL_WAIT_MS = 30_000;
const SEAL_LOOK_MS = 50;
/** `v1/{agency}/{dataset}/…` */
const DATASET_IN_TOPIC = /^v1\/[^/]+\/([^/]+)\//;

export interface ErasureOrder {
  readonly producer: string;
  /** UTC day of receipt, YYYY-MM-DD. */
  readonly day: string;
  readonly reason: string;
  readonly by: string;
}

export interface ErasureOptions {
  readonly journal: Pick<Journal, 'head' | 'sealed' | 'active' | 'read' | 'sealSoon' | 'walkSealed' | 'rewriteSealed'>;
  readonly salts: SaltKeys;
  /** Every record below is in a durable batch. */
  readonly sealedThrough: () => number;
  /** Resolves when everything that was taken is durable. */
  readonly committed: () => Promise<void>;
  readonly quarantine: Pick<Quarantine, 'sealSoon' | 'erase'>;
  /** Whether a dataset is confidential. */
  readonly isConfidential: (dataset: string) => boolean;
  /** Puts it on record; resolves when it is durable. */
  readonly write: (record: ErasureRecord) => Promise<void>;
  /** The last that was put on record. */
  readonly last: () => ErasureRecord | undefined;
  readonly logger: Logger;
}

export class Erasure {
  readonly #options: ErasureOptions;
  readonly #stop = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: ErasureOptions) {
    this.#options = options;
  }

  /**
   * @returns what was erased; `count` 0, and nothing on record, when there was nothing
   * @throws AirtightError REQUEST_INVALID for no day; SALTS_UNREADABLE; what the disk throws: then it is ended by the next call or start
   */
  erase(order: ErasureOrder): Promise<{ readonly count: number; readonly stretches: readonly ErasedStretch[] }> {
    return this.#alone(() => this.#erase(order));
  }

  /** Ends what a crash or a fault of the disk interrupted. */
  resume(): Promise<void> {
    return this.#alone(() => this.#resume());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #resume(): Promise<void> {
    const last = this.#options.last();
    if (last === undefined || this.#options.salts.placesOf(last.producer, last.day, last.beforePosition).length === 0) return;
    await this.#complete(last);
  }

  async #erase({ producer, day, reason, by }: ErasureOrder) {
    if (!DAY.test(day) || Number.isNaN(Date.parse(day)) || utcDay(Date.parse(day)) !== day)
      throw new AirtightError('REQUEST_INVALID', `${day} is no day YYYY-MM-DD`);
    await this.#resume();
    const { journal, salts, quarantine } = this.#options;
    salts.retire(producer, day);
    quarantine.sealSoon();
    const beforePosition = journal.head;
    await this.#options.committed();
    await this.#sealed(beforePosition);
    const stretches: ErasedStretch[] = [];
    const datasets = new Set<string>();
    for (const first of segmentsOfDay(journal, salts.placesOf(producer, day, beforePosition), day, beforePosition)) {
      const stretch = await this.#census(first, { producer, day, beforePosition }, datasets);
      if (stretch !== undefined) stretches.push(stretch);
    }
    const count = stretches.reduce((sum, stretch) => sum + stretch.count, 0);
    if (count === 0) {
      await this.#eraseQuarantined({ producer, day, beforePosition });
      return { count, stretches };
    }
    const record: ErasureRecord = {
      type: 'erasure',
      producer,
      day,
      beforePosition,
      datasets: [...datasets].sort(),
      erased: stretches,
      reason,
      by,
    };
    await this.#options.write(record);
    await this.#complete(record);
    return { count, stretches };
  }

  /** Until all records below are in durable batches and in sealed segments: only such are written anew. */
  async #sealed(end: number): Promise<void> {
    const { journal, sealedThrough, committed } = this.#options;
    const { signal } = this.#stop;
    for (let waitedMs = 0; sealedThrough() < end; waitedMs += SEAL_LOOK_MS) {
      if (waitedMs >= SEAL_WAIT_MS) throw new AirtightError('RECORD_NOT_SEALED', `records below ${end}; sealed through ${sealedThrough()}`);
      await delay(SEAL_LOOK_MS, undefined, { signal });
    }
    if (journal.active >= end) return;
    journal.sealSoon();
    await committed();
  }

  async #census(first: number, subject: Subject, datasets: Set<string>): Promise<ErasedStretch | undefined> {
    const digest = createHash('sha256');
    let fromPosition = -1;
    let toPosition = -1;
    let count = 0;
    for await (const frames of this.#options.journal.walkSealed(first, this.#stop.signal)) {
      for (const { position, body } of frames) {
        if (!isOf(subject, position, body)) continue;
        if (count === 0) fromPosition = position;
        toPosition = position;
        count++;
        datasets.add((headerIn(body) as RecordHeader).dataset);
        digest.update(expiredBodyOf(body, sha256));
      }
    }
    return count === 0 ? undefined : { fromPosition, toPosition, count, keptSha256: digest.digest('hex') };
  }

  /** Can be done again: what is erased already is none of the subject's any more. */
  async #complete(record: ErasureRecord): Promise<void> {
    const { journal, salts, logger } = this.#options;
    const { producer, day, beforePosition, erased } = record;
    for (const { fromPosition } of erased) {
      const segment = journal.sealed.find(({ first, count }) => fromPosition >= first && fromPosition < first + count);
      if (segment === undefined) throw new Error(`record ${fromPosition} is in no sealed segment`);
      const replace = (position: number, body: Uint8Array): Uint8Array | undefined =>
        isOf(record, position, body) ? expiredBodyOf(body, sha256) : undefined;
      await journal.rewriteSealed(segment.first, replace, this.#stop.signal);
    }
    const quarantined = await this.#eraseQuarantined(record);
    const keys = salts.destroy(producer, day, beforePosition);
    const records = erased.reduce((sum, { count }) => sum + count, 0);
    logger.info({ producer, day, records, quarantined, keys }, 'confidential records erased');
  }

  /** Of what was not admitted too: unless it was for a dataset that is not confidential. */
  #eraseQuarantined({ producer, day }: Subject): Promise<number> {
    const { quarantine, isConfidential } = this.#options;
    return quarantine.erase((message) => {
      const dataset = message.route?.dataset ?? DATASET_IN_TOPIC.exec(message.topic)?.[1];
      const isOurs = message.producer === producer && utcDay(message.receivedAt) === day;
      return isOurs && (dataset === undefined || isConfidential(dataset));
    }, this.#stop.signal);
  }
}

type Subject = Pick<ErasureRecord, 'producer' | 'day' | 'beforePosition'>;

function isOf({ producer, day, beforePosition }: Subject, position: number, body: Uint8Array): boolean {
  if (position >= beforePosition || !isSaltedBody(body)) return false;
  const header = headerIn(body);
  return header?.producer === producer && utcDay(header.receivedAt) === day;
}
