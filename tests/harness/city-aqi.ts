/**
 * The AQI of a city over any 24 hours, from hourly means of its stations, as the daily report of HJ 633-2012 wants it: of each
 * station the mean of 24 hours of which 20 are there (GB 3095-2012, table 4), of ozone the largest 8 h mean (6 of 8 hours, 14 of
 * them); the city is the mean of its stations (HJ 663-2013, 5.1.2).
 */
import { dailyReport } from '@airtight/standards/hj633.ts';
import { isValidOzoneDay } from '@airtight/standards/hj663.ts';

export type Pollutant = 'pm25' | 'pm10' | 'so2' | 'no2' | 'co' | 'o3';
export const POLLUTANTS: readonly Pollutant[] = ['pm25', 'pm10', 'so2', 'no2', 'co', 'o3'];

/** Hour by hour from the same hour on, NaN where there is none; µg/m³, CO mg/m³. */
export type StationHours = { readonly [pollutant in Pollutant]: Float64Array };

const DAY_HOURS = 24;
const DAY_HOURS_LEAST = 20;
const OZONE_HOURS = 8;
const OZONE_HOURS_LEAST = 6;

/** Running AQI of the 24 hours up to and with each hour; null where it is not known or is led by ozone. */
export function cityAqi(stations: readonly StationHours[], hours: number): (number | null)[] {
  const running = stations.map((station) =>
    POLLUTANTS.map((pollutant) =>
      pollutant === 'o3' ? largestOzone(station.o3) : runningMean(station[pollutant], DAY_HOURS, DAY_HOURS_LEAST),
    ),
  );
  return Array.from({ length: hours }, (_, hour) => {
    const means = POLLUTANTS.map(
      (pollutant, index) => [pollutant, mean(running.map((station) => station[index]?.[hour] ?? Number.NaN))] as const,
    );
    return aqiOf(Object.fromEntries(means.filter(([, value]) => !Number.isNaN(value))));
  });
}

/** AQI of a city's 24 h means; null where it is not known or is led by ozone. */
export function aqiOf(means: { readonly [pollutant in Pollutant]?: number }): number | null {
  const { aqi, primary } = dailyReport('HJ 633-2012', means);
  return primary.length > 0 && primary.every((pollutant) => pollutant === 'o3') ? null : aqi;
}

export function mean(values: readonly number[]): number {
  const there = values.filter((value) => !Number.isNaN(value));
  return there.length === 0 ? Number.NaN : there.reduce((sum, value) => sum + value, 0) / there.length;
}

function runningMean(values: Float64Array, hours: number, least: number): Float64Array {
  return Float64Array.from(values, (_, hour) => {
    const there = values.subarray(Math.max(0, hour - hours + 1), hour + 1).filter((value) => !Number.isNaN(value));
    return there.length < least ? Number.NaN : there.reduce((sum, value) => sum + value, 0) / there.length;
  });
}

function largestOzone(values: Float64Array): Float64Array {
  const eightHours = runningMean(values, OZONE_HOURS, OZONE_HOURS_LEAST);
  return Float64Array.from(values, (_, hour) => {
    const there = eightHours.subarray(Math.max(0, hour - DAY_HOURS + 1), hour + 1).filter((value) => !Number.isNaN(value));
    const largest = there.reduce((a, b) => Math.max(a, b), -1);
    return isValidOzoneDay(there.length, largest) ? largest : Number.NaN;
  });
}
