/** Fractions of whole numbers, exact: what unit conversion, NowCast and quality tests reckon with. */

/** `d` is positive; not necessarily in lowest terms. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

/** Significant figures brought to a double: it tells 17 apart, the rest is there to round rightly. */
const FIGURES = 40;

export function fraction(n: bigint, d = 1n): Fraction {
  return d < 0n ? { n: -n, d: -d } : { n, d };
}

/** @param text a finite decimal, as `${number}` writes it: `-0.3`, `1e-7` */
export function fractionOf(text: string): Fraction {
  const [figures = '', exponent = '0'] = text.split('e');
  const [whole = '', part = ''] = figures.split('.');
  return multiply({ n: BigInt(whole + part), d: 1n }, power({ n: 10n, d: 1n }, Number(exponent) - part.length));
}

export function multiply(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.n, a.d * b.d);
}

export function subtract(a: Fraction, b: Fraction): Fraction {
  return fraction(a.n * b.d - b.n * a.d, a.d * b.d);
}

/** Below 0: a is the smaller one; 0: they are equal. */
export function compare(a: Fraction, b: Fraction): number {
  const [left, right] = [a.n * b.d, b.n * a.d];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** @param exponent whole; below 0 the base must not be 0 */
export function power(base: Fraction, exponent: number): Fraction {
  const by = BigInt(Math.abs(exponent));
  return exponent < 0 ? fraction(base.d ** by, base.n ** by) : fraction(base.n ** by, base.d ** by);
}

/** The nearest double. */
export function numberOf({ n, d }: Fraction): number {
  if (n === 0n) return 0;
  const size = n < 0n ? -n : n;
  // So many figures before the point that what is cut off cannot change the double; that it is not nothing is kept as a last 1.
  const shift = Math.max(0, FIGURES + `${d}`.length - `${size}`.length);
  const scaled = size * 10n ** BigInt(shift);
  const sticky = scaled % d === 0n ? '' : '1';
  return Number(`${n < 0n ? '-' : ''}${scaled / d}${sticky}e${-shift - sticky.length}`);
}
