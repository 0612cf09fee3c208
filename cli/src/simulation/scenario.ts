/** What decides a simulated network's every value: two runs with the same scenario agree at every moment. */
export interface Scenario {
  readonly seed: number;
  /** Epoch ms at which the network first came to life; the first pollution episode and the first faults are placed around it. */
  readonly epoch: number;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** All places of the network share one civil time, UTC+8 without summer time. */
const CIVIL_OFFSET_MS = 8 * HOUR_MS;
/** Mean length of a year; the seasons of a simulation need no calendar. */
const YEAR_MS = 365.2425 * DAY_MS;
const MID_JANUARY_MS = 15 * DAY_MS;

/** Hour of the civil day, 0 ≤ h < 24, with fractions. */
export function hourOfDay(t: number): number {
  return ((t + CIVIL_OFFSET_MS) % DAY_MS) / HOUR_MS;
}

/** 1 in the middle of January, 0 in the middle of July. */
export function winterShare(t: number): number {
  return 0.5 + 0.5 * Math.cos((2 * Math.PI * (t - MID_JANUARY_MS)) / YEAR_MS);
}

/** A daily wave in [-1, 1] with its crest at `hour`. */
export function dailyWave(t: number, hour: number): number {
  return Math.cos((2 * Math.PI * (hourOfDay(t) - hour)) / 24);
}

export function rounded(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  // `+ 0` turns -0 into 0.
  return Math.round(value * scale) / scale + 0;
}
