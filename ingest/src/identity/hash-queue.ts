/**
 * Bounds the work of checking secrets: each check takes some 5 ms and 2 MiB on a thread that the journal's writes need
 * too. A few run at a time, a bounded number waits in order, the rest is told to come again.
 */
import { AirtightError } from '@airtight/protocol';

/** Checks under way: as many as leave threads of libuv's pool (4 by default, 16 under `airtight up`) to the disk. */
export const HASHES_IN_FLIGHT_MAX = 3;
/** Checks that wait: as many as there may be MQTT connections by default; some 30 s of work on one core. */
export const HASHES_WAITING_MAX = 10_000;

export class HashQueue {
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * Runs `check` when it is its turn.
   * @throws AirtightError OVERLOADED when too many wait
   */
  async run<T>(check: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= HASHES_IN_FLIGHT_MAX) {
      if (this.#waiting.length >= HASHES_WAITING_MAX) throw new AirtightError('OVERLOADED', `${HASHES_WAITING_MAX} logins wait`);
      // Woken by one that has ended: it hands over its place.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#inFlight++;
    try {
      return await check();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inFlight--;
      else next();
    }
  }
}
