/**
 * Rules over several stations (a region, those near by, k of n), judged at fixed times: an instant is judged once so much
 * event time has passed since that its readings should be there (`settle`). Event time passes by newer readings and, while
 * the newest was reported live, by ticks. A reading that comes later has what it concerns judged anew.
 */
import { issue, reissue } from '../alert/issue.ts';
import { type GridRule, type Input, STATION_READINGS_KEPT_MAX, type Window } from '../contract.ts';
import { inputsOf, type RuleState } from '../engine-state.ts';
import { DAY_MS, offsetAt, type TimeZone } from '../time-zone.ts';
import type { Turn } from '../turn.ts';
import { fillProperties, fillRest } from './frame.ts';
import type { GridField, Station } from './grid-field.ts';
import { reachOf } from './kept-history.ts';
import type { Instant, Transition } from './machine.ts';
import { isOf, regionOf, subjectOf } from './places.ts';
import type { Reading, Series } from './series.ts';
import { Tracker } from './tracker.ts';
import { forecastValue, stationsValue, windowValue } from './window.ts';
import { contextOf } from './window-context.ts';

/** Readings between two clearings out. */
const PRUNE_EVERY = 4096;
/** A station never holds more, whatever it sends: several times what the windows of a rule may need at the dataset's cadence. */
const STATION_READINGS_MAX = 5 * STATION_READINGS_KEPT_MAX;
const NO_STATIONS: ReadonlyMap<string, Station> = new Map();

/** A rule over stations at work on one event. */
interface Work {
  readonly turn: Turn;
  readonly known: RuleState;
  readonly rule: GridRule;
  readonly field: GridField;
  readonly zone: TimeZone;
}

/** Takes a reading. */
export function judgeStation(turn: Turn, known: RuleState, rule: GridRule, reading: Reading): void {
  const work = workOf(turn, known, rule);
  for (const input of inputsOf(rule)) {
    if (input.dataset === reading.dataset && isOf(input, reading.producer, reading.agency, turn.state.places)) take(work, input, reading);
  }
}

/**
 * Values of a station that are held count otherwise from a time on: what they decided is judged anew, as far back as late data reach.
 * @param change of one series; told is from when on
 */
export function rejudgeStation(
  turn: Turn,
  known: RuleState,
  rule: GridRule,
  { dataset, producer, agency }: Pick<Reading, 'dataset' | 'producer' | 'agency'>,
  change: (series: Pick<Series, 'readings' | 'replace'>) => number | undefined,
): void {
  const work = workOf(turn, known, rule);
  for (const input of inputsOf(rule)) {
    if (input.dataset !== dataset || !isOf(input, producer, agency, turn.state.places)) continue;
    const readings = work.field.forecasts.get(input.name)?.get(producer);
    if (readings !== undefined) change({ readings, replace: (index, reading) => readings.splice(index, 1, reading) });
    const series = work.field.stations.get(input.name)?.get(producer)?.series;
    const from = series === undefined ? undefined : change(series);
    if (from === undefined) continue;
    const horizon = work.field.watermark - rule.latenessMs;
    if (from < horizon) turn.state.counters.late++;
    rejudgeFrom(work, { producer, agency, at: Math.max(from, horizon) });
  }
}

/** Time passes: what is due now is judged. */
export function judgeStationsAt(turn: Turn, known: RuleState, rule: GridRule, at: number): void {
  const { field } = known;
  if (field.live && at > field.watermark) judgeDue(workOf(turn, known, rule), at);
}

function workOf(turn: Turn, known: RuleState, rule: GridRule): Work {
  return { turn, known, rule, field: known.field, zone: contextOf(turn.state, known).zone };
}

