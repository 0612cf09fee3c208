/**
 * WHO global air quality guidelines 2021: guideline levels (AQG) and interim targets (IT1 to IT4). µg/m³, CO mg/m³. A level is met up to and
 * with its value; nothing is rounded. 24 h levels are the 99th percentile of the year's days: three to four days above are allowed.
 */

export type WhoTarget = 'IT1' | 'IT2' | 'IT3' | 'IT4' | 'AQG';
export type WhoPollutant = 'pm25' | 'pm10' | 'o3' | 'no2' | 'so2' | 'co';
/** `peak-season`: mean of the daily largest 8 h means in the six months in a row with the highest ozone. */
export type WhoPeriod = 'year' | 'peak-season' | '24h' | '8h' | '1h' | '15min' | '10min';

/** From the weakest to the guideline itself. */
export const WHO_TARGETS: readonly WhoTarget[] = ['IT1', 'IT2', 'IT3', 'IT4', 'AQG'];

type Levels = readonly [number | null, number | null, number | null, number | null, number];
const only = (guideline: number): Levels => [null, null, null, null, guideline];

/** In the order of WHO_TARGETS; null: the guidelines set no such target. */
export const WHO_AQG_2021: { readonly [pollutant in WhoPollutant]: { readonly [period in WhoPeriod]?: Levels } } = {
  pm25: { year: [35, 25, 15, 10, 5], '24h': [75, 50, 37.5, 25, 15] },
  pm10: { year: [70, 50, 30, 20, 15], '24h': [150, 100, 75, 50, 45] },
  o3: { 'peak-season': [100, 70, null, null, 60], '8h': [160, 120, null, null, 100] },
  // The periods without targets: guidelines of 2000 and 2005 that remain valid.
  no2: { year: [40, 30, 20, null, 10], '24h': [120, 50, null, null, 25], '1h': only(200) },
  so2: { '24h': [125, 50, null, null, 40], '10min': only(500) },
  co: { '24h': [7, null, null, null, 4], '8h': only(10), '1h': only(35), '15min': only(100) },
};

/**
 * The strictest target that a concentration meets.
 * @param concentration µg/m³, CO mg/m³, over `period`
 * @returns 'none': above them all; null: the guidelines have no level for this pollutant and period, or it is no concentration
 */
export function whoTargetMet(pollutant: WhoPollutant, period: WhoPeriod, concentration: number): WhoTarget | 'none' | null {
  const levels = WHO_AQG_2021[pollutant][period];
  if (levels === undefined || !Number.isFinite(concentration) || concentration < 0) return null;
  for (let i = levels.length - 1; i >= 0; i--) {
    const level = levels[i];
    if (typeof level === 'number' && concentration <= level) return WHO_TARGETS[i] as WhoTarget;
  }
  return 'none';
}
