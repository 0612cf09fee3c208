/**
 * US EPA NowCast for PM2.5 and PM10 (EPA-454/B-24-002, May 2024, pages 16 and 17): a weighted mean of the newest 12 hours that stands in
 * for the 24 h mean while the day still runs. The NowCast for ozone (a regression over two weeks) is another method and not here.
 */
import { add, compare, type Fraction, floor, fraction, fractionOf, multiply, numberOf } from './fraction.ts';

export interface NowCast {
  /** µg/m³, decimals cut off (PM2.5: one kept, PM10: none): what the index takes. */
  readonly value: number;
  /** µg/m³, the double nearest to the exact result. */
  readonly raw: number;
}

const WINDOW_HOURS = 12;
/** "If w is less than 1/2, then use 1/2." */
const WEIGHT_MIN = fraction(1n, 2n);
const ONE = fraction(1n);
/** "At least two of the most recent three hours must be valid": the only rule of completeness, the newest hour may be missing. */
const NEWEST_HOURS = 3;
const NEWEST_HOURS_MIN = 2;
/** Units kept per µg/m³. */
const UNITS_PER = { pm25: 10n, pm10: 1n } as const;

/**
 * Σ wⁱ·cᵢ / Σ wⁱ over the hours that are there, i hours ago, w = min/max of them, at least ½. Hours are taken as they are, only the
 * result is cut off. A largest value of 0 or less, for which the document gives no w, takes w = 1.
 * @param newestFirst 1 h means in µg/m³, the newest first; null, undefined or not finite: missing; beyond the twelfth: not looked at
 * @returns null with fewer than two of the newest three hours
 */
export function nowCast(pollutant: 'pm25' | 'pm10', newestFirst: readonly (number | null | undefined)[]): NowCast | null {
  const hours = newestFirst.slice(0, WINDOW_HOURS).map((c) => (Number.isFinite(c) ? fractionOf(`${c}`) : null));
  if (hours.slice(0, NEWEST_HOURS).filter((c) => c !== null).length < NEWEST_HOURS_MIN) return null;
  const weight = weightOf(hours.filter((c) => c !== null));
  let sum = fraction(0n);
  let weights = fraction(0n);
  let power = ONE;
  for (const c of hours) {
    if (c !== null) {
      sum = add(sum, multiply(power, c));
      weights = add(weights, power);
    }
    power = multiply(power, weight);
  }
  const exact = multiply(sum, fraction(weights.d, weights.n));
  return { value: cutOff(exact, UNITS_PER[pollutant]), raw: numberOf(exact) };
}

function weightOf(present: readonly Fraction[]): Fraction {
  const largest = present.reduce((a, b) => (compare(a, b) < 0 ? b : a));
  const smallest = present.reduce((a, b) => (compare(a, b) > 0 ? b : a));
  if (largest.n <= 0n) return ONE;
  const weight = multiply(smallest, fraction(largest.d, largest.n));
  return compare(weight, WEIGHT_MIN) < 0 ? WEIGHT_MIN : weight;
}

function cutOff(exact: Fraction, unitsPer: bigint): number {
  const size = floor(fraction((exact.n < 0n ? -exact.n : exact.n) * unitsPer, exact.d));
  return numberOf(fraction(exact.n < 0n ? -size : size, unitsPer));
}
