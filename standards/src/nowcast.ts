/**
 * US EPA NowCast for PM2.5 and PM10 (EPA-454/B-24-002, May 2024, pages 16 and 17): a weighted mean of the newest 12 hours that stands in
 * for the 24 h mean while the day still runs. The NowCast for ozone (since 2019-08 a partial least squares regression over 336 h) is not
 * here: the document gives neither its coefficients nor an example to test it by.
 */
import { type Fraction, fraction, fractionOf, numberOf } from './fraction.ts';

export interface NowCast {
  /** µg/m³, decimals cut off (PM2.5: one kept, PM10: none): what the index takes. */
  readonly value: number;
  /** µg/m³, the double nearest to the exact result. */
  readonly raw: number;
}

const WINDOW_HOURS = 12;
/** "If w is less than 1/2, then use 1/2." */
const HALF = fraction(1n, 2n);
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
  const exact = weightedMean(hours);
  const unitsPer = UNITS_PER[pollutant];
  return { value: numberOf(fraction((exact.n * unitsPer) / exact.d, unitsPer)), raw: numberOf(exact) };
}

/**
 * In whole numbers: concentrations in units of the finest of them (their denominators are powers of ten), w = p/q, both sums times
 * q to the power of the oldest hour. From the oldest hour to the newest, as Horner does.
 */
function weightedMean(hours: readonly (Fraction | null)[]): Fraction {
  const finest = hours.reduce((d, c) => (c !== null && c.d > d ? c.d : d), 1n);
  const units = hours.map((c) => (c === null ? null : c.n * (finest / c.d)));
  const weight = weightOf(units.filter((c) => c !== null));
  let [sum, weights, scale] = [0n, 0n, 1n];
  for (const c of units.reverse()) {
    sum = sum * weight.n + (c ?? 0n) * scale;
    weights = weights * weight.n + (c === null ? 0n : scale);
    scale *= weight.d;
  }
  return fraction(sum, weights * finest);
}

function weightOf(present: readonly bigint[]): Fraction {
  const ascending = present.toSorted((a, b) => (a < b ? -1 : 1));
  const [smallest, largest] = [ascending.at(0) as bigint, ascending.at(-1) as bigint];
  if (largest <= 0n) return ONE;
  return smallest * 2n < largest ? HALF : fraction(smallest, largest);
}
