/** Values over a span of event time, always computed from the readings in their order: so a restart or a late reading gives the same bits. */
import { CONVERTED_FLAG } from '@airtight/protocol';
import { type Input as ContractInput, MAX_GAP_CADENCES, MAX_GAP_MIN_MS, type Window } from '../contract.ts';
import type { Input } from '../expr/expression.ts';
import { isTestFlag } from '../quality/value-verdict.ts';
import { NO_FLAGS } from '../reading.ts';
import { DAY_MS, localDay, offsetAt, startOfDay, type TimeZone } from '../time-zone.ts';
import { compute } from './probe.ts';
import type { Reading, Series } from './series.ts';
import type { WindowContext } from './window-context.ts';

const HOUR_MS = 3_600_000;

/** Values in order of their times; two lists, because a window is gone through for every reading. */
interface Samples {
  readonly times: number[];
  readonly values: number[];
}

interface Sample {
  readonly at: number;
  readonly value: number;
}

/** From when to when, both in it. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** A window over one producer's own readings, as of an instant; null: too little of it is there. */
export function windowValue(window: Window, series: Series, at: number, context: WindowContext): Input {
  const span = spanOf(window, series, at, context.zone);
  const samples: Samples = { times: [], values: [] };
  let [all, intervals, newestInterval, heldSince, heldMs] = [0, 0, -1, Number.NaN, 0];
  const { cadenceMs } = window.input;
  const maxGapMs = Math.max(MAX_GAP_CADENCES * cadenceMs, MAX_GAP_MIN_MS);
  const { readings } = series;
  for (let i = series.firstFrom(span.from); i < readings.length; i++) {
    const reading = readings[i] as Reading;
    if (reading.at > span.to) break;
    const value = sampleOf(window, reading, context.latenessMs);
    if (value === null) continue;
    all++;
    // In order of time, so an interval that is another one is a new one.
    const interval = Math.floor((reading.at - span.from) / cadenceMs);
    if (interval !== newestInterval) intervals++;
    newestInterval = interval;
    // A reading stands until the next one, unless nobody knows what was between them; the last one for no time.
    if (reading.at - heldSince <= maxGapMs) heldMs += reading.at - heldSince;
    heldSince = value === false ? Number.NaN : reading.at;
    if (value === false) continue;
    samples.times.push(reading.at);
    samples.values.push(value);
  }
  if (window.aggregate === 'coverage') return Math.min(1, intervals / (window.overMs / cadenceMs));
  if (intervals < window.leastCount) return null;
  if (window.aggregate === 'duration') return heldMs / HOUR_MS;
  if (window.aggregate === 'values') return byInterval(window, samples, span.to);
  return aggregate(window, samples, all);
}

/** A window over several stations: of each its newest value in the span. */
export function stationsValue(window: Window, stations: Iterable<{ readonly series: Series }>, at: number, context: WindowContext): Input {
  const samples: Sample[] = [];
  let [known, there] = [0, 0];
  for (const { series } of stations) {
    known++;
    const newest = newestIn(window, series, { from: at - window.overMs + 1, to: at }, context.latenessMs);
    if (newest === null) continue;
    there++;
    if (newest.value !== false) samples.push({ at: newest.at, value: newest.value });
  }
  if (window.aggregate === 'coverage') return known === 0 ? 0 : there / known;
  if (there < window.leastCount || there < window.leastShare * known) return null;
  return aggregate(window, inOrder(samples), there);
}

/**
 * A window over forecasts for the time after an instant.
 * @param knownAt only what was received until then counts; of several for one time the newest
 */
export function forecastValue(window: Window, forecasts: Iterable<readonly Reading[]>, at: number, knownAt: number): Input {
  const samples: Sample[] = [];
  const intervals = new Set<number>();
  let all = 0;
  for (const readings of forecasts) {
    for (const reading of newestRevisions(readings, at, at + window.overMs, knownAt)) {
      const value = sampleOf(window, reading, Number.POSITIVE_INFINITY);
      if (value === null) continue;
      all++;
      intervals.add(Math.ceil((reading.at - at) / window.input.cadenceMs));
      if (value !== false) samples.push({ at: reading.at, value });
    }
  }
  if (window.aggregate === 'coverage') return Math.min(1, intervals.size / (window.overMs / window.input.cadenceMs));
  if (intervals.size < window.leastCount) return null;
  if (window.aggregate === 'values') return byInterval(window, asGiven(samples), at + window.overMs);
  return aggregate(window, inOrder(samples), all);
}

/** @param readings in order of time, then of receipt */
function* newestRevisions(readings: readonly Reading[], after: number, to: number, knownAt: number): Iterable<Reading> {
  let newest: Reading | undefined;
  for (const reading of readings) {
    if (reading.at <= after || reading.at > to || reading.receivedAt > knownAt) continue;
    if (newest !== undefined && newest.at !== reading.at) yield newest;
    newest = reading;
  }
  if (newest !== undefined) yield newest;
}

function newestIn(window: Window, series: Series, { from, to }: Span, latenessMs: number): { at: number; value: number | false } | null {
  for (let i = series.firstFrom(to + 1) - 1; i >= 0; i--) {
    const reading = series.readings[i] as Reading;
    if (reading.at < from) return null;
    const value = sampleOf(window, reading, latenessMs);
    if (value !== null) return { at: reading.at, value };
  }
  return null;
}

