/** The readings of one producer in one dataset, in order of time: as much of them as the rules may still need. */
import type { Flag, Result } from '@airtight/protocol';
import type { Window } from '../contract.ts';
import type { Verdicts } from '../quality/value-verdict.ts';
import type { Samples } from './samples.ts';

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

/** Samples that were made of the readings [first, end) of a series. */
interface KeptSamples {
  readonly samples: Samples;
  readonly first: number;
  end: number;
}

export class Series {
  /** In order of time, at most one for each. */
  readonly readings: readonly Reading[];
  /** phenomenonTime of the newest reading; -1 before the first. */
  watermark: number;
  readonly #readings: Reading[];
  /** Good as long as readings are only appended. */
  #kept: Map<Window, KeptSamples> | null = null;

  constructor(readings: Reading[] = [], watermark = -1) {
    this.#readings = readings;
    this.readings = readings;
    this.watermark = watermark;
  }

  /** What a window has kept. A window belongs to one version of a contract under one definition of its dataset, so it goes on seeing the same. */
  kept(window: Window): KeptSamples | undefined {
    return this.#kept?.get(window);
  }

  keep(window: Window, samples: KeptSamples): void {
    this.#kept ??= new Map();
    this.#kept.set(window, samples);
  }

  /** Appends a reading that is newer than all others. */
  append(reading: Reading): void {
    this.#readings.push(reading);
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
      this.#kept = null;
      this.#readings.splice(index, 0, reading);
      return Object.keys(reading.values);
    }
    const changed = Object.keys(reading.values).filter(
      (name) => !Object.hasOwn(known.values, name) || known.values[name] !== reading.values[name] || !sameMarks(known, reading, name),
    );
    if (changed.length > 0) this.replace(index, merged(known, reading));
    return changed;
  }

  /** The same reading, told or judged otherwise. */
  replace(index: number, reading: Reading): void {
    this.#kept = null;
    this.#readings[index] = reading;
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
    this.#forget(this.firstFrom(at));
  }

  /** Forgets the oldest beyond a number of readings. */
  forgetBeyond(readings: number): void {
    this.#forget(this.#readings.length - readings);
  }

  forgetAll(): void {
    this.#forget(this.#readings.length);
  }

  #forget(count: number): void {
    if (count <= 0) return;
    this.#kept = null;
    this.#readings.splice(0, count);
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
