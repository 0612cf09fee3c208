/**
 * When a message that failed is tried again: the schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"). A proof
 * that another region lacks has one of its own: the receiver answers, and what is waited for are witnesses.
 */
import type { MessageKind } from './alert-message.ts';

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
/** Of a proof: a witness that was away for a moment is back in seconds, one that was repaired within days. Three days in all. */
export const PROOF_RETRY_AFTER_MS: readonly number[] = [
  2_000,
  4_000,
  8_000,
  15_000,
  30_000,
  60_000,
  2 * 60_000,
  5 * 60_000,
  15 * 60_000,
  30 * 60_000,
  3_600_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  16 * 3_600_000,
  24 * 3_600_000,
];
/** So much of each is added at random, so that what failed together does not come back together. */
export const JITTER = 0.2;

/**
 * @param attempts that have failed, from 1
 * @param random from 0 up to 1
 * @returns ms to wait; undefined when it is not tried again
 */
export function retryAfterMs(kind: MessageKind, attempts: number, random: number): number | undefined {
  const planned = (kind === 'proof' ? PROOF_RETRY_AFTER_MS : RETRY_AFTER_MS)[attempts - 1];
  return planned === undefined ? undefined : Math.round(planned * (1 + JITTER * random));
}