function take(work: Work, input: Input, reading: Reading): void {
  const { turn, rule, field } = work;
  if (input.isForecast) return field.takeForecast(input, reading);
  if (field.watermark - reading.at > rule.latenessMs) {
    turn.state.counters.late++;
    return;
  }
  // Before a long pause ends, what the old readings still say is judged.
  if (reading.at > field.watermark) judgeDue(work, reading.at - 1);
  if (!field.take(input, reading.lateByMs === 0 ? reading : { ...reading, lateByMs: 0 })) return;
  if (reading.at > field.watermark) {
    const wasPause = field.nextAt === null || field.nextAt + rule.settleMs < reading.at;
    if (wasPause) field.nextAt = gridFrom(work, reading.at);
    field.watermark = reading.at;
    field.live = reading.live;
  }
  if (reading.at < (field.nextAt as number)) rejudgeFrom(work, reading);
  judgeDue(work, field.watermark);
  if (++field.sincePrune >= PRUNE_EVERY) prune(work);
}

/** Judges every instant that is due at a time, as long as any window can still see a reading. */
function judgeDue(work: Work, clock: number): void {
  const { field, rule } = work;
  if (field.nextAt === null) return;
  const limit = Math.min(clock - rule.settleMs, field.watermark + reachOf(rule));
  while (field.nextAt <= limit) {
    const at = field.nextAt;
    for (const [subject, agency] of subjectsOf(work)) judgeSubject(work, subject, agency, at);
    field.nextAt = gridFrom(work, at + 1);
  }
}

function judgeSubject(work: Work, subject: string, agency: string, at: number): void {
  const { turn, known, rule, field } = work;
  const instant = instantOf(work, subject, at);
  if (instant === null) return;
  const tracker = trackerOf(known, subject, agency);
  tracker.agency = agency;
  tracker.live = field.live;
  if (tracker.isBehindExpiry(at)) return rejudgeSubject(work, tracker, at, at, at);
  const transitions: Transition[] = [];
  if (!tracker.advance(rule, instant, transitions)) turn.state.counters.uncomputable++;
  issue(turn, known, tracker, transitions);
}

function trackerOf({ trackers }: RuleState, subject: string, agency: string): Tracker {
  const tracker = trackers.get(subject) ?? new Tracker(subject, agency);
  trackers.set(subject, tracker);
  return tracker;
}

/** Judges anew what a reading concerns that came after its time was judged. */
function rejudgeFrom(work: Work, reading: Pick<Reading, 'producer' | 'agency' | 'at'>): void {
  const { known, field } = work;
  const from = gridFrom(work, reading.at);
  const next = field.nextAt as number;
  if (from >= next) return;
  for (const [subject, agency] of subjectsOf(work)) {
    if (concerns(work, subject, reading)) rejudgeSubject(work, trackerOf(known, subject, agency), from, next - 1, reading.at);
  }
}

/** @param to last time that is judged; @param at event time of what made it necessary */
function rejudgeSubject(work: Work, tracker: Tracker, from: number, to: number, at: number): void {
  const { turn, known, rule } = work;
  const instants = function* (after: number): Iterable<Instant> {
    for (let time = gridFrom(work, after + 1); time <= to; time = gridFrom(work, time + 1)) {
      const instant = instantOf(work, tracker.subject, time);
      if (instant !== null) yield instant;
    }
  };
  const transitions: Transition[] = [];
  const start = tracker.rejudge(rule, from, instants, transitions);
  if (start === null) turn.state.counters.late++;
  else reissue(turn, known, tracker, start, transitions, at);
}

function concerns(work: Work, subject: string, { producer, agency }: Pick<Reading, 'producer' | 'agency'>): boolean {
  const { turn, rule } = work;
  if (subjectOf(rule.subject, producer, agency, turn.state.places) === subject) return true;
  const others = rule.frame.windows.filter(({ window: { across } }) => across === 'region' || across === 'neighbours');
  return others.some(({ window }) => seenBy(work, window, subject).some((station) => station.producer === producer));
}

/** Subjects of the stations known, with their agency, in order of appearance. */
function subjectsOf({ turn, rule, field }: Work): ReadonlyMap<string, string> {
  const subjects = new Map<string, string>();
  for (const { producer, agency } of field.stations.get(rule.input.name)?.values() ?? []) {
    const subject = subjectOf(rule.subject, producer, agency, turn.state.places);
    if (subject !== undefined && !subjects.has(subject)) subjects.set(subject, agency);
  }
  return subjects;
}

