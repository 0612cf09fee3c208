/**
 * Room for readings: as many as all producers together may have in memory. Who reports ten times a second under a rule that looks
 * back a day would otherwise take all of it.
 */
import type { EngineState } from '../engine-state.ts';
import type { Feed } from './feed.ts';

/** Some 400 bytes each: a day of minutes of 1,700 stations. */
export const READINGS_MAX = 2_500_000;
/** What is forgotten at once of a series that must give room. */
const GIVEN_SHARE = 0.25;

export interface Room {
  readonly max: number;
  /** Readings of all feeds, and how many feeds there are. */
  held: number;
  feeds: number;
}

/** To be told whenever readings of a feed have come or gone. */
export function countReadings({ index: { room } }: EngineState, feed: Feed): void {
  if (feed.counted < 0) room.feeds++;
  room.held += feed.series.readings.length - Math.max(0, feed.counted);
  feed.counted = feed.series.readings.length;
}

/**
 * While there are too many, who takes a reading and has more of them than most forgets its oldest: its windows reach back less far, and
 * what they then say is counted as `cut`.
 */
export function giveRoom(state: EngineState, feed: Feed): void {
  const { room } = state.index;
  const { length } = feed.series.readings;
  if (room.held <= room.max || length * room.feeds <= room.held) return;
  const given = Math.ceil(length * GIVEN_SHARE);
  feed.series.forgetBeyond(length - given);
  state.counters.cut += given;
  countReadings(state, feed);
}
