/**
 * Judges the values of one series, a property of a producer, in the order in which the journal has them, from a state of
 * bounded size. A value whose time is not after the newest one's came late: it goes through the tests that look at it
 * alone, and changes nothing for the others.
 */
import { gapMsOf, type PropertyQuality, type QualityRules } from '@airtight/protocol';
import { FAIL, PASS, rateOfChange, SUSPECT, spike } from '@airtight/standards/qartod.ts';
import { extendFlatRun, type FlatRun, newFlatRun, spanOf } from './flat-run.ts';
import { bitsOf, NO_BITS, type TestBits } from './verdict.ts';

/** The newest value, and what of those before it the tests need. JSON. */
export interface SeriesState {
  /** phenomenonTime, epoch ms. */
  at: number;
  value: number;
  /** The value before it; null: none, or a gap lies between. */
  before: number | null;
  position: number;
  ordinal: number;
  receivedAt: number;
  /** What the tests have said of it. */
  bits: TestBits;
  run: FlatRun | null;
}

export interface JudgedValue {
  readonly at: number;
  readonly value: number;
  readonly position: number;
  readonly ordinal: number;
  readonly receivedAt: number;
  /** Of the tests that look at it alone. */
  readonly bits: TestBits;
}

export interface SeriesRules {
  readonly rules: PropertyQuality;
  readonly gapMs: number;
  readonly cadenceMs: number;
}

export function seriesRulesOf(quality: QualityRules, property: string, cadenceMs: number): SeriesRules {
  const rules = Object.hasOwn(quality.properties, property) ? (quality.properties[property] as PropertyQuality) : {};
  return { rules, gapMs: gapMsOf(quality, cadenceMs), cadenceMs };
}

/** A series from its first value. */
export function newSeries(first: JudgedValue, { rules, cadenceMs }: SeriesRules): SeriesState {
  const state: SeriesState = { ...first, before: null, run: rules.flatLine === undefined ? null : newFlatRun() };
  flatLineBits(state, rules, cadenceMs);
  return state;
}

/** `rateOfChange` reckons per second: with times divided by this, per hour. */
const HOUR_S = 3600;

/**
 * Takes the next value into the series.
 * @returns the bits of the test that only now can be made of the value before: spike. Those of the new value stand in the state.
 */
export function advance(state: SeriesState, next: JudgedValue, { rules, gapMs, cadenceMs }: SeriesRules): TestBits {
  const isGap = next.at - state.at > gapMs;
  let ofEarlier = NO_BITS;
  let bits = next.bits;
  if (isGap) bits |= bitsOf('gap', SUSPECT);
  else {
    if (rules.spike !== undefined) ofEarlier = bitsOf('spike', spike(state.before, state.value, next.value, rules.spike));
    if (rules.ratePerHour !== undefined) {
      const after = { at: (next.at - state.at) / HOUR_S, value: next.value };
      bits |= bitsOf('rate', rateOfChange({ at: 0, value: state.value }, after, rules.ratePerHour));
    }
  }
  state.before = isGap ? null : state.value;
  state.at = next.at;
  state.value = next.value;
  state.position = next.position;
  state.ordinal = next.ordinal;
  state.receivedAt = next.receivedAt;
  state.bits = bits;
  if (rules.flatLine === undefined) state.run = null;
  else if (isGap || state.run === null) state.run = newFlatRun();
  flatLineBits(state, rules, cadenceMs);
  return ofEarlier;
}

/** A value counts when it comes no sooner after the last one than this part of the cadence: devices' clocks are not exact. */
const COUNTED_CADENCES = 0.5;
/** By so much of the cadence a stretch may be shorter than the time that is asked for. */
const SHORTER_CADENCES = 0.1;

/**
 * QARTOD test 8: the newest value and the k before it, k = ⌊time / interval⌋. The interval is the dataset's cadence; for a device
 * that reports faster the stretch must be as long in time too, but for the inexactness of its clock.
 */
function flatLineBits(state: SeriesState, { flatLine }: PropertyQuality, cadenceMs: number): void {
  const { run, value, at } = state;
  if (flatLine === undefined || run === null) return;
  const { tolerance, above, suspectMs = Infinity, failMs = Infinity } = flatLine;
  const [suspectAfter, failAfter] = [Math.floor(suspectMs / cadenceMs), Math.floor(failMs / cadenceMs)];
  const longest = failAfter === Infinity ? suspectAfter : failAfter;
  extendFlatRun(run, value, at, {
    tolerance,
    countEveryMs: COUNTED_CADENCES * cadenceMs,
    lengthMax: longest + 1,
    spanMaxMs: longest * cadenceMs,
  });
  if (above !== undefined && value <= above) return;
  const spanMs = spanOf(run, at);
  const isFor = (k: number): boolean => run.length > k && spanMs >= (k - SHORTER_CADENCES) * cadenceMs;
  state.bits |= bitsOf('flat_line', isFor(failAfter) ? FAIL : isFor(suspectAfter) ? SUSPECT : PASS);
}