/** null: the reading does not count; false: it counts and does not satisfy `where`. */
function sampleOf(window: Window, reading: Reading, latenessMs: number): number | false | null {
  const { property, where, input } = window;
  if (reading.lateByMs > latenessMs) return null;
  if (where !== null) {
    const values = [];
    for (const { name } of where.expression.variables) {
      if (!isAccepted(input, reading, name)) return null;
      values.push(reading.values[name]);
    }
    const held = compute(where, values, reading.at);
    return typeof held === 'boolean' ? (held ? 1 : false) : null;
  }
  if (property === null) return 1;
  const value = reading.values[property];
  // Most values are numbers of which nothing is said.
  if (typeof value === 'number' && reading.flags === NO_FLAGS && !hasVerdicts(input, reading)) return value;
  if (!isAccepted(input, reading, property)) return null;
  return typeof value === 'number' ? value : window.aggregate === 'count' || window.aggregate === 'coverage' ? 1 : null;
}

/** True when a reading has the property without a flag or a verdict that the input does not accept. */
export function isAccepted(input: ContractInput, { values, flags, judged, manual }: Reading, property: string): boolean {
  if (!Object.hasOwn(values, property)) return false;
  const said = manual !== null && Object.hasOwn(manual, property) ? manual[property] : undefined;
  const found = judged !== null && Object.hasOwn(judged, property) ? judged[property] : undefined;
  const verdict = said ?? found ?? (input.untested.has(property) ? 'not_evaluated' : 'pass');
  if (!input.acceptedVerdicts.has(verdict)) return false;
  const marks = Object.hasOwn(flags, property) ? flags[property] : undefined;
  if (marks === undefined) return true;
  return marks.every((flag) => flag === CONVERTED_FLAG || input.acceptedFlags.has(flag) || (said !== undefined && isTestFlag(flag)));
}

/** False when no verdict can keep any value of a reading from being accepted. */
export function hasVerdicts({ untested }: ContractInput, { judged, manual }: Reading): boolean {
  return judged !== null || manual !== null || untested.size > 0;
}

function spanOf(window: Window, series: Series, at: number, zone: TimeZone): Span {
  switch (window.shape) {
    case 'tumbling':
      return lastWhole(window.overMs, at, zone);
    case 'session':
      return { from: sessionStart(window, series, at), to: at };
    default:
      return { from: at - window.overMs + 1, to: at };
  }
}

/** The last span of that length that was over at `at`, counted from local midnight; of whole days: local days. */
function lastWhole(overMs: number, at: number, zone: TimeZone): Span {
  if (overMs % DAY_MS === 0) {
    const days = overMs / DAY_MS;
    const end = Math.floor(localDay(zone, at) / days) * days;
    return { from: startOfDay(zone, end - days), to: startOfDay(zone, end) - 1 };
  }
  const local = at + offsetAt(zone, at);
  const end = Math.floor(local / overMs) * overMs - offsetAt(zone, at);
  return { from: end - overMs, to: end - 1 };
}

function sessionStart(window: Window, series: Series, at: number): number {
  let start = at;
  for (let i = series.firstFrom(at + 1) - 1; i >= 0; i--) {
    const reading = series.readings[i] as Reading;
    if (start - reading.at > window.gapMs || reading.at <= at - window.overMs) break;
    if (window.property === null || isAccepted(window.input, reading, window.property)) start = reading.at;
  }
  return start;
}

/** The newest value of each cadence interval, the newest last; null where there is none. */
function byInterval(window: Window, { times, values: given }: Samples, to: number): (number | null)[] {
  const { cadenceMs } = window.input;
  const values: (number | null)[] = new Array(Math.max(1, Math.round(window.overMs / cadenceMs))).fill(null);
  for (let i = 0; i < times.length; i++) {
    const index = values.length - 1 - Math.floor((to - (times[i] as number)) / cadenceMs);
    if (index >= 0) values[index] = given[i] as number;
  }
  return values;
}

function aggregate(window: Window, samples: Samples, all: number): Input {
  const { values } = samples;
  switch (window.aggregate) {
    case 'count':
      return values.length;
    case 'share':
      return all === 0 ? null : values.length / all;
    case 'sum':
      return sum(values);
    case 'mean':
      return values.length === 0 ? null : sum(values) / values.length;
    case 'median':
      return quantile(values, 0.5);
    case 'quantile':
      return quantile(values, window.quantile);
    case 'min':
      return smallest(values);
    case 'max':
      return largest(values);
    case 'last':
      return values.at(-1) ?? null;
    case 'rate':
      return rate(samples, window.perMs);
    default:
      return null;
  }
}

function asGiven(samples: readonly Sample[]): Samples {
  return { times: samples.map(({ at }) => at), values: samples.map(({ value }) => value) };
}

/** A sum of doubles depends on the order, which must not be that in which stations happened to report. */
function inOrder(samples: Sample[]): Samples {
  return asGiven(samples.sort((a, b) => a.at - b.at || a.value - b.value));
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}

function smallest(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  let found = values[0] as number;
  for (let i = 1; i < values.length; i++) found = Math.min(found, values[i] as number);
  return found;
}

function largest(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  let found = values[0] as number;
  for (let i = 1; i < values.length; i++) found = Math.max(found, values[i] as number);
  return found;
}

/** Linear interpolation between the closest ranks (type 7 of Hyndman and Fan 1996). */
function quantile(values: readonly number[], p: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * p;
  const below = sorted[Math.floor(rank)] as number;
  const above = sorted[Math.ceil(rank)] as number;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** Change from the first value of the window to the last, per unit of time. */
function rate({ times, values }: Samples, perMs: number): number | null {
  const [from, to] = [times[0], times.at(-1)];
  if (from === undefined || to === undefined || from === to) return null;
  // Multiplied first: 1 over two hours is then exactly 0.5 an hour.
  return (((values.at(-1) as number) - (values[0] as number)) * perMs) / (to - from);
}
