/**
 * QARTOD (US IOOS, Quality Assurance of Real-Time Oceanographic Data): flags and tests, as the reference suite ioos_qc runs them, and the
 * data flags of HJ 212 in their terms. A test judges one value by its neighbours in time and changes nothing.
 *
 * A number stands for its shortest decimal text, and comparisons are exact: 0.4 after 0.1 is a step of 0.3, not of more.
 */
import { compare, type Fraction, fraction, fractionOf, multiply, subtract } from './fraction.ts';

/** 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing. */
export type QartodFlag = 1 | 2 | 3 | 4 | 9;

export const PASS = 1;
export const NOT_EVALUATED = 2;
export const SUSPECT = 3;
export const FAIL = 4;
export const MISSING = 9;

/** A value that is not there: null, undefined or not finite. */
export type Value = number | null | undefined;

/** From the weakest to the strongest. */
const PRIORITY: readonly QartodFlag[] = [MISSING, NOT_EVALUATED, PASS, SUSPECT, FAIL];

/** Above `suspect` is 3, above `fail` is 4; in the unit of the value (rate of change: per second). Either may be left out. */
export interface Thresholds {
  readonly suspect?: number | undefined;
  readonly fail?: number | undefined;
}

/** Both ends belong to the span. */
export type Span = readonly [min: number, max: number];

export interface TimedValue {
  /** Epoch ms. */
  readonly at: number;
  readonly value: Value;
}

/** The one flag of several tests: the strongest by 9 < 2 < 1 < 3 < 4. @returns 9 of none */
export function rollUp(flags: Iterable<QartodFlag>): QartodFlag {
  let strongest = 0;
  for (const flag of flags) strongest = Math.max(strongest, PRIORITY.indexOf(flag));
  return PRIORITY[strongest] as QartodFlag;
}

/** Test 4, gross range: outside the span of the instrument 4, outside what is expected here 3. */
export function grossRange(value: Value, fail: Span | undefined, suspect?: Span): QartodFlag {
  if (!isThere(value)) return MISSING;
  if (fail !== undefined && isOutside(value, fail)) return FAIL;
  return suspect !== undefined && isOutside(value, suspect) ? SUSPECT : PASS;
}

/**
 * Test 6, spike: how far the value is from the mean of its two neighbours.
 * @returns 2 without both neighbours, as the first and the last value of a series are
 */
export function spike(before: Value, value: Value, after: Value, thresholds: Thresholds): QartodFlag {
  if (!isThere(value)) return MISSING;
  if (!isThere(before) || !isThere(after)) return NOT_EVALUATED;
  // |v − (a + b)/2| = |(v − a) + (v − b)| / 2
  const measure = {
    size: Math.abs(value - before + (value - after)) / 2,
    magnitude: Math.abs(before) + Math.abs(value) + Math.abs(after),
    exact: () => multiply(subtract(difference(value, before), difference(after, value)), fraction(1n, 2n)),
  };
  return judge(measure, thresholds);
}

/**
 * Test 7, rate of change: the step from the value before, per second.
 * @returns 1 where there is no value before (first of a series, or after a gap), as in the reference suite; 2 where the time does not advance
 */
export function rateOfChange(before: TimedValue | undefined, { at, value }: TimedValue, perSecond: Thresholds): QartodFlag {
  if (!isThere(value)) return MISSING;
  const from = before?.value;
  if (before === undefined || !isThere(from)) return PASS;
  const elapsedMs = at - before.at;
  if (!(elapsedMs > 0)) return NOT_EVALUATED;
  const measure = {
    size: (Math.abs(value - from) / elapsedMs) * 1000,
    magnitude: ((Math.abs(value) + Math.abs(from)) / elapsedMs) * 1000,
    exact: () => multiply(difference(value, from), multiply(fraction(1000n), reciprocal(fractionOf(`${elapsedMs}`)))),
  };
  return judge(measure, perSecond);
}

export interface FlatLineRule {
  /** The values of a window differ by less than this: flat. */
  readonly tolerance: number;
  /** How long it must be flat, s. */
  readonly suspectS?: number | undefined;
  readonly failS?: number | undefined;
  /** Usual (median) time between two values, s. */
  readonly intervalS: number;
}

