/**
 * UK Daily Air Quality Index, 1 to 10: the tables of GOV.UK (2026-04-13) and the DEFRA implementation note of 2013. Concentrations in µg/m³
 * are rounded once, after averaging, to the nearest whole number (0.5 up); an upper bound belongs to its index. The index of a site is the
 * highest of its pollutants.
 */
import { roundHalfUp } from './rounding.ts';

export type DaqiPollutant = 'pm25' | 'pm10' | 'no2' | 'o3' | 'so2';
export type DaqiBand = 'Low' | 'Moderate' | 'High' | 'Very High';

export interface DaqiReport {
  /** 1 to 10; null: no pollutant has an index. */
  readonly index: number | null;
  readonly band: DaqiBand | null;
  /** All pollutants that reach the index. */
  readonly highest: readonly DaqiPollutant[];
}

/** What the concentration of each pollutant is the mean of, minutes; `running`: up to each hour. */
export const DAQI_WINDOWS: { readonly [pollutant in DaqiPollutant]: { readonly minutes: number; readonly running: boolean } } = {
  pm25: { minutes: 1440, running: true },
  pm10: { minutes: 1440, running: true },
  no2: { minutes: 60, running: false },
  o3: { minutes: 480, running: true },
  so2: { minutes: 15, running: false },
};

/** Upper bounds of the indices 1 to 9; 10 has none. */
const UPPER_BOUNDS: { readonly [pollutant in DaqiPollutant]: readonly number[] } = {
  pm25: [11, 23, 35, 41, 47, 53, 58, 64, 70],
  pm10: [16, 33, 50, 58, 66, 75, 83, 91, 100],
  no2: [67, 134, 200, 267, 334, 400, 467, 534, 600],
  o3: [33, 66, 100, 120, 140, 160, 187, 213, 240],
  so2: [88, 177, 266, 354, 443, 532, 710, 887, 1064],
};
const DAQI_POLLUTANTS: readonly DaqiPollutant[] = ['pm25', 'pm10', 'no2', 'o3', 'so2'];
const INDEX_MAX = 10;

/** True when a mean has the data capture it needs, 75 %. */
export function isDaqiMean(have: number, expected: number): boolean {
  return expected > 0 && have * 4 >= expected * 3;
}

/**
 * @param concentration mean over the window of the pollutant (DAQI_WINDOWS), µg/m³
 * @returns 1 to 10; null for what is no concentration (not finite, or below zero after rounding)
 */
export function daqiOf(pollutant: DaqiPollutant, concentration: number): number | null {
  const rounded = roundHalfUp(concentration);
  if (!Number.isFinite(rounded) || rounded < 0) return null;
  const below = UPPER_BOUNDS[pollutant].findIndex((bound) => rounded <= bound);
  return below === -1 ? INDEX_MAX : below + 1;
}

/** @param index 1 to 10 */
export function daqiBand(index: number): DaqiBand {
  if (index <= 6) return index <= 3 ? 'Low' : 'Moderate';
  return index <= 9 ? 'High' : 'Very High';
}

/** The index of one site. @param concentrations means over the windows of the pollutants, µg/m³ */
export function daqi(concentrations: { readonly [pollutant in DaqiPollutant]?: number | undefined }): DaqiReport {
  let index: number | null = null;
  let highest: DaqiPollutant[] = [];
  for (const pollutant of DAQI_POLLUTANTS) {
    const own = daqiOf(pollutant, concentrations[pollutant] ?? Number.NaN);
    if (own === null || own < (index ?? 0)) continue;
    highest = own === index ? [...highest, pollutant] : [pollutant];
    index = own;
  }
  return { index, band: index === null ? null : daqiBand(index), highest };
}
