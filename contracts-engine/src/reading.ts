/** Observations of one record, put back together to readings: what one producer measured at one time. */
import type { Flag, Observation, Result } from '@airtight/protocol';
import { type PersonsWords, personsVerdicts, testVerdict, type ValueTests, type Verdict } from './quality/value-verdict.ts';
import type { Reading } from './rule/series.ts';

export const NO_FLAGS: { readonly [property: string]: readonly Flag[] } = {};

/** What values are judged by when they come. */
export interface Judges {
  readonly tests: ValueTests | undefined;
  readonly words: PersonsWords;
}

/** Readings in order of phenomenonTime, so that a logger read out backwards counts whole. */
export function readingsOf(observations: readonly Observation[], position: number, judges: Judges): readonly Reading[] {
  const readings: Reading[] = [];
  let ordered = true;
  for (let from = 0; from < observations.length; ) {
    const time = (observations[from] as Observation).phenomenonTime;
    let to = from + 1;
    while (to < observations.length && (observations[to] as Observation).phenomenonTime === time) to++;
    ordered &&= readings.length === 0 || (readings.at(-1) as Reading).at <= time;
    readings.push(toReading(observations.length === 1 ? observations : observations.slice(from, to), position, judges));
    from = to;
  }
  return ordered ? readings : readings.sort((a, b) => a.at - b.at);
}

function toReading(observations: readonly Observation[], position: number, { tests, words }: Judges): Reading {
  const { agency, dataset, producer, phenomenonTime, receivedAt, flags: clock } = observations[0] as Observation;
  const values: { [property: string]: Result } = {};
  let flags: { [property: string]: readonly Flag[] } = NO_FLAGS;
  let judged: { [property: string]: Verdict } | null = null;
  for (const observation of observations) {
    const { observedProperty, result, flags: marks } = observation;
    if (tests !== undefined) {
      const verdict = testVerdict(observation, observations, tests);
      if (verdict !== undefined) {
        judged ??= {};
        judged[observedProperty] = verdict;
      }
    }
    values[observedProperty] = result;
    if (marks.length === 0) continue;
    if (flags === NO_FLAGS) flags = {};
    flags[observedProperty] = marks;
  }
  const live = clock.length === 0 || !clock.some((flag) => flag === 'late' || flag === 'future' || flag === 'historical');
  const manual = words.length === 0 ? null : personsVerdicts(words, phenomenonTime, Object.keys(values));
  return { agency, dataset, producer, at: phenomenonTime, position, receivedAt, live, values, flags, judged, manual, lateByMs: 0 };
}