/** What a rule reads of a subject at an instant; null: there is nothing to judge. */
function instantOf(work: Work, subject: string, at: number): Instant | null {
  const { known, rule, field } = work;
  const { values } = known;
  let position = -1;
  if (rule.frame.properties.length > 0) {
    const own = field.stations.get(rule.input.name)?.get(subject)?.series;
    const reading = own === undefined ? undefined : newestOf(own, at, rule.everyMs);
    if (reading === undefined || !fillProperties(rule, reading, values)) return null;
    position = reading.position;
  }
  for (const { slot, window } of rule.frame.windows) {
    values[slot] = windowOf(work, window, subject, at);
    position = Math.max(position, newestPosition(work, window, subject, at));
  }
  if (position < 0) return null;
  fillRest(rule.frame, at, values);
  return { at, position, values };
}

function newestOf(series: Series, at: number, withinMs: number): Reading | undefined {
  const reading = series.readings[series.firstFrom(at + 1) - 1];
  return reading !== undefined && reading.at > at - withinMs ? reading : undefined;
}

function windowOf(work: Work, window: Window, subject: string, at: number) {
  const { field, rule } = work;
  const context = contextOf(work.turn.state, work.known);
  if (window.shape === 'ahead') {
    const known = field.forecasts.get(window.input.name) ?? new Map<string, Reading[]>();
    const mine = [...known].filter(([producer, [first]]) => isForecastFor(work, window, subject, producer, first?.agency ?? ''));
    const readings = mine.map(([, forecast]) => forecast);
    return forecastValue(window, readings, at, at + rule.settleMs);
  }
  if (window.across === 'own') {
    const own = field.stations.get(window.input.name)?.get(subject)?.series;
    return own === undefined ? null : windowValue(window, own, at, context);
  }
  return stationsValue(window, seenBy(work, window, subject), at, context);
}

/** Stations that a window of a subject looks at. */
function seenBy({ turn, rule, field }: Work, window: Window, subject: string): readonly Station[] {
  const { places, index } = turn.state;
  const viewer = { kind: rule.subject, places, epoch: index.epoch, changes: field.changes };
  return field.index.seenBy(viewer, window, subject, field.stations.get(window.input.name) ?? NO_STATIONS);
}

function isForecastFor({ turn, rule }: Work, { across }: Window, subject: string, producer: string, agency: string): boolean {
  const { places } = turn.state;
  if (across === 'own') return producer === subject;
  if (across === 'group') return subjectOf(rule.subject, producer, agency, places) === subject;
  const region = regionOf(producer, places);
  return region !== undefined && region === regionOf(subject, places);
}

/** Position of the newest record a window saw: part of the evidence. Forecasts alone make no instant. */
function newestPosition(work: Work, window: Window, subject: string, at: number): number {
  if (window.shape === 'ahead') return -1;
  let newest = -1;
  for (const { series } of seenBy(work, window, subject)) {
    newest = Math.max(newest, newestOf(series, at, window.overMs)?.position ?? -1);
  }
  return newest;
}

function gridFrom({ rule, zone }: Work, at: number): number {
  return instantFrom(rule, zone, at);
}

/** First time at or after a time at which a rule over stations is judged: counted from local midnight. */
export function instantFrom({ everyMs }: Pick<GridRule, 'everyMs'>, zone: TimeZone, at: number): number {
  const offset = everyMs % DAY_MS === 0 || zone.summer === null ? offsetAt(zone, at) : zone.offsetMs;
  return Math.ceil((at + offset) / everyMs) * everyMs - offset;
}

function prune(work: Work): void {
  const { known, rule, field } = work;
  field.sincePrune = 0;
  const horizon = Math.min(field.nextAt ?? 0, field.watermark - rule.latenessMs);
  let keepFrom = horizon;
  for (const tracker of known.trackers.values()) keepFrom = Math.min(keepFrom, tracker.neededFrom(rule, horizon));
  field.forgetBefore(keepFrom - reachOf(rule));
  field.forgetBeyond(STATION_READINGS_MAX);
}
