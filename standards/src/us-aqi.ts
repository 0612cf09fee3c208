/**
 * US EPA Air Quality Index: "Technical Assistance Document for the Reporting of Daily Air Quality", EPA-454/B-24-002 (May 2024),
 * Table 6 and Equation 1.
 *
 * O3 and CO in ppm, SO2 and NO2 in ppb, particles in µg/m³. A concentration is cut off (O3: 3 decimals, PM2.5 and CO: 1, the others:
 * none), the index rounded to the nearest whole number; the document prints 125.5 → 126 and names no rule for ties, so 0.5 goes up.
 * Its own example 0.162 ppm (O3, 1 h) → 148 does not follow from its equation, which gives 147.49 → 147.
 */
import { indexOn, type SegmentScale, segmentScale } from './linear-index.ts';
import { truncateToUnits } from './rounding.ts';

/** The columns of Table 6: pollutant and averaging time. */
export type UsAqiColumn = 'o3_8h' | 'o3_1h' | 'pm25_24h' | 'pm10_24h' | 'co_8h' | 'so2_1h' | 'so2_24h' | 'no2_1h';
export type UsPollutant = 'o3' | 'pm25' | 'pm10' | 'co' | 'so2' | 'no2';

export interface UsAqiCategory {
  /** Largest AQI of the category; the last one has no end. */
  readonly upTo: number;
  readonly en: string;
  /** The document has no Chinese; these names are the customary ones. */
  readonly zh: string;
  /** Table 2 of the document, 0 to 255. */
  readonly rgb: readonly [number, number, number];
}

export interface UsAqiReport {
  /** null: no pollutant has an index. */
  readonly aqi: number | null;
  readonly category: UsAqiCategory | null;
  /** The responsible pollutants (main pollutant): all whose index is the AQI. */
  readonly main: readonly UsPollutant[];
  readonly index: { readonly [pollutant in UsPollutant]?: number };
}

export type UsConcentrations = { readonly [column in UsAqiColumn]?: number | undefined };

/** In order. */
export const US_AQI_CATEGORIES: readonly UsAqiCategory[] = [
  { upTo: 50, en: 'Good', zh: '良好', rgb: [0, 228, 0] },
  { upTo: 100, en: 'Moderate', zh: '中等', rgb: [255, 255, 0] },
  { upTo: 150, en: 'Unhealthy for Sensitive Groups', zh: '对敏感人群不健康', rgb: [255, 126, 0] },
  { upTo: 200, en: 'Unhealthy', zh: '不健康', rgb: [255, 0, 0] },
  { upTo: 300, en: 'Very Unhealthy', zh: '非常不健康', rgb: [143, 63, 151] },
  { upTo: Infinity, en: 'Hazardous', zh: '危险', rgb: [126, 0, 35] },
];

const US_POLLUTANTS: readonly UsPollutant[] = ['o3', 'pm25', 'pm10', 'co', 'so2', 'no2'];

/** 500 is the last value of Table 6; above it its last line goes on ("Beyond the AQI"). */
const LAST_INDEX = 500;

const SCALES: { readonly [column in UsAqiColumn]: SegmentScale } = {
  // Footnote 3: 8 h values do not define an AQI above 300, that is for the 1 h values.
  o3_8h: segmentScale(1000, [
    [0, 0.054, 0, 50],
    [0.055, 0.07, 51, 100],
    [0.071, 0.085, 101, 150],
    [0.086, 0.105, 151, 200],
    [0.106, 0.2, 201, 300],
  ]),
  o3_1h: segmentScale(1000, [
    [0.125, 0.164, 101, 150],
    [0.165, 0.204, 151, 200],
    [0.205, 0.404, 201, 300],
    [0.405, 0.604, 301, 500],
  ]),
  pm25_24h: segmentScale(10, [
    [0, 9, 0, 50],
    [9.1, 35.4, 51, 100],
    [35.5, 55.4, 101, 150],
    [55.5, 125.4, 151, 200],
    [125.5, 225.4, 201, 300],
    [225.5, 325.4, 301, 500],
  ]),
  pm10_24h: segmentScale(1, [
    [0, 54, 0, 50],
    [55, 154, 51, 100],
    [155, 254, 101, 150],
    [255, 354, 151, 200],
    [355, 424, 201, 300],
    [425, 604, 301, 500],
  ]),
  co_8h: segmentScale(10, [
    [0, 4.4, 0, 50],
    [4.5, 9.4, 51, 100],
    [9.5, 12.4, 101, 150],
    [12.5, 15.4, 151, 200],
    [15.5, 30.4, 201, 300],
    [30.5, 50.4, 301, 500],
  ]),
  // Footnote 4: 1 h values do not define an AQI of more than 200, that is for the 24 h values.
  so2_1h: segmentScale(1, [
    [0, 35, 0, 50],
    [36, 75, 51, 100],
    [76, 185, 101, 150],
    [186, 304, 151, 200],
  ]),
  so2_24h: segmentScale(1, [
    [305, 604, 201, 300],
    [605, 1004, 301, 500],
  ]),
  no2_1h: segmentScale(1, [
    [0, 53, 0, 50],
    [54, 100, 51, 100],
    [101, 360, 101, 150],
    [361, 649, 151, 200],
    [650, 1249, 201, 300],
    [1250, 2049, 301, 500],
  ]),
};

