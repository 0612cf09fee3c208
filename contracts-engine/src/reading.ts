/** Observations of one record, put back together to readings: what one producer measured at one time. */
import type { Flag, Observation, Result } from '@airtight/protocol';
import type { Reading } from './rule/series.ts';

export const NO_FLAGS: { readonly [property: string]: readonly Flag[] } = {};

/** Readings in order of phenomenonTime, so that a logger read out backwards counts whole. */
export function readingsOf(observations: readonly Observation[], position: number): readonly Reading[] {
  const readings: Reading[] = [];
  let ordered = true;
  for (let from = 0; from < observations.length; ) {
    const time = (observations[from] as Observation).phenomenonTime;
    let to = from + 1;
    while (to < observations.length && (observations[to] as Observation).phenomenonTime === time) to++;
    ordered &&= readings.length === 0 || (readings.at(-1) as Reading).at <= time;
    readings.push(toReading(observations, from, to, position));
    from = to;
  }
  return ordered ? readings : readings.sort((a, b) => a.at - b.at);
}

function toReading(observations: readonly Observation[], from: number, to: number, position: number): Reading {
  const { agency, dataset, producer, phenomenonTime, receivedAt, flags: clock } = observations[from] as Observation;
  const values: { [property: string]: Result } = {};
  let flags: { [property: string]: readonly Flag[] } = NO_FLAGS;
  for (let i = from; i < to; i++) {
    const { observedProperty, result, flags: marks } = observations[i] as Observation;
    values[observedProperty] = result;
    if (marks.length === 0) continue;
    if (flags === NO_FLAGS) flags = {};
    flags[observedProperty] = marks;
  }
  const live = clock.length === 0 || !clock.some((flag) => flag === 'late' || flag === 'future' || flag === 'historical');
  return { agency, dataset, producer, at: phenomenonTime, position, receivedAt, live, values, flags, lateByMs: 0 };
}
