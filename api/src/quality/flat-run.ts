/**
 * The longest stretch up to the newest value of a series whose values lie less than a tolerance apart. Equal values are
 * counted, not kept: a sensor that is stuck costs one number.
 */
import { isFlatSpan } from '@airtight/standards/qartod.ts';

export interface FlatRun {
  /** Runs of equal values, the newest last. */
  readonly values: number[];
  readonly counts: number[];
  /** Sum of the counts. */
  length: number;
}

export function newFlatRun(): FlatRun {
  return { values: [], counts: [], length: 0 };
}

/**
 * Takes the next value.
 * @param lengthMax values beyond are forgotten: no test asks for them
 */
export function extendFlatRun(run: FlatRun, value: number, tolerance: number, lengthMax: number): void {
  const { values, counts } = run;
  const last = values.length - 1;
  if (last >= 0 && values[last] === value) counts[last] = (counts[last] as number) + 1;
  else {
    values.push(value);
    counts.push(1);
  }
  run.length++;
  // Only a new value can make the stretch too wide, and only it and those before it need to be looked at.
  if (values.length - 1 !== last) dropWider(run, tolerance);
  while (run.length > lengthMax) {
    const excess = run.length - lengthMax;
    const oldest = counts[0] as number;
    if (oldest > excess) counts[0] = oldest - excess;
    else {
      values.shift();
      counts.shift();
    }
    run.length -= Math.min(oldest, excess);
  }
}

/** Keeps the longest end of the stretch that is flat. */
function dropWider(run: FlatRun, tolerance: number): void {
  const { values, counts } = run;
  let from = values.length - 1;
  let [min, max] = [values[from] as number, values[from] as number];
  while (from > 0) {
    const before = values[from - 1] as number;
    const [low, high] = [Math.min(min, before), Math.max(max, before)];
    if (!isFlatSpan(low, high, tolerance)) break;
    [min, max] = [low, high];
    from--;
  }
  if (from === 0) return;
  for (let i = 0; i < from; i++) run.length -= counts[i] as number;
  values.splice(0, from);
  counts.splice(0, from);
}
