/**
 * European Air Quality Index, revision of 2025: bands of ETC HE Report 2024/17, Table 5.2. All five pollutants as 1 h means in µg/m³; an
 * upper bound belongs to its band, nothing is rounded. The index is that of the worst pollutant.
 */

export type EaqiPollutant = 'pm25' | 'pm10' | 'o3' | 'no2' | 'so2';
/** Good 1, Fair 2, Moderate 3, Poor 4, Very poor 5, Extremely poor 6. */
export type EaqiIndex = 1 | 2 | 3 | 4 | 5 | 6;

export interface EaqiBand {
  readonly index: EaqiIndex;
  readonly en: string;
  /** The index has no Chinese; these are our words. */
  readonly zh: string;
  readonly colour: string;
}

export interface EaqiReport {
  /** null: no pollutant has an index. */
  readonly index: EaqiIndex | null;
  /** All pollutants in the worst band. */
  readonly worst: readonly EaqiPollutant[];
}

/** In order. */
export const EAQI_BANDS: readonly EaqiBand[] = [
  { index: 1, en: 'Good', zh: '好', colour: '#50F0E6' },
  { index: 2, en: 'Fair', zh: '尚可', colour: '#50CCAA' },
  { index: 3, en: 'Moderate', zh: '中等', colour: '#F0E641' },
  { index: 4, en: 'Poor', zh: '差', colour: '#FF5050' },
  { index: 5, en: 'Very poor', zh: '很差', colour: '#960032' },
  { index: 6, en: 'Extremely poor', zh: '极差', colour: '#7D2181' },
];

const EAQI_POLLUTANTS: readonly EaqiPollutant[] = ['pm25', 'pm10', 'o3', 'no2', 'so2'];

/** Upper bounds of the bands 1 to 5; band 6 has none. */
const UPPER_BOUNDS: { readonly [pollutant in EaqiPollutant]: readonly number[] } = {
  pm25: [5, 15, 50, 90, 140],
  pm10: [15, 45, 120, 195, 270],
  o3: [60, 100, 120, 160, 180],
  no2: [10, 25, 60, 100, 150],
  so2: [20, 40, 125, 190, 275],
};

/**
 * @param concentration 1 h mean, µg/m³
 * @returns null for what is no concentration (not finite, below zero)
 */
export function eaqiOf(pollutant: EaqiPollutant, concentration: number): EaqiIndex | null {
  if (!Number.isFinite(concentration) || concentration < 0) return null;
  const band = UPPER_BOUNDS[pollutant].findIndex((bound) => concentration <= bound);
  return (band === -1 ? EAQI_BANDS.length : band + 1) as EaqiIndex;
}

/** The index of one station and hour: that of its worst pollutant. @param concentrations 1 h means, µg/m³ */
export function eaqi(concentrations: { readonly [pollutant in EaqiPollutant]?: number | undefined }): EaqiReport {
  let index: EaqiIndex | null = null;
  let worst: EaqiPollutant[] = [];
  for (const pollutant of EAQI_POLLUTANTS) {
    const own = eaqiOf(pollutant, concentrations[pollutant] ?? Number.NaN);
    if (own === null || own < (index ?? 0)) continue;
    worst = own === index ? [...worst, pollutant] : [pollutant];
    index = own;
  }
  return { index, worst };
}
