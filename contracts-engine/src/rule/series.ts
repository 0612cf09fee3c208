/** The readings of one producer in one dataset, in order of time: as much of them as the rules may still need. */
import type { Flag, Result } from '@airtight/protocol';
import type { Verdicts } from '../quality/value-verdict.ts';

export interface Reading {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  /** phenomenonTime, epoch ms. */
  readonly at: number;
  /** Of the newest record that said something about this time. */
  readonly position: number;
  readonly receivedAt: number;
  /** Reported when it was measured: neither late nor held back nor from the future. */
  readonly live: boolean;
  readonly values: { readonly [property: string]: Result };
  /** Flags by property, of those that have any. */
  readonly flags: { readonly [property: string]: readonly Flag[] };
  /** What the tests of a value alone said when it came, by property, of those that did not pass. */
  readonly judged: Verdicts | null;
  /** What a person says, by property; it takes the place of what the tests found. */
  readonly manual: Verdicts | null;
  /** How far behind the newest reading of its producer it was when it came; 0: in order. */
  readonly lateByMs: number;
}

/** A series never holds more, whatever its device sends; beyond it the oldest go and windows reach back less far. */
export const SERIES_READINGS_MAX = 20_000;

export class Series {
  /** In order of time, at most one for each. */
  readonly readings: Reading[];
  /** phenomenonTime of the newest reading; -1 before the first. */
  watermark: number;

  constructor(readings: Reading[] = [], watermark = -1) {
    this.readings = readings;
    this.watermark = watermark;
  }

  /** Appends a reading that is newer than all others. */
  append(reading: Reading): void {
    this.readings.push(reading);
    this.watermark = reading.at;
  }

  /**
   * Takes a reading that is not newer than the newest: in its place, or together with what is known of the same time,
   * where the later record wins property by property.
   * @returns the properties that differ now; none for a repeat
   */
  insert(reading: Reading): readonly string[] {
    const index = this.firstFrom(reading.at);
    const known = this.readings[index];
    if (known === undefined || known.at !== reading.at) {
      this.readings.splice(index, 0, reading);
      return Object.keys(reading.values);
    }
    const changed = Object.keys(reading.values).filter(
      (name) => !Object.hasOwn(known.values, name) || known.values[name] !== reading.values[name] || !sameMarks(known, reading, name),
    );
    if (changed.length > 0) this.readings[index] = merged(known, reading);
    return changed;
  }

  /** Index of the first reading at or after a time. */
  firstFrom(at: number): number {
    let [low, high] = [0, this.readings.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.readings[middle] as Reading).at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets what lies before a time. */
  forgetBefore(at: number): void {
    const index = this.firstFrom(at);
    if (index > 0) this.readings.splice(0, index);
  }
}

function sameMarks(a: Reading, b: Reading, name: string): boolean {
  return `${a.flags[name] ?? ''}` === `${b.flags[name] ?? ''}` && a.judged?.[name] === b.judged?.[name];
}

/** What counted already keeps counting: the lesser lateness stands. */
function merged(known: Reading, next: Reading): Reading {
  const flags = { ...known.flags };
  const judged = { ...known.judged };
  for (const name of Object.keys(next.values)) {
    delete flags[name];
    delete judged[name];
  }
  Object.assign(judged, next.judged);
  // What a person said of a time holds for every telling of it.
  const manual = known.manual === null && next.manual === null ? null : { ...known.manual, ...next.manual };
  return {
    ...next,
    values: { ...known.values, ...next.values },
    flags: { ...flags, ...next.flags },
    judged: Object.keys(judged).length === 0 ? null : judged,
    manual,
    live: known.live || next.live,
    lateByMs: Math.min(known.lateByMs, next.lateByMs),
  };
}
