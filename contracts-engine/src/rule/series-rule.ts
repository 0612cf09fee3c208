/** Rules about one producer: each of its readings is judged once, in order; a late or revised one has everything since judged anew. */
import { issue, reissue } from '../alert/issue.ts';
import { NO_FLAGS } from '../reading.ts';
import type { Turn } from '../turn.ts';
import type { Bound, Feed, Route } from './feed.ts';
import { fillFromSeries } from './frame.ts';
import type { Instant, Transition } from './machine.ts';
import type { Reading } from './series.ts';

/** Takes a reading of a producer. */
export function judgeReading(turn: Turn, feed: Feed, route: Route, reading: Reading): void {
  const { series } = feed;
  if (reading.at > series.watermark) {
    series.append(reading);
    judgeNewest(turn, feed, route, reading);
    if (series.readings.length >= feed.pruneAt) feed.prune(route);
    return;
  }
  const lateByMs = series.watermark - reading.at;
  if (lateByMs > route.latenessMs) {
    if (route.bounds.length > 0) turn.state.counters.late++;
    return;
  }
  const changed = series.insert({ ...reading, lateByMs });
  const concerned = new Set(changed.flatMap((name) => route.touching.get(name) ?? []));
  for (const bound of concerned) {
    if (lateByMs > bound.rule.latenessMs) turn.state.counters.late++;
    else rejudge(turn, feed, bound, reading.at);
  }
}

/** Values that are held count otherwise from a time on: what they decided is judged anew, as far back as late data reach. */
export function rejudgeSeries(turn: Turn, feed: Feed, route: Route, property: string, from: number): void {
  for (const bound of route.touching.get(property) ?? []) {
    const horizon = feed.series.watermark - bound.rule.latenessMs;
    if (from < horizon) turn.state.counters.late++;
    rejudge(turn, feed, bound, Math.max(from, horizon));
  }
}

function judgeNewest(turn: Turn, feed: Feed, { byProperty }: Route, reading: Reading): void {
  for (const name in reading.values) {
    const bounds = byProperty.get(name);
    if (bounds === undefined) continue;
    const value = reading.values[name];
    // Most rules read one number, which need not be looked up again for each; flags and verdicts ask for a closer look.
    const isBareNumber = typeof value === 'number' && reading.flags === NO_FLAGS && reading.judged === null && reading.manual === null;
    for (const bound of bounds) {
      const { offeredBy, loneSlot } = bound.reads;
      if (offeredBy.length > 1) {
        if (bound.offered === reading) continue;
        bound.offered = reading;
      }
      if (isBareNumber && loneSlot >= 0) bound.state.values[loneSlot] = value;
      else if (!fillFromSeries(bound.rule, reading, feed.series, bound.context, bound.state.values)) continue;
      if (bound.tracker.isBehindExpiry(reading.at)) judgeBehindExpiry(turn, feed, bound, reading);
      else judge(turn, bound, reading);
    }
  }
}

/** Filled anew for every reading; nothing keeps it. */
const instant = { at: 0, position: 0, values: [] as Instant['values'] };
const out: Transition[] = [];

/** Judges by what stands in the rule's frame. */
function judge(turn: Turn, { state: known, rule, tracker }: Bound, reading: Reading): void {
  instant.at = reading.at;
  instant.position = reading.position;
  instant.values = known.values;
  if (!tracker.advance(rule, instant, out)) turn.state.counters.uncomputable++;
  tracker.live = reading.live;
  if (out.length === 0) return;
  issue(turn, known, tracker, out);
  out.length = 0;
}

/** The clock has cleared what this reading may confirm. */
function judgeBehindExpiry(turn: Turn, feed: Feed, bound: Bound, { at, live }: Reading): void {
  bound.tracker.live = live;
  rejudge(turn, feed, bound, at);
}

function rejudge(turn: Turn, feed: Feed, { state: known, rule, tracker, context }: Bound, from: number): void {
  const transitions: Transition[] = [];
  const instants = function* (after: number): Iterable<Instant> {
    const { readings } = feed.series;
    for (let i = feed.series.firstFrom(after + 1); i < readings.length; i++) {
      const reading = readings[i] as Reading;
      if (reading.position <= known.from) continue;
      if (!fillFromSeries(rule, reading, feed.series, context, known.values)) continue;
      yield { at: reading.at, position: reading.position, values: known.values };
    }
  };
  const start = tracker.rejudge(rule, from, instants, transitions);
  if (start === null) turn.state.counters.late++;
  else reissue(turn, known, tracker, start, transitions, from);
}
