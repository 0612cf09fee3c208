/**
 * A snapshot as text: its state, and its readings apart. Nearly all of a large one is readings: these never change, so their text
 * can be made later; and no text holds all of them, which beyond half a gigabyte no engine of JavaScript could.
 */
import { packReadings, unpackReadings } from './packed-readings.ts';
import type { Reading } from './rule/series.ts';
import type { EngineSnapshot } from './snapshot.ts';

export interface SnapshotParts {
  /** JSON of the snapshot in which every `readings` is their number. */
  readonly state: string;
  /** The readings, in order: of no line more than one `readings`. */
  readonly lines: Iterable<string>;
}

/** Members that hold readings further in. */
const TAKEN_APART: ReadonlySet<string> = new Set(['contracts', 'rules', 'field', 'stations', 'forecasts', 'feeds']);
const READINGS = 'readings';

/** @param view may share what changes: it is of use until the first event after this call, the parts for as long as they are wanted */
export function snapshotParts(view: EngineSnapshot): SnapshotParts {
  const series: (readonly Reading[])[] = [];
  const state = JSON.stringify(takenApart(view, series));
  return { state, lines: linesOf(series) };
}

/**
 * @param state as parsed from the parts' `state`
 * @param lines the parts' lines
 * @throws RangeError when they do not belong together
 */
export function joinSnapshot(state: unknown, lines: Iterable<string>): EngineSnapshot {
  const iterator = lines[Symbol.iterator]();
  const joined = putTogether(state as object, iterator);
  if (iterator.next().done !== true) throw new RangeError('more readings than the state of the snapshot counts');
  return joined as EngineSnapshot;
}

function* linesOf(series: readonly (readonly Reading[])[]): Iterable<string> {
  for (const readings of series) yield* packReadings(readings);
}

function takenApart(object: object, series: (readonly Reading[])[]): object {
  return mapMembers(object, (key, value) => {
    if (key === READINGS) {
      series.push([...(value as readonly Reading[])]);
      return (value as readonly Reading[]).length;
    }
    return TAKEN_APART.has(key) ? each(value, (one) => takenApart(one, series)) : value;
  });
}

function putTogether(object: object, lines: Iterator<string>): object {
  return mapMembers(object, (key, value) => {
    if (key === READINGS) return take(lines, value as number);
    return TAKEN_APART.has(key) ? each(value, (one) => putTogether(one, lines)) : value;
  });
}

function take(lines: Iterator<string>, count: number): readonly Reading[] {
  const readings: Reading[] = [];
  while (readings.length < count) {
    const { value, done } = lines.next();
    if (done === true) throw new RangeError('fewer readings than the state of the snapshot counts');
    readings.push(...unpackReadings(value));
  }
  if (readings.length > count) throw new RangeError('other readings than the state of the snapshot counts');
  return readings;
}

function mapMembers(object: object, map: (key: string, value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(key, value)]));
}

function each(value: unknown, map: (one: object) => object): unknown {
  if (value === null || value === undefined) return value;
  return Array.isArray(value) ? value.map((one) => map(one as object)) : map(value);
}