/** How many values before the newest one `flatLine` needs to see. */
export function flatLineReach({ suspectS = 0, failS = 0, intervalS }: FlatLineRule): number {
  return Math.floor(Math.max(suspectS, failS) / intervalS);
}

/**
 * Test 8, flat line: the newest value and the k before it, k = ⌊time / interval⌋, lie within less than the tolerance. A value missing among
 * them, or fewer than k, gives no flat line.
 * @param values in order of time, the judged one last
 */
export function flatLine(values: readonly Value[], rule: FlatLineRule): QartodFlag {
  if (!isThere(values.at(-1))) return MISSING;
  if (isFlat(values, rule.failS, rule)) return FAIL;
  return isFlat(values, rule.suspectS, rule) ? SUSPECT : PASS;
}

/**
 * Test 1, time gap: the newest value came at most so long ago.
 * @param newestAt epoch ms; undefined: there never was one
 * @param maxMs longest time without a value that is no gap
 */
export function timeGap(newestAt: number | undefined, now: number, maxMs: number): QartodFlag {
  if (newestAt === undefined) return MISSING;
  return now - newestAt > maxMs ? FAIL : PASS;
}

/** HJ 212-2017, Table 8: what the instrument says of its value. */
export type Hj212DataFlag = 'N' | 'F' | 'M' | 'S' | 'D' | 'C' | 'T' | 'B';

/**
 * N normal → 1. S entered by hand, valid but not measured → 3. F stopped, M maintenance, D fault, C calibration, T above range, B no
 * connection: not valid → 4.
 */
const HJ212_FLAGS: { readonly [flag in Hj212DataFlag]: QartodFlag } = {
  N: PASS,
  S: SUSPECT,
  F: FAIL,
  M: FAIL,
  D: FAIL,
  C: FAIL,
  T: FAIL,
  B: FAIL,
};

/** @returns 2 for a flag the table does not have, or none */
export function flagOfHj212(flag: string | undefined): QartodFlag {
  return flag !== undefined && Object.hasOwn(HJ212_FLAGS, flag) ? HJ212_FLAGS[flag as Hj212DataFlag] : NOT_EVALUATED;
}

function isThere(value: Value): value is number {
  return Number.isFinite(value);
}

function isOutside(value: number, [min, max]: Span): boolean {
  return value < min || value > max;
}

function isFlat(values: readonly Value[], forS: number | undefined, { intervalS, tolerance }: FlatLineRule): boolean {
  if (forS === undefined) return false;
  const window = values.slice(-1 - Math.floor(forS / intervalS));
  if (window.length <= Math.floor(forS / intervalS) || !window.every(isThere)) return false;
  return isFlatSpan(Math.min(...window), Math.max(...window), tolerance);
}

/** What test 8 asks of the least and the greatest value of a window: that they lie less than the tolerance apart. */
export function isFlatSpan(min: number, max: number, tolerance: number): boolean {
  const range = { size: max - min, magnitude: Math.abs(max) + Math.abs(min), exact: () => difference(max, min) };
  return against(range, tolerance) < 0;
}

interface Measure {
  /** Computed in doubles. */
  readonly size: number;
  /** Sum of the sizes it was computed from: what its error is relative to. */
  readonly magnitude: number;
  /** The same exactly, with or without its sign. */
  exact(): Fraction;
}

function judge(measure: Measure, { suspect, fail }: Thresholds): QartodFlag {
  if (fail !== undefined && against(measure, fail) > 0) return FAIL;
  return suspect !== undefined && against(measure, suspect) > 0 ? SUSPECT : PASS;
}

/** Far more than the few roundings of a measure add up to, relative to its magnitude. */
const DOUBLE_ERROR = 16 * Number.EPSILON;

/** Below 0: below the threshold. Doubles decide where they can; only a value right at its threshold is worth exact arithmetic. */
function against({ size, magnitude, exact }: Measure, threshold: number): number {
  if (Math.abs(size - threshold) > DOUBLE_ERROR * (magnitude + Math.abs(threshold))) return size - threshold;
  const { n, d } = exact();
  return compare({ n: n < 0n ? -n : n, d }, fractionOf(`${threshold}`));
}

function difference(a: number, b: number): Fraction {
  return subtract(fractionOf(`${a}`), fractionOf(`${b}`));
}

function reciprocal({ n, d }: Fraction): Fraction {
  return fraction(d, n);
}
