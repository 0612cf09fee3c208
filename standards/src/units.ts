/**
 * Units by UCUM (The Unified Code for Units of Measure, 2.1, c/s symbols): codes and the ways devices write them, and exact
 * conversion. A value is taken as the decimal it was written as, converted by fractions of whole numbers, and rounded once
 * to the nearest double: 0.0354 mg/m3 is 35.4 ug/m3 and not 35.400000000000006.
 */
import { type Fraction, fraction, fractionOf, multiply, numberOf, power } from './fraction.ts';
import { ATOMS, type Dimension, PREFIXES, SPELLINGS } from './ucum-table.ts';

/** A gas's state to which a mass concentration refers: its temperature; the pressures are in REFERENCE_STATES. */
export type ReferenceState = keyof typeof REFERENCE_STATES;

/**
 * - `298.15K`: 298.15 K, 101.325 kPa: GB 3095 since its amendment of 2018; US EPA where a mass is asked
 * - `293.15K`: 293.15 K, 101.3 kPa: Directives 2008/50/EC and (EU) 2024/2881
 * - `273.15K`: 273.15 K, 101.325 kPa: standard state, China before 2018-09
 */
export const REFERENCE_STATES = {
  '298.15K': { kelvin: '298.15', pascal: '101325' },
  '293.15K': { kelvin: '293.15', pascal: '101300' },
  '273.15K': { kelvin: '273.15', pascal: '101325' },
} as const;

/** What turns a volume fraction (ppb) into a mass concentration (ug/m3) and back: ideal gas. */
export interface Gas {
  /** g/mol */
  readonly molarMass?: number | undefined;
  readonly referenceState?: ReferenceState | undefined;
}

/** Why there is no conversion. `state`: it needs the molar mass of the gas and a reference state. */
export type UnitFault = 'unknown' | 'incompatible' | 'state';

/** y = (x + before) × factor − after; identical: the same unit in another spelling. */
export interface Conversion {
  readonly identical: boolean;
  readonly factor: Fraction;
  readonly before: Fraction;
  readonly after: Fraction;
  /** Of a factor that is a power of ten, without offsets, its exponent; else null. */
  readonly tens: number | null;
}

/** R in J/(mol·K), exact since the SI of 2019. */
const GAS_CONSTANT = fractionOf('8.31446261815324');
const ZERO = fraction(0n);
const ONE = fraction(1n);
const TEXT_MAX_LENGTH = 32;
const EXPONENT_MAX = 24;

interface Unit {
  /** In base units, as one canonical text: equal for units that can be converted. */
  readonly dimension: string;
  readonly factor: Fraction;
  /** Added to a value before it is multiplied: the zero of a temperature scale. */
  readonly offset: Fraction;
}

const VOLUME_FRACTION = '';
const MASS_CONCENTRATION = dimensionText({ g: 1, m: -3 });

/** @returns false for a text that is neither a UCUM code nor a known spelling of one */
export function isUnit(text: string): boolean {
  return unitsOf(text).length > 0;
}

/**
 * How values in `from` become values in `to`. A spelling that could be two units (C: Celsius or coulomb) is the one that fits.
 * @returns the conversion, or why there is none
 */
export function conversionOf(from: string, to: string, gas: Gas = {}): Conversion | UnitFault {
  const sources = unitsOf(from);
  const [target] = unitsOf(to);
  if (sources.length === 0 || target === undefined) return 'unknown';
  const source = sources.find(({ dimension }) => dimension === target.dimension);
  if (source !== undefined) return linear(source, target);
  const [first] = sources as [Unit];
  const toMass = first.dimension === VOLUME_FRACTION && target.dimension === MASS_CONCENTRATION;
  const toVolume = first.dimension === MASS_CONCENTRATION && target.dimension === VOLUME_FRACTION;
  if (!toMass && !toVolume) return 'incompatible';
  const density = densityOf(gas);
  if (density === null) return 'state';
  const factor = multiply(multiply(first.factor, power(target.factor, -1)), toMass ? density : power(density, -1));
  return { identical: false, factor, before: ZERO, after: ZERO, tens: tensOf(factor) };
}

/** @param value finite @returns finite, or Infinity where a double does not reach */
export function applyConversion(value: number, { identical, factor, before, after, tens }: Conversion): number {
  if (identical) return value;
  const text = `${value}`;
  // The decimal point moves: reading the text rounds once, as the fractions below do.
  if (tens !== null && !text.includes('e')) return Number(`${text}e${tens}`);
  const x = fractionOf(text);
  const shifted = fraction(x.n * before.d + before.n * x.d, x.d * before.d);
  const scaled = multiply(shifted, factor);
  return numberOf(fraction(scaled.n * after.d - after.n * scaled.d, scaled.d * after.d));
}

/** Converts a value; null when there is no conversion. */
export function convert(value: number, from: string, to: string, gas: Gas = {}): number | null {
  const conversion = conversionOf(from, to, gas);
  return typeof conversion === 'string' ? null : applyConversion(value, conversion);
}

function linear(source: Unit, target: Unit): Conversion {
  const factor = multiply(source.factor, power(target.factor, -1));
  const identical = factor.n === factor.d && source.offset.n * target.offset.d === target.offset.n * source.offset.d;
  const hasOffset = source.offset.n !== 0n || target.offset.n !== 0n;
  return { identical, factor, before: source.offset, after: target.offset, tens: hasOffset ? null : tensOf(factor) };
}

