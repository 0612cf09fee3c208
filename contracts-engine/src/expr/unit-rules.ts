/**
 * Units in expressions (docs/reference/contract-expressions.md, "Units"). A unit is a UCUM code; null is a bare number,
 * which was written out and takes the unit of what it meets.
 */
import { type Conversion, conversionOf, isUnit, type UnitFault } from '@airtight/standards/units.ts';

export type Unit = string | null;
/** Without dimension: what a ratio has. */
export const ONE = '1';

/** `unit(x, "code")` gives a number any unit, or brings it to it. */
export const UNIT_FUNCTION = 'unit';
/** The same by a name of its own. */
export const UNIT_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['ug_m3', 'ug/m3'],
  ['mg_m3', 'mg/m3'],
  ['ppm', '[ppm]'],
  ['ppb', '[ppb]'],
  ['degC', 'Cel'],
  ['degF', '[degF]'],
  ['kelvin', 'K'],
  ['percent', '%'],
  ['hPa', 'hPa'],
  ['m_s', 'm/s'],
]);

export function isSameUnit(a: string, b: string): boolean {
  if (a === b) return true;
  const conversion = conversionOf(a, b);
  return typeof conversion !== 'string' && conversion.identical;
}

/** The unit of two things that are added or compared; undefined when they do not match. */
export function commonUnit(a: Unit, b: Unit): Unit | undefined {
  if (a === null || b === null) return a ?? b;
  return isSameUnit(a, b) ? a : undefined;
}

/** The unit of a product; undefined when there is none (a scale with a zero of its own, or too long a code). */
export function productUnit(a: Unit, b: Unit): Unit | undefined {
  if (a === null || b === null) return a ?? b;
  if (a === ONE || b === ONE) return a === ONE ? b : a;
  return unitOrNone(`${inTerm(a)}.${inTerm(b)}`);
}

/** The unit of a quotient; of two of the same unit it is ONE. */
export function quotientUnit(a: Unit, b: Unit): Unit | undefined {
  if (b === null) return a;
  if (a !== null && isSameUnit(a, b)) return ONE;
  if (b === ONE) return a ?? ONE;
  return unitOrNone(`${a === null || a === ONE ? '1' : inTerm(a)}/${inTerm(b)}`);
}

/** How a number is brought to a unit; a bare one just takes it. */
export function unitConversion(from: Unit, to: string): Conversion | UnitFault | null {
  if (from === null) return isUnit(to) ? null : 'unknown';
  return conversionOf(from, to);
}

/** True of a conversion that shifts the zero: between °C, °F and K. */
export function shiftsZero({ before, after }: Conversion): boolean {
  return before.n * after.d !== after.n * before.d || before.n !== 0n || after.n !== 0n;
}

export function unitName(unit: Unit): string {
  return unit === null ? 'bare number' : unit;
}

function inTerm(unit: string): string {
  return /^[A-Za-z%[\]]+$/.test(unit) ? unit : `(${unit})`;
}

function unitOrNone(code: string): string | undefined {
  return isUnit(code) ? code : undefined;
}
