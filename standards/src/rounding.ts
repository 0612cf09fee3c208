/**
 * Cutting off and rounding a double as its shortest decimal text would be, without the text. (GB/T 8170 rounds otherwise and has
 * its own file.)
 */

/**
 * Decimals cut off, towards zero: x in whole units of 1/scale.
 *
 * Exact because units/scale, one correctly rounded division, is the very double whose decimal text has these digits, and
 * the order of doubles is the order of their texts. Holds while x·scale stays below 2^50.
 * @param scale 1, 10, 100 …: ten to the number of decimals kept
 * @returns e.g. (9.09, 10) → 90; (0.07853333, 1000) → 78; NaN for NaN
 */
export function truncateToUnits(x: number, scale: number): number {
  const size = Math.abs(x);
  let units = Math.floor(size * scale);
  if ((units + 1) / scale <= size) units++;
  else if (units / scale > size) units--;
  return x < 0 && units > 0 ? -units : units;
}

/** The nearest whole number, a tie upwards. Exact: the subtraction loses nothing, as x + 0.5 would. */
export function roundHalfUp(x: number): number {
  const below = Math.floor(x);
  return x - below >= 0.5 ? below + 1 : below;
}
