/**
 * HJ 663 环境空气质量评价技术规范: when the day's largest 8 h mean of ozone counts (clause 6.1.2, the same in 2013 and 2026), and the
 * percentiles by which a year is judged beside its mean (HJ 663-2013, Annex A; in 2026 by public accounts of it).
 */
import { type Fraction, fraction, fractionOf, multiply, numberOf, subtract } from './fraction.ts';

const EIGHT_HOUR_MEANS_MIN = 14;
/** Limit of GB 3095, grade 2, µg/m³. */
const OZONE_DAY_LIMIT = 160;

/**
 * True when the largest 8 h mean of a day is valid: with at least 14 valid 8 h means; with fewer only when it exceeds the limit, as the means
 * that are missing could not bring it down.
 * @param eightHourMeans valid moving 8 h means of the day (each with 6 hours: GB 3095, Table 4)
 * @param max the largest of them, µg/m³
 * @param limit µg/m³ of the area's grade; grade 2 unless it is named
 */
export function isValidOzoneDay(eightHourMeans: number, max: number, limit: number = OZONE_DAY_LIMIT): boolean {
  return eightHourMeans >= EIGHT_HOUR_MEANS_MIN || (eightHourMeans > 0 && max > limit);
}

/** Which percentile of the year's day values is judged against the limit of the day: day means, of O3 the largest 8 h means. */
export const ANNUAL_PERCENTILES: { readonly [pollutant in 'so2' | 'no2' | 'pm10' | 'pm25' | 'co' | 'o3']: number } = {
  so2: 98,
  no2: 98,
  pm10: 95,
  pm25: 95,
  co: 95,
  o3: 90,
};

/**
 * The percentile of a series (Annex A): in ascending order X₁ … Xₙ, k = 1 + (n − 1)·p %, s its whole part,
 * m = X₍s₎ + (X₍s₊₁₎ − X₍s₎)·(k − s). Exact; rounding by GB/T 8170 to the places of the limit is for whoever judges it.
 * @param values valid values in one unit, in any order; each stands for its shortest decimal text
 * @param percent 0 to 100, whole
 * @returns in the same unit, the double nearest to the exact result; null of no values
 * @throws RangeError for a percent or a value that is none
 */
export function percentile(values: readonly number[], percent: number): number | null {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) throw new RangeError(`not a whole percent: ${percent}`);
  if (!values.every(Number.isFinite)) throw new RangeError('a value that is not finite');
  if (values.length === 0) return null;
  const ascending = values.toSorted((a, b) => a - b);
  const hundredths = (values.length - 1) * percent;
  const [low, high] = [Math.floor(hundredths / 100), Math.ceil(hundredths / 100)].map((at) => fractionOf(`${ascending[at]}`));
  return numberOf(between(low as Fraction, high as Fraction, fraction(BigInt(hundredths % 100), 100n)));
}

function between(low: Fraction, high: Fraction, share: Fraction): Fraction {
  const step = multiply(subtract(high, low), share);
  return fraction(low.n * step.d + step.n * low.d, low.d * step.d);
}
