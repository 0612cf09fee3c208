/** Durations as people say them: at most two units, the second only where it matters. */
export type DurationUnit = 'second' | 'minute' | 'hour' | 'day';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** @returns e.g. [['hour', 6], ['minute', 12]]; seconds below a minute, nothing smaller than hours beyond a day */
export function durationParts(ms: number): readonly (readonly [DurationUnit, number])[] {
  const whole = Math.max(0, ms);
  if (whole < MINUTE_MS) return [['second', Math.floor(whole / 1000)]];
  if (whole < HOUR_MS) return [['minute', Math.floor(whole / MINUTE_MS)]];
  if (whole < DAY_MS) return two(['hour', Math.floor(whole / HOUR_MS)], ['minute', Math.floor((whole % HOUR_MS) / MINUTE_MS)]);
  return two(['day', Math.floor(whole / DAY_MS)], ['hour', Math.floor((whole % DAY_MS) / HOUR_MS)]);
}

function two(first: [DurationUnit, number], second: [DurationUnit, number]): readonly (readonly [DurationUnit, number])[] {
  return second[1] === 0 ? [first] : [first, second];
}