function tensOf({ n, d }: Fraction): number | null {
  const ratio = n < d ? d / n : n / d;
  const isWhole = n < d ? ratio * n === d : ratio * d === n;
  if (!isWhole || !/^10*$/.test(`${ratio}`)) return null;
  const exponent = `${ratio}`.length - 1;
  return n < d ? -exponent : exponent;
}

/** g/m3 of the pure gas: M p / (R T). */
function densityOf({ molarMass, referenceState }: Gas): Fraction | null {
  if (molarMass === undefined || referenceState === undefined) return null;
  const { kelvin, pascal } = REFERENCE_STATES[referenceState];
  const numerator = multiply(fractionOf(`${molarMass}`), fractionOf(pascal));
  return multiply(numerator, power(multiply(GAS_CONSTANT, fractionOf(kelvin)), -1));
}

/** Units a text may name, most likely first; empty when it names none. */
function unitsOf(text: string): readonly Unit[] {
  if (text.length > TEXT_MAX_LENGTH) return [];
  const plain = plainText(text);
  const codes = SPELLINGS.get(plain) ?? [plain];
  return codes.flatMap((code) => {
    const unit = new UnitParser(code).parse();
    return unit === null ? [] : [unit];
  });
}

/** Both micro signs (U+00B5 and Greek mu U+03BC), raised figures and dots as they are typed. */
function plainText(text: string): string {
  return text
    .trim()
    .replace(/[µμ]/g, 'u')
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (figure) => `${'⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(figure)}`)
    .replace(/⁻/g, '-')
    .replace(/％/g, '%')
    .replace(/[·⋅*](?!\d)/g, '.')
    .replace(/([a-zA-Z\]])\^(-?\d)/g, '$1$2');
}

/** UCUM §§5–12: terms of components joined by `.` and `/`, each an integer, a parenthesis or an atom with prefix and exponent. */
class UnitParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Unit | null {
    if (this.#text === '') return null;
    // A scale with a zero of its own stands alone (UCUM §21).
    const special = ATOMS.get(this.#text);
    if (special?.offset !== undefined)
      return { dimension: dimensionText(special.dimension), factor: special.factor, offset: special.offset };
    const term = this.#term();
    return term === null || this.#at < this.#text.length
      ? null
      : { dimension: dimensionText(term.dimension), factor: term.factor, offset: ZERO };
  }

  #term(): { readonly dimension: Dimension; readonly factor: Fraction } | null {
    const dimension: { [base: string]: number } = {};
    let factor = ONE;
    let sign = this.#take('/') ? -1 : 1;
    for (;;) {
      const component = this.#component();
      if (component === null) return null;
      factor = multiply(factor, power(component.factor, sign));
      for (const [base, exponent] of Object.entries(component.dimension)) dimension[base] = (dimension[base] ?? 0) + sign * exponent;
      if (this.#take('/')) sign = -1;
      else if (this.#take('.')) sign = 1;
      else return { dimension, factor };
    }
  }

  #component(): { readonly dimension: Dimension; readonly factor: Fraction } | null {
    if (this.#take('(')) {
      const inner = this.#term();
      return inner !== null && this.#take(')') ? inner : null;
    }
    // An annotation alone is the unit 1 (UCUM §12).
    if (this.#match(/\{[\x21-\x7a|~]*\}/y) !== undefined) return { dimension: {}, factor: ONE };
    const ten = this.#match(/10[*^]([+-]?\d{1,2})/y);
    if (ten !== undefined) return { dimension: {}, factor: power(fraction(10n), Number(ten[1])) };
    const whole = this.#match(/\d{1,9}/y);
    if (whole !== undefined) return { dimension: {}, factor: fraction(BigInt(whole[0])) };
    return this.#annotatable();
  }

  #annotatable(): { readonly dimension: Dimension; readonly factor: Fraction } | null {
    const symbol = this.#match(/(?:[A-Za-z%'"]|\[[^\]\s]*\])+/y)?.[0];
    const atom = symbol === undefined ? null : atomOf(symbol);
    if (atom === null) return null;
    const exponent = Number(this.#match(/[+-]?\d{1,2}/y)?.[0] ?? 1);
    this.#match(/\{[\x21-\x7a|~]*\}/y);
    if (exponent === 0 || Math.abs(exponent) > EXPONENT_MAX) return null;
    const dimension = Object.fromEntries(Object.entries(atom.dimension).map(([base, power]) => [base, power * exponent]));
    return { dimension, factor: power(atom.factor, exponent) };
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }
}

/** An atom as it stands, else behind a prefix (UCUM §11: an atom wins over a prefix). */
function atomOf(symbol: string): { readonly dimension: Dimension; readonly factor: Fraction } | null {
  const atom = ATOMS.get(symbol);
  if (atom !== undefined) return atom.offset === undefined ? atom : null;
  for (const length of [1, 2]) {
    const scale = PREFIXES.get(symbol.slice(0, length));
    const prefixed = ATOMS.get(symbol.slice(length));
    if (scale !== undefined && prefixed?.metric === true && prefixed.offset === undefined)
      return { dimension: prefixed.dimension, factor: multiply(prefixed.factor, power(fraction(10n), scale)) };
  }
  return null;
}

function dimensionText(dimension: Dimension): string {
  return Object.entries(dimension)
    .filter(([, exponent]) => exponent !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, exponent]) => `${base}${exponent}`)
    .join('.');
}
