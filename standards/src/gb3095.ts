/**
 * GB 3095-2026 环境空气质量标准, Table 4: how much data an average needs to count. "All valid data must be used"; below the
 * minimum the average is invalid, the raw values stay.
 */

export type Average =
  /** Sampling minutes within the hour. */
  | { readonly period: 'hour'; readonly minutes: number }
  /** O3: hourly values within the 8 hours. */
  | { readonly period: '8h'; readonly hours: number }
  /** SO2, NO2, CO, PM10, PM2.5: hourly values within the day. */
  | { readonly period: 'day'; readonly hours: number }
  /** SO2, NO2, PM10, PM2.5: valid day means in the year, and in each of its months (January first). */
  | { readonly period: 'year'; readonly days: number; readonly months: readonly number[] };

const HOUR_MIN_MINUTES = 45;
const EIGHT_HOURS_MIN_HOURS = 6;
const DAY_MIN_HOURS = 20;
const YEAR_MIN_DAYS = 324;
const MONTH_MIN_DAYS = 27;
const FEBRUARY_MIN_DAYS = 25;

/** True when the average has enough data behind it to be valid. */
export function isValidAverage(average: Average): boolean {
  switch (average.period) {
    case 'hour':
      return average.minutes >= HOUR_MIN_MINUTES;
    case '8h':
      return average.hours >= EIGHT_HOURS_MIN_HOURS;
    case 'day':
      return average.hours >= DAY_MIN_HOURS;
    case 'year':
      return (
        average.days >= YEAR_MIN_DAYS &&
        average.months.length === 12 &&
        average.months.every((days, month) => days >= (month === 1 ? FEBRUARY_MIN_DAYS : MONTH_MIN_DAYS))
      );
  }
}
