/**
 * GB 3095 环境空气质量标准: the limits (Tables 1 and 2) by date, and how much data an average needs to count (GB 3095-2026, Table 4). "All valid
 * data must be used"; below the minimum the average is invalid, the raw values stay (6.3).
 *
 * Gases at 298.15 K and 1013.25 hPa, particles at the temperature and pressure of sampling.
 */

export type Average =
  /** Sampling minutes within the hour. */
  | { readonly period: 'hour'; readonly minutes: number }
  /** O3: hourly values within the 8 hours. */
  | { readonly period: '8h'; readonly hours: number }
  /** SO2, NO2, NOx, CO, PM10, PM2.5: hourly values (or hours of sampling) within the day. */
  | { readonly period: 'day'; readonly hours: number }
  /** SO2, NO2, NOx, PM10, PM2.5: valid day means in the year, and in each of its months (January first). */
  | { readonly period: 'year'; readonly days: number; readonly months: readonly number[] }
  /** TSP, BaP, Pb, which are sampled on some days only: hours of sampling within the day. */
  | { readonly period: 'sampled-day'; readonly hours: number }
  /** TSP, BaP, Pb: day means in the year, and in each of its months; that they are evenly spread is for the plan to see to. */
  | { readonly period: 'sampled-year'; readonly days: number; readonly months: readonly number[] }
  /** Pb: day means in the quarter, and in each of its months. */
  | { readonly period: 'sampled-quarter'; readonly days: number; readonly months: readonly number[] };

/** TSP, Pb, BaP (benzo[a]pyrene) and NOx (as NO2) are the "other items" of Table 2. */
export type LimitedPollutant = 'so2' | 'no2' | 'co' | 'o3' | 'pm10' | 'pm25' | 'tsp' | 'nox' | 'pb' | 'bap';
/** `day-max-8h`: the largest 8 h mean of the day. */
export type LimitPeriod = 'year' | 'quarter' | 'day' | 'day-max-8h' | 'hour';
/** 1: nature reserves and other specially protected areas; 2: where people live and work. */
export type LimitGrade = 1 | 2;
/** The limits of 2026 come in two steps: `transition` to 2030-12-31, then `final`. */
export type LimitSet = 'GB 3095-2012' | 'GB 3095-2026 transition' | 'GB 3095-2026 final';

type Limits = {
  readonly [pollutant in LimitedPollutant]?: { readonly [period in LimitPeriod]?: readonly [grade1: number, grade2: number] };
};

const HOUR_MIN_MINUTES = 45;
const EIGHT_HOURS_MIN_HOURS = 6;
const DAY_MIN_HOURS = 20;
const YEAR_MIN_DAYS = 324;
const MONTH_MIN_DAYS = 27;
const FEBRUARY_MIN_DAYS = 25;
const SAMPLED_DAY_HOURS = 24;
const SAMPLED_YEAR_MIN_DAYS = 60;
const SAMPLED_QUARTER_MIN_DAYS = 15;
const SAMPLED_MONTH_MIN_DAYS = 5;

/** In force from 2026-03-01 and from 2031-01-01, which begin at UTC+8. */
const FROM_TRANSITION = Date.UTC(2026, 1, 28, 16);
const FROM_FINAL = Date.UTC(2030, 11, 31, 16);

/** The same in all sets. */
const CO_AND_O3: Limits = {
  co: { day: [4, 4], hour: [10, 10] },
  o3: { 'day-max-8h': [100, 160], hour: [160, 200] },
};
const UNTIL_2030: Limits = {
  ...CO_AND_O3,
  so2: { year: [20, 60], day: [50, 150], hour: [150, 500] },
  no2: { year: [40, 40], day: [80, 80], hour: [200, 200] },
};
const OTHER_ITEMS_2026: Limits = {
  tsp: { year: [80, 200], day: [120, 300] },
  pb: { year: [0.5, 0.5], quarter: [1, 1] },
  bap: { year: [0.001, 0.001], day: [0.0025, 0.0025] },
};

const LIMITS: { readonly [set in LimitSet]: Limits } = {
  // The basic items alone: the other items of 2012 were not at hand.
  'GB 3095-2012': { ...UNTIL_2030, pm10: { year: [40, 70], day: [50, 150] }, pm25: { year: [15, 35], day: [35, 75] } },
  'GB 3095-2026 transition': {
    ...UNTIL_2030,
    ...OTHER_ITEMS_2026,
    pm10: { year: [40, 60], day: [50, 120] },
    pm25: { year: [15, 30], day: [35, 60] },
    nox: { year: [50, 50], day: [100, 100], hour: [250, 250] },
  },
  'GB 3095-2026 final': {
    ...CO_AND_O3,
    ...OTHER_ITEMS_2026,
    so2: { year: [20, 20], day: [50, 50], hour: [150, 150] },
    no2: { year: [30, 30], day: [50, 50], hour: [200, 200] },
    pm10: { year: [20, 50], day: [50, 100] },
    pm25: { year: [10, 25], day: [25, 50] },
    nox: { year: [40, 40], day: [70, 70], hour: [250, 250] },
  },
};

/** The limits in force at a moment. @param epochMs of the average, not of the question */
export function limitSetAt(epochMs: number): LimitSet {
  if (epochMs < FROM_TRANSITION) return 'GB 3095-2012';
  return epochMs < FROM_FINAL ? 'GB 3095-2026 transition' : 'GB 3095-2026 final';
}

/**
 * The limit an average must not exceed (a value equal to it complies).
 * @returns µg/m³, CO mg/m³; null where the tables set none
 */
export function limitOf(set: LimitSet, pollutant: LimitedPollutant, period: LimitPeriod, grade: LimitGrade): number | null {
  return LIMITS[set][pollutant]?.[period]?.[grade - 1] ?? null;
}

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
    case 'sampled-day':
      return average.hours >= SAMPLED_DAY_HOURS;
    case 'sampled-year':
      return isSampled(average, SAMPLED_YEAR_MIN_DAYS, 12);
    case 'sampled-quarter':
      return isSampled(average, SAMPLED_QUARTER_MIN_DAYS, 3);
  }
}

function isSampled({ days, months }: { days: number; months: readonly number[] }, minDays: number, monthCount: number): boolean {
  return days >= minDays && months.length === monthCount && months.every((inMonth) => inMonth >= SAMPLED_MONTH_MIN_DAYS);
}
