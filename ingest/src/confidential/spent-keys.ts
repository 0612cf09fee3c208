/**
 * Destroys keys of salts that nothing needs any more: of producers and days whose payloads a policy has removed. What is
 * left of such records is the leaf hash; without the key it tells nothing any more, not even to who guesses right.
 *
 * Only of days that are over, and only keys that were made before the last sealed segment: no record to come can use them. It is
 * put on record (`sys.salt-keys`), durably, before they go; after a crash between it is simply done again.
 */
import { isSaltedBody, type RecordHeader, type SaltKeysRecord } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { Journal } from '../journal/journal.ts';
import { DAY_MS, headerIn, segmentsOfDay } from './day-segments.ts';
import { type SaltKeys, utcDay } from './salt-keys.ts';

/** A record that was received just before midnight is in the journal long before. */
const DAY_OVER_MS = 3_600_000;

export interface SpentKeysOptions {
  readonly journal: Pick<Journal, 'sealed' | 'active' | 'read' | 'walkSealed'>;
  readonly salts: Pick<SaltKeys, 'days' | 'keysOf' | 'destroyThose'>;
  /** Puts it on record; resolves when it is durable. */
  readonly write: (record: SaltKeysRecord) => Promise<void>;
  readonly logger: Logger;
}

export class SpentKeys {
  readonly #options: SpentKeysOptions;
  /** Days of which payloads are left: not looked at again until one of them is removed, or the service starts anew. */
  readonly #needed = new Set<string>();

  constructor(options: SpentKeysOptions) {
    this.#options = options;
  }

  /** A payload of this day is removed. */
  removed(receivedAt: number): void {
    this.#needed.delete(utcDay(receivedAt));
  }

  /**
   * @param before epoch ms: of days that ended before then payloads may have been removed
   * @throws AirtightError SALTS_UNREADABLE, and what the disk throws: the next look goes on
   */
  async look(before: number, now: number, signal: AbortSignal): Promise<void> {
    for (const day of this.#options.salts.days()) {
      const endAt = Date.parse(day) + DAY_MS;
      if (endAt > before || endAt + DAY_OVER_MS > now || this.#needed.has(day)) continue;
      await this.#lookAt(day, signal);
      signal.throwIfAborted();
    }
  }

  async #lookAt(day: string, signal: AbortSignal): Promise<void> {
    const { journal, salts, write, logger } = this.#options;
    const limit = journal.sealed.at(-1)?.first ?? 0;
    const old = salts.keysOf(day).filter(({ from }) => from < limit);
    if (old.length === 0) return;
    const needing = await this.#needing(
      day,
      old.map(({ from }) => from),
      signal,
    );
    const keys = old.filter(({ producer }) => !needing.has(producer)).length;
    if (keys > 0) {
      await write({ type: 'salt-keys', day, beforePosition: limit, keys, by: 'policy' });
      salts.destroyThose(day, ({ producer, from }) => from < limit && !needing.has(producer));
      logger.info({ day, keys }, 'keys of removed confidential records destroyed');
    }
    if (needing.size > 0) this.#needed.add(day);
  }

  /** Producers of whose records of the day a payload is left. */
  async #needing(day: string, places: readonly number[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { journal } = this.#options;
    const needing = new Set<string>();
    for (const first of segmentsOfDay(journal, places, day, journal.active)) {
      for await (const frames of journal.walkSealed(first, signal)) {
        for (const { body } of frames) {
          if (!isSaltedBody(body)) continue;
          const { producer, receivedAt } = headerIn(body) as RecordHeader;
          if (utcDay(receivedAt) === day) needing.add(producer);
        }
      }
    }
    return needing;
  }
}
