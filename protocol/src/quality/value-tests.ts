/** Quality tests that look at a value and its own reading alone (docs/reference/quality.md): what every stage can judge by itself. */
import { compare, type Fraction, fractionOf, subtract } from '@airtight/standards/fraction.ts';
import type { DatasetDefinition } from '../control.ts';
import type { Result } from '../records/measurement.ts';
import type { Flag } from '../records/observation.ts';
import type { PropertyQuality } from './quality-rules.ts';

/** QARTOD test 4, suspect: outside the span that is expected here. Both ends belong to it. */
export function isUnexpected(value: number, { expected }: PropertyQuality): boolean {
  return expected !== undefined && (value < expected[0] || value > expected[1]);
}

/** Below zero, where nothing can be. */
export function isBelowZero(value: number, { negative }: PropertyQuality): boolean {
  return negative === true && value < 0;
}

/** Of doubles this near, relatively, their decimal texts decide. */
const ROUNDING = 1e-9;

/** A part above its whole by more than the two are measured exactly. @param reading all values of the same moment; a whole with flags says nothing */
export function isAboveWhole(
  value: number,
  reading: readonly { readonly observedProperty: string; readonly result: Result; readonly flags: readonly Flag[] }[],
  { notAbove }: PropertyQuality,
): boolean {
  if (notAbove === undefined) return false;
  const whole = reading.find(({ observedProperty }) => observedProperty === notAbove.property);
  if (typeof whole?.result !== 'number' || whole.flags.length > 0) return false;
  const excess = value - whole.result;
  if (Math.abs(excess - notAbove.by) > ROUNDING * (Math.abs(value) + notAbove.by)) return excess > notAbove.by;
  const [part, of, by] = [value, whole.result, notAbove.by].map((number) => fractionOf(`${number}`)) as [Fraction, Fraction, Fraction];
  return compare(subtract(part, of), by) > 0;
}

/** Marks of a producer (`q=X`) that HJ 212-2017 table 8 calls not valid: stopped, maintenance, fault, calibration, above range, no connection. */
export const FAILING_MARKS: readonly Flag[] = ['q=F', 'q=M', 'q=D', 'q=C', 'q=T', 'q=B'];

/**
 * What must not enter an index: a value outside the physical range, one below zero where nothing can be, one whose producer says
 * that it is not valid. What is suspect enters.
 */
export function failsAlone(
  { result, flags }: { readonly result: Result; readonly flags: readonly Flag[] },
  rules: PropertyQuality = {},
): boolean {
  if (flags.length > 0 && flags.some((flag) => flag === 'range' || FAILING_MARKS.includes(flag))) return true;
  return typeof result === 'number' && isBelowZero(result, rules);
}

/** True when a dataset has a test for the numbers of this property: its range at least. */
export function hasTests(definition: DatasetDefinition | undefined, property: string): boolean {
  if (definition?.quality === undefined || !Object.hasOwn(definition.properties, property)) return false;
  const { min, max } = definition.properties[property] as DatasetDefinition['properties'][string];
  return min !== undefined || max !== undefined || Object.hasOwn(definition.quality.properties, property);
}
