/** Quality tests that look at a value and its own reading alone (docs/reference/quality.md): what every stage can judge by itself. */
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

/** A part above its whole. @param whole value of the property `notAbove` in the same reading; one with flags says nothing */
export function isAboveWhole(value: number, whole: { readonly result: Result; readonly flags: readonly Flag[] } | undefined): boolean {
  return whole !== undefined && typeof whole.result === 'number' && whole.flags.length === 0 && value > whole.result;
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
