/**
 * I = (I_hi − I_lo) / (BP_hi − BP_lo) · (C − BP_lo) + I_lo, to the nearest whole number: how the indices of the United States
 * and of India go from breakpoint to breakpoint. Neither names a rule for ties; 0.5 goes up.
 */

/** `low` to `high` of the concentration, in whole units of its last place, stand for the index `from` to `to`. */
export interface Segment {
  readonly low: number;
  readonly high: number;
  readonly from: number;
  readonly to: number;
}

/** Breakpoints of one pollutant. `unitsPer`: whole units in 1 of the concentration's unit. */
export interface SegmentScale {
  readonly unitsPer: number;
  readonly segments: readonly Segment[];
}

/**
 * @param rows [BP_lo, BP_hi, I_lo, I_hi] as printed, ascending
 * @param unitsPer 1, 10, 1000: ten to the number of decimals the breakpoints are printed with
 */
export function segmentScale(unitsPer: number, rows: readonly (readonly [number, number, number, number])[]): SegmentScale {
  const units = (c: number): number => Math.round(c * unitsPer);
  return { unitsPer, segments: rows.map(([low, high, from, to]) => ({ low: units(low), high: units(high), from, to })) };
}

/** @param units whole; all operands are whole, so that no double is rounded across the tie; above `high` the line goes on */
export function indexOn({ low, high, from, to }: Segment, units: number): number {
  const width = high - low;
  return from + Math.floor((2 * (to - from) * (units - low) + width) / (2 * width));
}
