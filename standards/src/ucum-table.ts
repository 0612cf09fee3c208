/** UCUM's prefixes (§27), base and derived atoms (§§28–46) as far as instruments of public administration use them, and spellings seen on the wire. */
import { type Fraction, fractionOf, multiply, power } from './fraction.ts';

/** Exponents of the base units m, s, g, rad, K, C (coulomb), cd, mol and of arbitrary units, which convert to themselves alone. */
export type Dimension = { readonly [base: string]: number };

export interface Atom {
  readonly dimension: Dimension;
  /** Value in base units of one. */
  readonly factor: Fraction;
  /** Takes prefixes. */
  readonly metric: boolean;
  /** Added before the factor: the zero of a scale. */
  readonly offset?: Fraction;
}

/** Powers of ten. */
export const PREFIXES: ReadonlyMap<string, number> = new Map([
  ['Y', 24],
  ['Z', 21],
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['h', 2],
  ['da', 1],
  ['d', -1],
  ['c', -2],
  ['m', -3],
  ['u', -6],
  ['n', -9],
  ['p', -12],
  ['f', -15],
  ['a', -18],
  ['z', -21],
  ['y', -24],
]);

const ENERGY = { g: 1, m: 2, s: -2 };
const PRESSURE = { g: 1, m: -1, s: -2 };
/** π to 50 places, as UCUM gives it. */
const PI = '3.14159265358979323846264338327950288419716939937511';
const DEGREE = multiply(fractionOf(PI), power(fractionOf('180'), -1));
const INCH = '0.0254';

const METRIC: readonly (readonly [string, Dimension, string])[] = [
  ['m', { m: 1 }, '1'],
  ['s', { s: 1 }, '1'],
  ['g', { g: 1 }, '1'],
  ['rad', { rad: 1 }, '1'],
  ['K', { K: 1 }, '1'],
  ['C', { C: 1 }, '1'],
  ['cd', { cd: 1 }, '1'],
  // UCUM counts moles (6.02e23); here they stay moles: no instrument means particles.
  ['mol', { mol: 1 }, '1'],
  ['Hz', { s: -1 }, '1'],
  ['N', { g: 1, m: 1, s: -2 }, '1000'],
  ['Pa', PRESSURE, '1000'],
  ['bar', PRESSURE, '1e8'],
  ['m[Hg]', PRESSURE, '133322387.415'],
  ['m[H2O]', PRESSURE, '9806650'],
  ['J', ENERGY, '1000'],
  ['eV', ENERGY, '1.602176634e-16'],
  ['cal', ENERGY, '4184'],
  ['W', { g: 1, m: 2, s: -3 }, '1000'],
  ['A', { C: 1, s: -1 }, '1'],
  ['V', { g: 1, m: 2, s: -2, C: -1 }, '1000'],
  ['F', { g: -1, m: -2, s: 2, C: 2 }, '0.001'],
  ['Ohm', { g: 1, m: 2, s: -1, C: -2 }, '1000'],
  ['S', { g: -1, m: -2, s: 1, C: 2 }, '0.001'],
  ['Wb', { g: 1, m: 2, s: -1, C: -1 }, '1000'],
  ['T', { g: 1, s: -1, C: -1 }, '1000'],
  ['H', { g: 1, m: 2, C: -2 }, '1000'],
  ['lm', { cd: 1 }, '1'],
  ['lx', { cd: 1, m: -2 }, '1'],
  ['Bq', { s: -1 }, '1'],
  ['Ci', { s: -1 }, '3.7e10'],
  ['Gy', { m: 2, s: -2 }, '1'],
  ['Sv', { m: 2, s: -2 }, '1'],
  ['kat', { mol: 1, s: -1 }, '1'],
  ['l', { m: 3 }, '0.001'],
  ['L', { m: 3 }, '0.001'],
  ['ar', { m: 2 }, '100'],
  ['t', { g: 1 }, '1e6'],
  ['u', { g: 1 }, '1.66053906660e-24'],
  ['bit', { bit: 1 }, '1'],
  ['By', { bit: 1 }, '8'],
  ['B', { bel: 1 }, '1'],
  ['[g]', { m: 1, s: -2 }, '9.80665'],
];

const PLAIN: readonly (readonly [string, Dimension, string])[] = [
  ['%', {}, '0.01'],
  ['[ppth]', {}, '1e-3'],
  ['[ppm]', {}, '1e-6'],
  ['[ppb]', {}, '1e-9'],
  ['[pptr]', {}, '1e-12'],
  ['min', { s: 1 }, '60'],
  ['h', { s: 1 }, '3600'],
  ['d', { s: 1 }, '86400'],
  ['wk', { s: 1 }, '604800'],
  ['a', { s: 1 }, '31557600'],
  ['[in_i]', { m: 1 }, INCH],
  ['[ft_i]', { m: 1 }, '0.3048'],
  ['[yd_i]', { m: 1 }, '0.9144'],
  ['[mi_i]', { m: 1 }, '1609.344'],
  ['[nmi_i]', { m: 1 }, '1852'],
  ['[gal_us]', { m: 3 }, '0.003785411784'],
  ['[lb_av]', { g: 1 }, '453.59237'],
  ['[oz_av]', { g: 1 }, '28.349523125'],
  ["[in_i'Hg]", PRESSURE, '3386388.640341'],
  ['[psi]', PRESSURE, '6894757.293168361'],
  ['atm', PRESSURE, '101325000'],
  ['[pH]', { pH: 1 }, '1'],
  ['dB', { bel: 1 }, '0.1'],
  ['dB[SPL]', { spl: 1 }, '1'],
  ['[CFU]', { cfu: 1 }, '1'],
  ['[NTU]', { ntu: 1 }, '1'],
  ['[FNU]', { fnu: 1 }, '1'],
  ['circ', { rad: 1 }, '6.28318530717958647692528676655900576839433879875'],
];

