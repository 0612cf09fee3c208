/** Waits before reconnecting: doubling up to half a minute, so a restarted server is not stormed by every open screen. */
const STEPS_MS = [1000, 2000, 4000, 8000, 16_000, 30_000] as const;
/** Screens that lost the server together must not come back together. */
const JITTER = 0.2;

/**
 * @param attempt 1 for the first reconnect after a loss
 * @param random in [0, 1)
 * @returns milliseconds to wait, within ±20 % of 1, 2, 4, 8, 16, 30 s
 */
export function backoffMs(attempt: number, random: number): number {
  const step = STEPS_MS[Math.min(Math.max(attempt, 1), STEPS_MS.length) - 1] ?? STEPS_MS[0];
  return Math.round(step * (1 - JITTER + 2 * JITTER * random));
}
