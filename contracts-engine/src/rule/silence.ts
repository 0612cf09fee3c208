/** A device that falls silent, by its own rhythm. */
import { TICK_INTERVAL_MS } from '@airtight/protocol';

/** What is known of one producer's rhythm: of fixed size. */
export interface Silence {
  agency: string;
  /** Newest live phenomenonTime and its position; -1: it has never reported live. */
  at: number;
  position: number;
  /** Time between its newest live readings, the newest last. */
  gaps: readonly number[];
  /** A person cleared the alert: it is raised again only after data have come. */
  disarmed: boolean;
  active: boolean;
  /** Of an active alert. */
  since: number;
}

/** Until when no tick can change anything about the silences of a rule: found at one tick, so that the next ones cost nothing. */
export interface Quiet {
  /** Epoch ms, not included. */
  until: number;
  /** What it was found under: the tick, since when ticks had come, and the state of contracts and places. */
  at: number;
  listeningSince: number;
  epoch: number;
}

/** Something is known that was not when it was found. */
export function lookAgain(quiet: Quiet): void {
  quiet.until = Number.NEGATIVE_INFINITY;
}

/** From so many intervals on a device's own rhythm counts; before, the dataset's. */
const GAPS_LEAST = 4;
const GAPS_MAX = 9;

/** Takes note of a live reading. Of one time it counts once; an older one says nothing about the rhythm. */
export function hear(silence: Silence, at: number, position: number): void {
  if (at <= silence.at) return;
  if (silence.at >= 0) silence.gaps = [...silence.gaps.slice(1 - GAPS_MAX), at - silence.at];
  silence.at = at;
  silence.position = position;
  silence.disarmed = false;
}

/** The median of its newest intervals, at least a tick; the dataset's cadence while it is new. */
export function cadenceOf({ gaps }: Silence, cadenceMs: number): number {
  if (gaps.length < GAPS_LEAST) return cadenceMs;
  const sorted = [...gaps].sort((a, b) => a - b);
  return Math.max(TICK_INTERVAL_MS, sorted[Math.floor((sorted.length - 1) / 2)] as number);
}
