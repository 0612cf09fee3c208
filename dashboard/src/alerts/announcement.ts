/** New alerts for those who listen instead of look: at most one announcement in ten seconds, the rest is counted in it. */
export const ANNOUNCE_EVERY_MS = 10_000;

export interface Announcer {
  readonly lastAt: number;
  readonly waiting: number;
}

export const QUIET: Announcer = { lastAt: Number.NEGATIVE_INFINITY, waiting: 0 };

/** @returns the announcer after an alert or the passing of time, and how many alerts to announce now (0: stay quiet) */
export function announce(announcer: Announcer, raised: number, now: number): { readonly next: Announcer; readonly say: number } {
  const waiting = announcer.waiting + raised;
  if (waiting === 0 || now - announcer.lastAt < ANNOUNCE_EVERY_MS) return { next: { ...announcer, waiting }, say: 0 };
  return { next: { lastAt: now, waiting: 0 }, say: waiting };
}