function atoms(): Map<string, Atom> {
  const all = new Map<string, Atom>();
  for (const [code, dimension, factor] of METRIC) all.set(code, { dimension, factor: fractionOf(factor), metric: true });
  for (const [code, dimension, factor] of PLAIN) all.set(code, { dimension, factor: fractionOf(factor), metric: false });
  all.set('deg', { dimension: { rad: 1 }, factor: DEGREE, metric: false });
  const knot = multiply(fractionOf('1852'), power(fractionOf('3600'), -1));
  all.set('[kn_i]', { dimension: { m: 1, s: -1 }, factor: knot, metric: false });
  const rankine = multiply(fractionOf('5'), power(fractionOf('9'), -1));
  all.set('Cel', { dimension: { K: 1 }, factor: fractionOf('1'), metric: false, offset: fractionOf('273.15') });
  all.set('[degF]', { dimension: { K: 1 }, factor: rankine, metric: false, offset: fractionOf('459.67') });
  return all;
}

export const ATOMS: ReadonlyMap<string, Atom> = atoms();

/**
 * What devices and other standards (SenML's registry, RFC 8428 §12.1) write instead of a UCUM code. Two codes: the text may mean
 * either, and the dataset's unit decides. What could mean two units of one kind stands nowhere: `ppt` is a thousandth to some and
 * a billionth of that to others, and a cubic metre `Nm3` has a state of its own.
 */
const WRITTEN: readonly (readonly [string, readonly string[]])[] = [
  ['Cel', ['°C', '℃', 'degC', 'deg C', 'celsius', 'Celsius', 'cel', '°c']],
  ['[degF]', ['°F', '℉', 'degF', 'deg F', 'fahrenheit', 'Fahrenheit', '[degf]']],
  ['K', ['kelvin', 'Kelvin', '°K']],
  ['ug/m3', ['ug m-3', 'mcg/m3']],
  ['mg/m3', ['mg m-3']],
  ['[ppb]', ['ppb', 'PPB', 'ppbv', 'nmol/mol']],
  ['[ppm]', ['ppm', 'PPM', 'ppmv', 'umol/mol']],
  ['[ppth]', ['‰']],
  ['%', ['percent', '%RH', '%rh', '%EL', 'pct', '% RH', '%vol', '%Vol']],
  ['1', ['/', 'count', 'ratio']],
  ['hPa', ['hpa', 'HPA', 'mb', 'millibar']],
  ['kPa', ['kpa', 'KPa', 'KPA']],
  ['Pa', ['pa']],
  ['mm[Hg]', ['mmHg', 'mmhg']],
  ["[in_i'Hg]", ['inHg', 'inhg', "[in_i'hg]"]],
  ['[psi]', ['psi', '[lbf_av]/[in_i]2']],
  ['m/s', ['m s-1', 'mps']],
  ['km/h', ['kmh', 'kph', 'km/hr', 'kmph']],
  ['[kn_i]', ['kn', 'kt', 'kts', 'knot', 'knots']],
  ['[mi_i]/h', ['mph', 'MPH', 'mi/h']],
  ['[in_i]', ['in', 'inch', 'inches', '"']],
  ['[ft_i]', ['ft', 'foot', 'feet']],
  ['mm/h', ['mm/hr']],
  ['l/m2', ['l m-2']],
  ['deg', ['°', 'degree', 'degrees', 'lat', 'lon']],
  ['s', ['sec', 'second', 'seconds']],
  ['min', ['minute', 'minutes', 'mins']],
  ['h', ['hr', 'hrs', 'hour', 'hours']],
  ['d', ['day', 'days']],
  ['V', ['volt', 'volts', 'Volt']],
  ['W', ['watt', 'watts', 'Watt']],
  ['lx', ['lux', 'Lux']],
  ['Ohm', ['Ω', 'Ω', 'ohm']],
  ['[pH]', ['pH', 'ph', 'PH']],
  ['[NTU]', ['NTU']],
  ['dB[SPL]', ['Bspl', 'dBA', 'dB(A)', 'dBspl']],
  ['By', ['byte', 'bytes']],
  ['min-1', ['beat/min', 'rpm']],
];

const AMBIGUOUS: readonly (readonly [string, readonly string[]])[] = [
  ['C', ['Cel', 'C']],
  ['F', ['[degF]', 'F']],
];

export const SPELLINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ...WRITTEN.flatMap(([code, spellings]) => spellings.map((spelling): [string, readonly string[]] => [spelling, [code]])),
  ...AMBIGUOUS,
]);
