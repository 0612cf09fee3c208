/** Values over a span of event time, always computed from the readings in their order: so a restart or a late reading gives the same bits. */
import { CONVERTED_FLAG } from '@airtight/protocol';
import { type Input as ContractInput, MAX_GAP_CADENCES, MAX_GAP_MIN_MS, type Window } from '../contract.ts';
import type { Input } from '../expr/expression.ts';
import { isTestFlag } from '../quality/value-verdict.ts';
import { NO_FLAGS } from '../reading.ts';
import { DAY_MS, localDay, offsetAt, startOfDay, type TimeZone } from '../time-zone.ts';
import { compute } from './probe.ts';
import { Samples, type Stretch } from './samples.ts';
import type { Reading, Series } from './series.ts';
import type { WindowContext } from './window-context.ts';

const HOUR_MS = 3_600_000;

/** A window over more readings keeps its samples until the series changes otherwise than at its end. */
const KEPT_FROM_READINGS = 64;

interface Sample {
  readonly at: number;
  /** false: it does not satisfy `where`. */
  readonly value: number | false;
}

/** From when to when, both in it. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** A window over one producer's own readings, as of an instant; null: too little of it is there. */
export function windowValue(window: Window, series: Series, at: number, context: WindowContext): Input {
  const span = spanOf(window, series, at, context.zone);
  const samples = samplesOf(window, series, span, context.latenessMs);
  const stretch = samples.between(span.from, span.to);
  const { cadenceMs } = window.input;
  const intervals = samples.intervals(stretch, span.from, cadenceMs);
  if (window.aggregate === 'coverage') return Math.min(1, intervals / (window.overMs / cadenceMs));
  if (intervals < window.leastCount) return null;
  if (window.aggregate === 'duration') return samples.heldMs(stretch) / HOUR_MS;
  if (window.aggregate === 'values') return byInterval(window, samples, stretch, span.to);
  return aggregate(window, samples, stretch);
}

/** The samples of a series that a window sees, at least those of a span. */
function samplesOf(window: Window, series: Series, { from, to }: Span, latenessMs: number): Samples {
  const { readings } = series;
  const first = series.firstFrom(from);
  const kept = series.kept(window);
  if (kept !== undefined && kept.first <= first) {
    while (kept.end < readings.length) take(kept.samples, window, readings[kept.end++] as Reading, latenessMs);
    return kept.samples;
  }
  const isLong = readings.length - first > KEPT_FROM_READINGS;
  const samples = samplesFor(window, isLong);
  let end = first;
  for (; end < readings.length && (isLong || (readings[end] as Reading).at <= to); end++)
    take(samples, window, readings[end] as Reading, latenessMs);
  if (isLong) series.keep(window, { samples, first, end });
  return samples;
}

function take(samples: Samples, window: Window, reading: Reading, latenessMs: number): void {
  const value = sampleOf(window, reading, latenessMs);
  if (value !== null) samples.push(reading.at, value);
}

/** @param isLong so many that their extremes are worth keeping by blocks */
function samplesFor({ aggregate, where, input }: Window, isLong: boolean): Samples {
  const gapsToMs = aggregate === 'duration' ? Math.max(MAX_GAP_CADENCES * input.cadenceMs, MAX_GAP_MIN_MS) : null;
  return new Samples(where !== null, gapsToMs, isLong && (aggregate === 'min' || aggregate === 'max'));
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
    samples.push(newest);
  }
  if (window.aggregate === 'coverage') return known === 0 ? 0 : there / known;
  if (there < window.leastCount || there < window.leastShare * known) return null;
  return valueOfUnordered(window, samples);
}

/**
 * A window over forecasts for the time after an instant.
 * @param knownAt only what was received until then counts; of several for one time the newest
 */
export function forecastValue(window: Window, forecasts: Iterable<readonly Reading[]>, at: number, knownAt: number): Input {
  const samples: Sample[] = [];
  const intervals = new Set<number>();
  for (const readings of forecasts) {
    for (const reading of newestRevisions(readings, at, at + window.overMs, knownAt)) {
      const value = sampleOf(window, reading, Number.POSITIVE_INFINITY);
      if (value === null) continue;
      intervals.add(Math.ceil((reading.at - at) / window.input.cadenceMs));
      samples.push({ at: reading.at, value });
    }
  }
  if (window.aggregate === 'coverage') return Math.min(1, intervals.size / (window.overMs / window.input.cadenceMs));
  if (intervals.size < window.leastCount) return null;
  if (window.aggregate === 'values') {
    const given = asGiven(window, samples);
    return byInterval(window, given, { first: 0, end: samples.length }, at + window.overMs);
  }
  return valueOfUnordered(window, samples);
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

function newestIn(window: Window, series: Series, { from, to }: Span, latenessMs: number): Sample | null {
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
function byInterval(window: Window, { times, values: given }: Samples, { first, end }: Stretch, to: number): (number | null)[] {
  const { cadenceMs } = window.input;
  const values: (number | null)[] = new Array(Math.max(1, Math.round(window.overMs / cadenceMs))).fill(null);
  for (let i = first; i < end; i++) {
    const index = values.length - 1 - Math.floor((to - (times[i] as number)) / cadenceMs);
    if (index >= 0) values[index] = given[i] as number;
  }
  return values;
}

/** Of samples that no series has in its order. A sum of doubles depends on the order, which must not be that in which stations happened to report. */
function valueOfUnordered(window: Window, samples: Sample[]): Input {
  const ordered = asGiven(
    window,
    samples.sort((a, b) => a.at - b.at || Number(a.value) - Number(b.value)),
  );
  return aggregate(window, ordered, { first: 0, end: samples.length });
}

function asGiven(window: Window, samples: readonly Sample[]): Samples {
  const given = samplesFor(window, false);
  for (const { at, value } of samples) given.push(at, value);
  return given;
}

function aggregate(window: Window, samples: Samples, stretch: Stretch): Input {
  const { values } = samples;
  const { first, end } = stretch;
  const all = end - first;
  switch (window.aggregate) {
    case 'count':
      return samples.satisfied(stretch);
    case 'share':
      return all === 0 ? null : samples.satisfied(stretch) / all;
    case 'sum':
      return sum(values, stretch);
    case 'mean':
      return all === 0 ? null : sum(values, stretch) / all;
    case 'median':
      return quantile(values.slice(first, end), 0.5);
    case 'quantile':
      return quantile(values.slice(first, end), window.quantile);
    case 'min':
      return samples.smallest(stretch);
    case 'max':
      return samples.largest(stretch);
    case 'last':
      return all === 0 ? null : (values[end - 1] as number);
    case 'rate':
      return rate(samples, stretch, window.perMs);
    default:
      return null;
  }
}

function sum(values: readonly number[], { first, end }: Stretch): number {
  let total = 0;
  for (let i = first; i < end; i++) total += values[i] as number;
  return total;
}

/** Linear interpolation between the closest ranks (type 7 of Hyndman and Fan 1996). */
function quantile(values: number[], p: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.sort((a, b) => a - b);
  const rank = (sorted.length - 1) * p;
  const below = sorted[Math.floor(rank)] as number;
  const above = sorted[Math.ceil(rank)] as number;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** Change from the first value of the window to the last, per unit of time. */
function rate({ times, values }: Samples, { first, end }: Stretch, perMs: number): number | null {
  if (end === first) return null;
  const [from, to] = [times[first] as number, times[end - 1] as number];
  // Multiplied first: 1 over two hours is then exactly 0.5 an hour.
  return from === to ? null : (((values[end - 1] as number) - (values[first] as number)) * perMs) / (to - from);
}
