/** Waiting on conditions: a test never sleeps for a fixed time and hopes. */
import { setTimeout as delay } from 'node:timers/promises';

/** Long enough for two busy cores; a condition that holds ends the wait at once. */
const DEADLINE_MS = 60_000;
const POLL_INTERVAL_MS = 25;

/** Thrown by a condition that can no longer come true: ends the wait at once. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
}

/**
 * Asks again and again until `check` gives something other than undefined or false.
 * @param what names the condition in the failure: "the reading is on the page"
 * @param check may throw while the condition does not hold yet; the last error is the failure's cause
 * @throws Error when the deadline passes
 */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      cause = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      cause = error;
    }
    await delay(POLL_INTERVAL_MS);
  }
  throw new Error(`waited ${deadlineMs} ms in vain: ${what}`, { cause });
}

/**
 * Waits for a number to come to a goal, for as long as it grows: how long the whole of it takes depends on how much there is
 * and on the machine.
 * @throws Error when it has not grown for DEADLINE_MS
 */
export async function untilReached(what: string, read: () => Promise<number>, goal: number): Promise<void> {
  for (let last = await until(what, read); last < goal; ) {
    const before = last;
    last = await until(`${what}: more than ${before}, to ${goal}`, async () => {
      const now = await read();
      return now > before && now;
    });
  }
}

/** The pause between two acts of a fault test, at a moment that the seed decides. */
export async function pause(ms: number): Promise<void> {
  await delay(ms);
}
