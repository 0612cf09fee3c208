/**
 * GB/T 8170-2008 数值修约规则, clause 3: rounding half to even ("四舍六入五成双"), once, from the number as it is written in
 * decimal. A double stands for its shortest decimal text, so 2.35 is a tie although the nearest double is not.
 */

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** A decimal number: units × 10^-digits. */
interface Decimal {
  readonly units: bigint;
  readonly digits: number;
}

/**
 * Rounds a decimal text.
 * @param text e.g. "12.1498"; exponents are allowed
 * @param digits decimals to keep; negative: the last kept place is 10^-digits
 * @returns the rounded number in units of 10^-digits, e.g. ("12.1498", 1) → 121n, ("1268", -2) → 13n
 * @throws RangeError when the text is not a decimal number
 */
export function roundDecimal(text: string, digits: number): bigint {
  const { units, digits: given } = parseDecimal(text);
  if (given <= digits) return units * 10n ** BigInt(digits - given);
  const step = 10n ** BigInt(given - digits);
  const magnitude = units < 0n ? -units : units;
  const below = magnitude / step;
  const twiceRest = (magnitude % step) * 2n;
  const up = twiceRest > step || (twiceRest === step && below % 2n === 1n);
  const rounded = up ? below + 1n : below;
  return units < 0n ? -rounded : rounded;
}

/**
 * The rounded number as the standard writes it: all kept decimals shown, a power of ten where whole places are dropped.
 * ("1.050", 1) → "1.0"; ("1268", -2) → "13e2" (the standard's 13×10²).
 * @throws RangeError when the text is not a decimal number
 */
export function formatRounded(text: string, digits: number): string {
  const units = roundDecimal(text, digits);
  if (digits <= 0) return digits === 0 ? `${units}` : `${units}e${-digits}`;
  const figures = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  return `${units < 0n ? '-' : ''}${figures.slice(0, -digits)}.${figures.slice(-digits)}`;
}

/**
 * The same rule for a double, without text: x in whole units of 1/scale.
 *
 * Exact because a tie (2k+1)/(2·scale), computed by one correctly rounded division, is the very double whose decimal
 * text is the tie, and the order of doubles is the order of their texts. Holds while x·scale stays below 2^50.
 * @param scale 1, 10, 100 …: ten to the number of decimals kept
 * @returns e.g. (60.5, 1) → 60, (2.35, 10) → 24; NaN for NaN
 */
export function roundToUnits(x: number, scale: number): number {
  const below = Math.floor(x * scale);
  const tie = (2 * below + 1) / (2 * scale);
  if (x < tie) return below;
  if (x > tie) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function parseDecimal(text: string): Decimal {
  const match = DECIMAL.exec(text);
  if (match === null) throw new RangeError(`not a decimal number: ${text.slice(0, 40)}`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const magnitude = BigInt(whole + fraction);
  const digits = fraction.length - Number(exponent);
  const units = sign === '-' ? -magnitude : magnitude;
  return digits >= 0 ? { units, digits } : { units: units * 10n ** BigInt(-digits), digits: 0 };
}
