/**
 * HJ 633 环境空气质量指数（AQI）技术规定: HJ 633-2012 (to 2026-02-28) and HJ 633-2026 (from 2026-03-01).
 *
 * Concentrations are in µg/m³, CO in mg/m³. Each is rounded once by GB/T 8170 to a whole number (CO: one decimal), then
 * IAQI = ⌈(IAQI_hi − IAQI_lo) / (BP_hi − BP_lo) · (C − BP_lo) + IAQI_lo⌉, AQI = the largest IAQI (clause 4.2). After
 * rounding everything is a whole number, so the arithmetic is exact.
 */
import { roundDecimal, roundToUnits } from './gbt8170.ts';

export type CnAqiStandard = 'HJ 633-2012' | 'HJ 633-2026';
export type CnPollutant = 'so2' | 'no2' | 'co' | 'o3' | 'pm10' | 'pm25';
/** `daily`: 24 h means, O3 as the day's largest 8 h mean. `hourly`: 1 h means (实时报). */
export type CnAqiMode = 'daily' | 'hourly';
export type CnAqiLevel = 1 | 2 | 3 | 4 | 5 | 6;

export interface AqiReport {
  readonly standard: CnAqiStandard;
  /** null: not published (NA), `reason` says why. */
  readonly aqi: number | null;
  readonly level: CnAqiLevel | null;
  /** Primary pollutants (首要污染物), all of them where several tie; none up to AQI 50 or without an AQI. */
  readonly primary: readonly CnPollutant[];
  readonly iaqi: { readonly [pollutant in CnPollutant]?: number };
  /** `missing:pm25,co`: the pollutants that have no IAQI. For programs; screens word it. */
  readonly reason?: string;
}

export type Concentrations = { readonly [pollutant in CnPollutant]?: number | undefined };

export interface AqiLevel {
  readonly level: CnAqiLevel;
  /** Largest AQI of the level. */
  readonly upTo: number;
  readonly zh: string;
  readonly en: string;
  /** The colour the standard prescribes (Table 2), 0 to 255. */
  readonly rgb: readonly [number, number, number];
}

/** Levels 1 to 6 in order (Table 2). The standard has no English; these names are the customary ones. */
export const AQI_LEVELS: readonly AqiLevel[] = [
  { level: 1, upTo: 50, zh: '优', en: 'Excellent', rgb: [0, 228, 0] },
  { level: 2, upTo: 100, zh: '良', en: 'Good', rgb: [255, 255, 0] },
  { level: 3, upTo: 150, zh: '轻度污染', en: 'Lightly polluted', rgb: [255, 126, 0] },
  { level: 4, upTo: 200, zh: '中度污染', en: 'Moderately polluted', rgb: [255, 0, 0] },
  { level: 5, upTo: 300, zh: '重度污染', en: 'Heavily polluted', rgb: [153, 0, 76] },
  { level: 6, upTo: 500, zh: '严重污染', en: 'Severely polluted', rgb: [126, 0, 35] },
];

/** In the order of the standard's tables. */
export const CN_POLLUTANTS: readonly CnPollutant[] = ['so2', 'no2', 'co', 'o3', 'pm10', 'pm25'];

/** HJ 633-2026 foreword: in force from 2026-03-01, which begins at UTC+8. */
const FROM_2026 = Date.UTC(2026, 1, 28, 16);

/** IAQI values that the breakpoints of a scale stand for (Table 1 of 2012, Table 3 of 2026). */
const IAQI_STEPS = [0, 50, 100, 150, 200, 300, 400, 500] as const;
const AQI_MAX = 500;

/** What a concentration above the last breakpoint gives: the largest index, a smaller one (Table notes), or none. */
type Beyond = number | null;
interface Scale {
  /** Units per whole concentration: 10 where one decimal is kept. */
  readonly unitsPer: 1 | 10;
  /** Breakpoints in these units, ascending, as many as the table has. */
  readonly breakpoints: readonly number[];
  readonly beyond: Beyond;
}
type Scales = { readonly [pollutant in CnPollutant]: Scale | null };

const whole = (breakpoints: readonly number[], beyond: Beyond = AQI_MAX): Scale => ({ unitsPer: 1, breakpoints, beyond });
const tenths = (breakpoints: readonly number[]): Scale => ({ unitsPer: 10, breakpoints: breakpoints.map((c) => c * 10), beyond: AQI_MAX });

const PM10_2026 = whole([0, 50, 120, 250, 350, 420, 500, 600]);
const PM25_2026 = whole([0, 35, 60, 115, 150, 250, 350, 500]);
const PM10_2012 = whole([0, 50, 150, 250, 350, 420, 500, 600]);
const PM25_2012 = whole([0, 35, 75, 115, 150, 250, 350, 500]);
const DAILY_GASES = {
  so2: whole([0, 50, 150, 475, 800, 1600, 2100, 2620]),
  no2: whole([0, 40, 80, 180, 280, 565, 750, 940]),
  co: tenths([0, 2, 4, 14, 24, 36, 48, 60]),
};
const HOURLY_GASES = {
  no2: whole([0, 100, 200, 700, 1200, 2340, 3090, 3840]),
  co: tenths([0, 5, 10, 35, 60, 90, 120, 150]),
  o3: whole([0, 160, 200, 300, 400, 800, 1000, 1200]),
};
const SO2_1H = [0, 150, 500, 650, 800];
const O3_8H = [0, 100, 160, 215, 265, 800];

