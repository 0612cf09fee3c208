/**
 * The longest stretch up to the newest value of a series whose values lie less than a tolerance apart. Equal values are
 * counted, not kept: a sensor that is stuck costs one entry. A device that reports much faster than its dataset's cadence is
 * counted once in about a cadence; what it says between ends a stretch, and lengthens none.
 */
import { isFlatSpan } from '@airtight/standards/qartod.ts';

export interface FlatRun {
  /** Of entries, the newest last: smallest and largest value, how many values count, when the first of them was, epoch ms. */
  readonly smallest: number[];
  readonly largest: number[];
  readonly counts: number[];
  readonly since: number[];
  /** Sum of the counts. */
  length: number;
  /** When the newest value was that counted, epoch ms. */
  countedAt: number;
}

export interface FlatRunRules {
  readonly tolerance: number;
  /** Values sooner after the last one that counted do not count. */
  readonly countEveryMs: number;
  /** A stretch of so many values that is so long need not be known any longer. */
  readonly lengthMax: number;
  readonly spanMaxMs: number;
}

export function newFlatRun(): FlatRun {
  return { smallest: [], largest: [], counts: [], since: [], length: 0, countedAt: Number.NEGATIVE_INFINITY };
}

/** Takes the next value. @param at not before the one before, epoch ms */
export function extendFlatRun(run: FlatRun, value: number, at: number, rules: FlatRunRules): void {
  const last = run.counts.length - 1;
  if (last >= 0 && at - run.countedAt < rules.countEveryMs) return takeBetween(run, last, value, at, rules);
  run.countedAt = at;
  run.length++;
  if (last >= 0 && run.smallest[last] === value && run.largest[last] === value) run.counts[last] = (run.counts[last] as number) + 1;
  else {
    push(run, value, at);
    dropWider(run, rules.tolerance);
  }
  dropOldest(run, at, rules);
}

/** How long the stretch is, ms. */
export function spanOf({ since }: FlatRun, at: number): number {
  return at - (since[0] ?? at);
}

function takeBetween(run: FlatRun, last: number, value: number, at: number, { tolerance }: FlatRunRules): void {
  const [low, high] = [Math.min(run.smallest[last] as number, value), Math.max(run.largest[last] as number, value)];
  if (low === run.smallest[last] && high === run.largest[last]) return;
  if (isFlatSpan(low, high, tolerance)) {
    run.smallest[last] = low;
    run.largest[last] = high;
    return dropWider(run, tolerance);
  }
  Object.assign(run, newFlatRun(), { length: 1, countedAt: at });
  push(run, value, at);
}

function push(run: FlatRun, value: number, at: number): void {
  run.smallest.push(value);
  run.largest.push(value);
  run.counts.push(1);
  run.since.push(at);
}

/** Keeps the longest end of the stretch that is flat. */
function dropWider(run: FlatRun, tolerance: number): void {
  let from = run.counts.length - 1;
  let [min, max] = [run.smallest[from] as number, run.largest[from] as number];
  while (from > 0) {
    const [low, high] = [Math.min(min, run.smallest[from - 1] as number), Math.max(max, run.largest[from - 1] as number)];
    if (!isFlatSpan(low, high, tolerance)) break;
    [min, max] = [low, high];
    from--;
  }
  drop(run, from);
}

/** Entries without which the stretch is as long as any test asks for. */
function dropOldest(run: FlatRun, at: number, { lengthMax, spanMaxMs }: FlatRunRules): void {
  let dropped = 0;
  let left = run.length;
  for (let i = 0; i + 1 < run.counts.length; i++) {
    left -= run.counts[i] as number;
    if (left < lengthMax || at - (run.since[i + 1] as number) < spanMaxMs) break;
    dropped++;
  }
  drop(run, dropped);
}

function drop(run: FlatRun, entries: number): void {
  if (entries === 0) return;
  for (let i = 0; i < entries; i++) run.length -= run.counts[i] as number;
  for (const list of [run.smallest, run.largest, run.counts, run.since]) list.splice(0, entries);
}
