/** When a message that failed is tried again: the schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"). */

/** After the first attempt, the second and so on, ms. */
export const RETRY_AFTER_MS: readonly number[] = [
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
  24 * 3_600_000,
];
/** So much of each is added at random, so that what failed together does not come back together. */
export const JITTER = 0.2;

/**
 * @param attempts that have failed, from 1
 * @param random from 0 up to 1
 * @returns ms to wait; undefined when it is not tried again
 */
export function retryAfterMs(attempts: number, random: number): number | undefined {
  const planned = RETRY_AFTER_MS[attempts - 1];
  return planned === undefined ? undefined : Math.round(planned * (1 + JITTER * random));
}
