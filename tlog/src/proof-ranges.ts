/**
 * Which subtrees a proof names: half-open ranges of leaf indexes, in the order of the proof's hashes. Where the hashes
 * come from (leaf hashes in memory, tiles of a log) is for others. Sizes are whole numbers up to 2^53 − 1.
 */

export interface LeafRange {
  /** First leaf index. */
  readonly from: number;
  /** Leaf index after the last. */
  readonly to: number;
}

/** RFC 6962 §2.1: the largest power of two strictly smaller than n, for n > 1. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export function isPowerOfTwo(n: number): boolean {
  let rest = n;
  while (rest > 1 && rest % 2 === 0) rest /= 2;
  return rest === 1;
}

/** PATH(index, D[size]) of RFC 6962 §2.1.1, the leaf's sibling first. */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (!(Number.isSafeInteger(size) && Number.isSafeInteger(index) && index >= 0 && index < size)) {
    throw new RangeError(`no leaf ${index} in a tree of size ${size}`);
  }
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** PROOF(oldSize, D[newSize]) of RFC 6962 §2.1.2. Empty for oldSize 0 and for equal sizes. */
export function consistencyRanges(oldSize: number, newSize: number): LeafRange[] {
  if (!(Number.isSafeInteger(newSize) && Number.isSafeInteger(oldSize) && oldSize >= 0 && oldSize <= newSize)) {
    throw new RangeError(`no consistency proof from size ${oldSize} to size ${newSize}`);
  }
  const ranges: LeafRange[] = [];
  if (oldSize === 0) return ranges;
  let from = 0;
  let to = newSize;
  while (to !== oldSize) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The old tree itself is known to the verifier; a part of it is not.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}
