/** Rules about one producer: each of its readings is judged once, in order; a late or revised one has everything since judged anew. */
import { issue, reissue } from '../alert/issue.ts';
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

function judgeNewest(turn: Turn, feed: Feed, { byProperty }: Route, reading: Reading): void {
  for (const name in reading.values) {
    const bounds = byProperty.get(name);
    if (bounds === undefined) continue;
    for (const bound of bounds) {
      if (bound.offered === reading) continue;
      bound.offered = reading;
      judge(turn, feed, bound, reading);
    }
  }
}

/** Filled anew for every reading; nothing keeps it. */
const instant = { at: 0, position: 0, values: [] as Instant['values'] };
const out: Transition[] = [];

function judge(turn: Turn, feed: Feed, bound: Bound, reading: Reading): void {
  const { state: known, rule, tracker, context } = bound;
  if (!fillFromSeries(rule, reading, feed.series, context, known.values)) return;
  if (tracker.isBehindExpiry(reading.at)) {
    tracker.live = reading.live;
    return rejudge(turn, feed, bound, reading.at);
  }
  instant.at = reading.at;
  instant.position = reading.position;
  instant.values = known.values;
  if (!tracker.advance(rule, instant, out)) turn.state.counters.uncomputable++;
  tracker.live = reading.live;
  if (out.length === 0) return;
  issue(turn, known, tracker, out);
  out.length = 0;
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
