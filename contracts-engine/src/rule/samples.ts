/**
 * What a window sees of one series: its samples in order of time, so that a window of many readings is worth something without
 * each of them being looked at again for every new one. Whatever is summed up beforehand is exact (whole milliseconds, counts,
 * the smallest, the largest); sums of values are taken anew in their order, so that the same readings give the same bits.
 */

/** Samples of which the smallest and the largest are known together. */
const BLOCK = 64;

/** Which of the samples: [first, end). */
export interface Stretch {
  readonly first: number;
  readonly end: number;
}

interface Extremes {
  readonly smallest: number[];
  readonly largest: number[];
}

export class Samples {
  /** Epoch ms, ascending. */
  readonly times: number[] = [];
  /** Of one that does not satisfy the condition: 0. */
  readonly values: number[] = [];
  /** Of the samples up to each: how many satisfy the condition, and for how many ms it held. */
  readonly #satisfied: number[] | null;
  readonly #heldMs: number[] | null;
  readonly #gapsToMs: number;
  #isHolding = false;
  /** Of each block. */
  readonly #extremes: Extremes | null;

  /**
   * @param hasCondition some samples may not satisfy it
   * @param heldWithGapsToMs sum up for how long the condition held; a longer gap between two samples does not count; null: do not
   * @param extremes keep the smallest and the largest of each block
   */
  constructor(hasCondition: boolean, heldWithGapsToMs: number | null, extremes: boolean) {
    this.#satisfied = hasCondition ? [] : null;
    this.#heldMs = heldWithGapsToMs === null ? null : [];
    this.#gapsToMs = heldWithGapsToMs ?? 0;
    this.#extremes = extremes ? { smallest: [], largest: [] } : null;
  }

  /** Appends a sample, not earlier than the last; `false` does not satisfy the window's condition. */
  push(at: number, value: number | false): void {
    const { times, values } = this;
    if (this.#heldMs !== null) this.#heldMs.push(this.#heldUntil(at, this.#heldMs, value !== false));
    if (this.#satisfied !== null) this.#satisfied.push((this.#satisfied.at(-1) ?? 0) + (value === false ? 0 : 1));
    times.push(at);
    values.push(value === false ? 0 : value);
    if (this.#extremes === null || values.length % BLOCK !== 0) return;
    this.#extremes.smallest.push(smallestIn(values, values.length - BLOCK, values.length));
    this.#extremes.largest.push(largestIn(values, values.length - BLOCK, values.length));
  }

  /** A sample stands until the next one, unless nobody knows what was between them; the last one for no time. */
  #heldUntil(at: number, heldMs: readonly number[], holds: boolean): number {
    const sinceMs = at - (this.times.at(-1) ?? at);
    const addedMs = this.#isHolding && sinceMs <= this.#gapsToMs ? sinceMs : 0;
    this.#isHolding = holds;
    return (heldMs.at(-1) ?? 0) + addedMs;
  }

  /** The samples from one time to another, both in it. */
  between(from: number, to: number): Stretch {
    return { first: indexFrom(this.times, from), end: indexFrom(this.times, to + 1) };
  }

  /** How many satisfy the condition. */
  satisfied({ first, end }: Stretch): number {
    return this.#satisfied === null ? end - first : through(this.#satisfied, end) - through(this.#satisfied, first);
  }

  /** For how long the condition held, ms; 0 when nobody asked for it beforehand. */
  heldMs({ first, end }: Stretch): number {
    return end === first || this.#heldMs === null ? 0 : (this.#heldMs[end - 1] as number) - (this.#heldMs[first] as number);
  }

  /** In how many of the intervals of that length, counted from a time on, there is a sample. */
  intervals({ first, end }: Stretch, from: number, lengthMs: number): number {
    const { times } = this;
    let count = 0;
    for (let i = first; i < end; count++) {
      const interval = Math.floor(((times[i] as number) - from) / lengthMs);
      const next = from + (interval + 1) * lengthMs;
      i++;
      // Mostly one that comes after it is in another interval; of a device that reports more often many are in the same.
      if (i < end && (times[i] as number) < next) i = indexFrom(times, next, i + 1, end);
    }
    return count;
  }

  /** null: there is none. */
  smallest({ first, end }: Stretch): number | null {
    return end === first ? null : this.#extreme(first, end, this.#extremes?.smallest ?? [], smallestIn, Math.min);
  }

  /** null: there is none. */
  largest({ first, end }: Stretch): number | null {
    return end === first ? null : this.#extreme(first, end, this.#extremes?.largest ?? [], largestIn, Math.max);
  }

  #extreme(first: number, end: number, blocks: readonly number[], inValues: typeof smallestIn, of: typeof Math.min): number {
    const { values } = this;
    const [firstBlock, endBlock] = [Math.ceil(first / BLOCK), Math.min(blocks.length, Math.floor(end / BLOCK))];
    if (firstBlock >= endBlock) return inValues(values, first, end);
    let found = inValues(blocks, firstBlock, endBlock);
    if (first < firstBlock * BLOCK) found = of(found, inValues(values, first, firstBlock * BLOCK));
    if (endBlock * BLOCK < end) found = of(found, inValues(values, endBlock * BLOCK, end));
    return found;
  }
}

/** Of sums up to each sample: that of all before one. */
function through(sums: readonly number[], end: number): number {
  return end === 0 ? 0 : (sums[end - 1] as number);
}

/** Index of the first time at or after a time. */
function indexFrom(times: readonly number[], at: number, from = 0, to = times.length): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function smallestIn(values: readonly number[], from: number, to: number): number {
  let found = values[from] as number;
  for (let i = from + 1; i < to; i++) found = Math.min(found, values[i] as number);
  return found;
}

function largestIn(values: readonly number[], from: number, to: number): number {
  let found = values[from] as number;
  for (let i = from + 1; i < to; i++) found = Math.max(found, values[i] as number);
  return found;
}
