/** UCUM (Unified Code for Units of Measure, c/s symbols) as far as our datasets use it: codes, how devices write them, conversion. */

export type UnitCode = 'ug/m3' | 'mg/m3' | 'Cel' | '%' | 'hPa' | 'm/s' | 'deg' | 'mm' | 's' | 'min' | 'h' | 'V' | 'W' | '1';

/** Spellings seen on the wire besides the UCUM code itself. Both micro signs occur: U+00B5 and Greek mu U+03BC. */
const SPELLINGS: { readonly [code in UnitCode]: readonly string[] } = {
  'ug/m3': ['µg/m3', 'µg/m³', 'μg/m3', 'μg/m³', 'ug/m³', 'ug/m^3', 'µg/m^3', 'μg/m^3', 'ug.m-3', 'µg.m-3', 'ug m-3', 'µg·m-3'],
  'mg/m3': ['mg/m³', 'mg/m^3', 'mg.m-3', 'mg m-3'],
  Cel: ['°C', '℃', 'degC', 'C', 'celsius', 'Celsius', 'cel'],
  '%': ['percent', '%RH', '％'],
  hPa: ['hpa', 'mbar', 'mb'],
  'm/s': ['m.s-1', 'm s-1', 'mps'],
  deg: ['°', 'degree', 'degrees'],
  mm: [],
  s: ['sec', 'second', 'seconds'],
  min: ['minute', 'minutes'],
  h: ['hr', 'hour', 'hours'],
  V: ['volt', 'volts'],
  W: ['watt', 'watts'],
  '1': [],
};

const CODE_BY_SPELLING: ReadonlyMap<string, UnitCode> = new Map(
  (Object.entries(SPELLINGS) as [UnitCode, readonly string[]][]).flatMap(([code, spellings]) =>
    [code, ...spellings].map((spelling): [string, UnitCode] => [spelling, code]),
  ),
);

/** value in `to` = value in `from` × 10^power. */
const POWER_OF_TEN: { readonly [fromTo: string]: number } = { 'ug/m3>mg/m3': -3, 'mg/m3>ug/m3': 3 };

/** The UCUM code for a unit as a device writes it; null when it is none we know. */
export function unitCodeOf(text: string): UnitCode | null {
  return CODE_BY_SPELLING.get(text) ?? null;
}

/**
 * Converts exactly: the decimal point of the value's text is moved, so 0.0354 mg/m3 is 35.4 ug/m3 and not
 * 35.400000000000006.
 * @returns null when the two are not units of one quantity, or one of them is unknown
 */
export function convert(value: number, from: string, to: string): number | null {
  const source = unitCodeOf(from);
  const target = unitCodeOf(to);
  if (source === null || target === null) return null;
  if (source === target) return value;
  const power = POWER_OF_TEN[`${source}>${target}`];
  return power === undefined ? null : shiftPoint(value, power);
}

function shiftPoint(value: number, power: number): number {
  const [figures, exponent] = `${value}`.split('e');
  return Number(`${figures}e${Number(exponent ?? 0) + power}`);
}