const SCALES: { readonly [standard in CnAqiStandard]: { readonly [mode in CnAqiMode]: Scales } } = {
  'HJ 633-2026': {
    // Table 3, notes: O3 8 h above 800 counts as 300, SO2 1 h above 800 as 200; 1 h PM by the 24 h breakpoints.
    daily: { ...DAILY_GASES, o3: whole(O3_8H, 300), pm10: PM10_2026, pm25: PM25_2026 },
    hourly: { ...HOURLY_GASES, so2: whole(SO2_1H, 200), pm10: PM10_2026, pm25: PM25_2026 },
  },
  'HJ 633-2012': {
    // Table 1, notes (2) and (3): above 800 "不再进行其空气质量分指数计算"; 1 h PM has no IAQI at all.
    daily: { ...DAILY_GASES, o3: whole(O3_8H, null), pm10: PM10_2012, pm25: PM25_2012 },
    hourly: { ...HOURLY_GASES, so2: whole(SO2_1H, null), pm10: null, pm25: null },
  },
};

/**
 * What the national publisher did under HJ 633-2012, where its text leaves the hour without an index: 1 h PM by the 24 h
 * breakpoints, SO2 1 h above 800 as 200. A test holds it against the published AQI of January 2019.
 */
const PUBLISHED_HOURLY_2012: Scales = { ...HOURLY_GASES, so2: whole(SO2_1H, 200), pm10: PM10_2012, pm25: PM25_2012 };

/** The standard in force at a moment. */
export function standardAt(epochMs: number): CnAqiStandard {
  return epochMs >= FROM_2026 ? 'HJ 633-2026' : 'HJ 633-2012';
}

/**
 * Individual index by the letter of the standard (clause 4.2).
 * @param concentration µg/m³, CO mg/m³; text is taken as written, a number as its shortest decimal text
 * @returns 0 to 500, null where the standard computes none (2012: 1 h PM, SO2 1 h or O3 8 h above 800) and for what is
 *   no concentration (not finite, or below zero after rounding)
 */
export function iaqi(standard: CnAqiStandard, mode: CnAqiMode, pollutant: CnPollutant, concentration: number | string): number | null {
  const scale = SCALES[standard][mode][pollutant];
  if (scale === null) return null;
  if (typeof concentration === 'number') return indexOn(scale, roundToUnits(concentration, scale.unitsPer));
  return indexOn(scale, Number(roundDecimal(concentration, scale.unitsPer === 10 ? 1 : 0)));
}

/**
 * Real-time report (实时报) of one station and hour. 2012: as the publisher practised it (see PUBLISHED_HOURLY_2012).
 * @param concentrations 1 h means: µg/m³, CO mg/m³
 * @param notMonitored pollutants that the plan leaves out and that were never primary in three years (2026, 5.3.2)
 */
export function hourlyReport(
  standard: CnAqiStandard,
  concentrations: Concentrations,
  notMonitored: readonly CnPollutant[] = [],
): AqiReport {
  const scales = standard === 'HJ 633-2012' ? PUBLISHED_HOURLY_2012 : SCALES[standard].hourly;
  return report(standard, scales, concentrations, notMonitored);
}

/**
 * Daily report (日报) of one station and calendar day.
 * @param concentrations 24 h means, O3 the largest 8 h mean: µg/m³, CO mg/m³
 * @param notMonitored as in hourlyReport
 */
export function dailyReport(standard: CnAqiStandard, concentrations: Concentrations, notMonitored: readonly CnPollutant[] = []): AqiReport {
  return report(standard, SCALES[standard].daily, concentrations, notMonitored);
}

function report(standard: CnAqiStandard, scales: Scales, given: Concentrations, notMonitored: readonly CnPollutant[]): AqiReport {
  const indices: { [pollutant in CnPollutant]?: number } = {};
  let missing = '';
  let max = -1;
  for (const pollutant of CN_POLLUTANTS) {
    const scale = scales[pollutant];
    const concentration = given[pollutant];
    const index = scale === null || concentration === undefined ? null : indexOn(scale, roundToUnits(concentration, scale.unitsPer));
    if (index !== null) {
      indices[pollutant] = index;
      if (index > max) max = index;
    } else if (!notMonitored.includes(pollutant)) {
      missing = missing === '' ? pollutant : `${missing},${pollutant}`;
    }
  }
  // 5.3.1: with a pollutant missing, AQI, level and primary pollutant are published only when that AQI is above 100.
  if (max < 0 || (missing !== '' && max <= 100)) {
    return { standard, aqi: null, level: null, primary: [], iaqi: indices, reason: `missing:${missing}` };
  }
  const primary = max > 50 ? CN_POLLUTANTS.filter((pollutant) => indices[pollutant] === max) : [];
  // Table 2 of 2026 begins at 1; clean air to the last digit would give 0.
  const aqi = standard === 'HJ 633-2026' ? Math.max(1, max) : max;
  return { standard, aqi, level: levelOf(aqi), primary, iaqi: indices };
}

/** Level of an AQI from 0 to 500. */
export function levelOf(aqi: number): CnAqiLevel {
  if (aqi <= 100) return aqi <= 50 ? 1 : 2;
  if (aqi <= 200) return aqi <= 150 ? 3 : 4;
  return aqi <= 300 ? 5 : 6;
}

/** All operands are whole numbers below 2^20, so the one division cannot round a fraction up to a whole number or past it. */
function indexOn(scale: Scale, units: number): number | null {
  if (!(units >= 0) || units === Infinity) return null;
  const { breakpoints } = scale;
  for (let i = 1; i < breakpoints.length; i++) {
    const high = breakpoints[i] as number;
    if (units > high) continue;
    const low = breakpoints[i - 1] as number;
    const from = IAQI_STEPS[i - 1] as number;
    return from + Math.ceil((((IAQI_STEPS[i] as number) - from) * (units - low)) / (high - low));
  }
  return scale.beyond;
}