/** SO2, 1 h, ppb: from here on the 24 h mean decides; while that is below 305 too, the AQI is 200. */
const SO2_BY_DAY_FROM = 305;
const SO2_BY_HOUR_MAX = 200;

/**
 * The concentration as the index takes it.
 * @param concentration ppm, ppb or µg/m³ by column; a number stands for its shortest decimal text
 * @returns the same unit, decimals cut off: ('o3_8h', 0.07853333) → 0.078; NaN for NaN
 */
export function usTruncated(column: UsAqiColumn, concentration: number): number {
  const { unitsPer } = SCALES[column];
  return truncateToUnits(concentration, unitsPer) / unitsPer;
}

/**
 * The index of one column of Table 6.
 * @param concentration ppm, ppb or µg/m³ by column; a number stands for its shortest decimal text
 * @returns 0 and more, above 500 on the last line; null where the column is blank (O3 8 h above 0.200, O3 1 h below 0.125, SO2 1 h above
 *   304, SO2 24 h below 305) and for what is no concentration (not finite, or below zero after the cut)
 */
export function usIndex(column: UsAqiColumn, concentration: number): number | null {
  const { unitsPer, segments } = SCALES[column];
  const units = truncateToUnits(concentration, unitsPer);
  if (!Number.isFinite(units) || units < (segments[0]?.low ?? 0)) return null;
  const segment = segments.find(({ high }) => units <= high) ?? segments.at(-1);
  if (segment === undefined || (units > segment.high && segment.to < LAST_INDEX)) return null;
  return indexOn(segment, units);
}

/**
 * The AQI of one site: the largest index of its pollutants.
 *
 * O3 is the larger of its two columns. SO2 (page 16): with a 1 h maximum of 305 ppb or more the 24 h mean decides; where that gives no
 * value, because it is below 305 or not there yet, the index is 200.
 * @param concentrations 1 h values are the maxima of the day; O3 8 h the largest of the 17 means that begin 07:00 to 23:00
 */
export function usAqi(concentrations: UsConcentrations): UsAqiReport {
  const of = (column: UsAqiColumn): number | null => usIndex(column, concentrations[column] ?? Number.NaN);
  const found: { readonly [pollutant in UsPollutant]: number | null } = {
    o3: larger(of('o3_8h'), of('o3_1h')),
    pm25: of('pm25_24h'),
    pm10: of('pm10_24h'),
    co: of('co_8h'),
    so2: sulphurDioxide(concentrations.so2_1h, of('so2_1h'), of('so2_24h')),
    no2: of('no2_1h'),
  };
  const index: { [pollutant in UsPollutant]?: number } = {};
  let aqi: number | null = null;
  for (const pollutant of US_POLLUTANTS) {
    const own = found[pollutant];
    if (own === null) continue;
    index[pollutant] = own;
    aqi = larger(aqi, own);
  }
  return {
    aqi,
    category: aqi === null ? null : usAqiCategory(aqi),
    main: US_POLLUTANTS.filter((p) => aqi !== null && index[p] === aqi),
    index,
  };
}

/** The category of an AQI of 0 or more. */
export function usAqiCategory(aqi: number): UsAqiCategory {
  return US_AQI_CATEGORIES.find(({ upTo }) => aqi <= upTo) as UsAqiCategory;
}

function sulphurDioxide(max1h: number | undefined, byHour: number | null, byDay: number | null): number | null {
  if (byDay !== null || max1h === undefined || !(max1h >= SO2_BY_DAY_FROM)) return larger(byHour, byDay);
  return SO2_BY_HOUR_MAX;
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
