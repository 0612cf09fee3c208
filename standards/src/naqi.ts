/**
 * India, National Air Quality Index: CPCB report of 2014, Table 3.11. Concentrations in µg/m³, CO in mg/m³: 24 h means, CO and O3 8 h. The
 * table leaves gaps between its bands (50, 51), so a concentration is rounded to the table's last place (CO: one decimal) first and
 * the sub-index to the nearest whole number; the report names no rule for ties, 0.5 goes up. Lead is not taken.
 */
import { indexOn, type SegmentScale, segmentScale } from './linear-index.ts';
import { roundHalfUp, truncateToUnits } from './rounding.ts';

export type NaqiPollutant = 'pm10' | 'pm25' | 'no2' | 'o3' | 'co' | 'so2' | 'nh3';

export interface NaqiClass {
  /** Largest index of the class. */
  readonly upTo: number;
  readonly en: string;
  /** The report has no Chinese; these are our words. */
  readonly zh: string;
}

export interface NaqiMean {
  readonly concentration: number;
  /** Hours of valid data in the 24 h the index stands for. */
  readonly hours: number;
}

export interface NaqiReport {
  /** null: not enough data, `reason` says what for. */
  readonly aqi: number | null;
  /** The class Severe has no upper breakpoints: the AQI is then its lowest, 401, "or more". */
  readonly orMore: boolean;
  readonly class: NaqiClass | null;
  /** All pollutants whose sub-index is the AQI. */
  readonly prominent: readonly NaqiPollutant[];
  readonly subIndex: { readonly [pollutant in NaqiPollutant]?: number };
  readonly reason?: 'fewer-than-three' | 'no-particles';
}

/** In order. */
export const NAQI_CLASSES: readonly NaqiClass[] = [
  { upTo: 50, en: 'Good', zh: '好' },
  { upTo: 100, en: 'Satisfactory', zh: '满意' },
  { upTo: 200, en: 'Moderately polluted', zh: '中度污染' },
  { upTo: 300, en: 'Poor', zh: '差' },
  { upTo: 400, en: 'Very poor', zh: '很差' },
  { upTo: 500, en: 'Severe', zh: '严重' },
];

/** Lowest index of Severe; above the last breakpoint nothing finer is published. */
export const NAQI_SEVERE = 401;
const HOURS_MIN = 16;
const POLLUTANTS_MIN = 3;
const NAQI_POLLUTANTS: readonly NaqiPollutant[] = ['pm10', 'pm25', 'no2', 'o3', 'co', 'so2', 'nh3'];

type Bounds = readonly [number, number, number, number, number];

/** @param highs last concentration of the first five classes; the next class begins one last place above */
function scale(unitsPer: number, highs: Bounds): SegmentScale {
  return segmentScale(
    unitsPer,
    highs.map((high, i) => {
      const [low, from] = i === 0 ? [0, 0] : [(highs[i - 1] as number) + 1 / unitsPer, (NAQI_CLASSES[i - 1] as NaqiClass).upTo + 1];
      return [low, high, from, (NAQI_CLASSES[i] as NaqiClass).upTo];
    }),
  );
}

const SCALES: { readonly [pollutant in NaqiPollutant]: SegmentScale } = {
  pm10: scale(1, [50, 100, 250, 350, 430]),
  pm25: scale(1, [30, 60, 90, 120, 250]),
  no2: scale(1, [40, 80, 180, 280, 400]),
  o3: scale(1, [50, 100, 168, 208, 748]),
  co: scale(10, [1, 2, 10, 17, 34]),
  so2: scale(1, [40, 80, 380, 800, 1600]),
  nh3: scale(1, [200, 400, 800, 1200, 1800]),
};

/**
 * @param concentration µg/m³, CO mg/m³: 24 h mean, CO and O3 8 h
 * @returns 0 to 400, NAQI_SEVERE for everything above the last breakpoint; null for what is no concentration (not finite, below zero)
 */
export function naqiSubIndex(pollutant: NaqiPollutant, concentration: number): number | null {
  if (!Number.isFinite(concentration) || concentration < 0) return null;
  const { unitsPer, segments } = SCALES[pollutant];
  const units = toUnits(concentration, unitsPer);
  const segment = segments.find(({ high }) => units <= high);
  return segment === undefined ? NAQI_SEVERE : indexOn(segment, units);
}

/**
 * The AQI of one station: the largest sub-index, published with at least three pollutants, one of them PM2.5 or PM10, each with data of
 * at least 16 hours.
 */
export function naqi(means: { readonly [pollutant in NaqiPollutant]?: NaqiMean | undefined }): NaqiReport {
  const subIndex: { [pollutant in NaqiPollutant]?: number } = {};
  for (const pollutant of NAQI_POLLUTANTS) {
    const mean = means[pollutant];
    const own = mean === undefined || mean.hours < HOURS_MIN ? null : naqiSubIndex(pollutant, mean.concentration);
    if (own !== null) subIndex[pollutant] = own;
  }
  const indices = Object.values(subIndex);
  const none = { aqi: null, orMore: false, class: null, prominent: [], subIndex };
  if (indices.length < POLLUTANTS_MIN) return { ...none, reason: 'fewer-than-three' };
  if (subIndex.pm25 === undefined && subIndex.pm10 === undefined) return { ...none, reason: 'no-particles' };
  const aqi = Math.max(...indices);
  return {
    aqi,
    orMore: aqi === NAQI_SEVERE,
    class: NAQI_CLASSES.find(({ upTo }) => aqi <= upTo) as NaqiClass,
    prominent: NAQI_POLLUTANTS.filter((pollutant) => subIndex[pollutant] === aqi),
    subIndex,
  };
}

/** To the nearest unit, a half up: by the next place, which decides it, as x·10 itself would be rounded. */
function toUnits(concentration: number, unitsPer: number): number {
  return unitsPer === 1 ? roundHalfUp(concentration) : Math.floor((truncateToUnits(concentration, unitsPer * 10) + 5) / 10);
}
