/** Series as charts need them: live values taken in, gaps kept as gaps, flagged points known, summary. Pure. */
import type { Series } from '@airtight/protocol';
import { FAIL, SUSPECT } from '@airtight/standards/qartod.ts';
import { stronger } from '../quality/quality-flag.ts';

export type SeriesPoint = Series['points'][number];

/** A live value for a chart. */
export interface LiveValue {
  /** Epoch ms. */
  readonly time: number;
  readonly value: number;
  readonly flagged: boolean;
  /** QARTOD flag. */
  readonly quality: number;
}

/** Bound of a chart's memory: a live window longer than this is for the server to aggregate. */
export const LIVE_POINTS_MAX = 20_000;

/**
 * Takes a live value into its bucket. A value for an older bucket than the last one is left out: history is the server's.
 * @returns the points with it; points before `windowStart` are dropped
 */
export function appendValue(
  points: readonly SeriesPoint[],
  bucketMs: number,
  { time, value, flagged, quality }: LiveValue,
  windowStart: number,
): readonly SeriesPoint[] {
  const last = points.at(-1);
  // Buckets begin where the server's do: it counts them from midnight in the deployment's zone.
  const origin = last === undefined ? 0 : last[0];
  const start = origin + Math.floor((time - origin) / bucketMs) * bucketMs;
  const mark = flagged ? 1 : 0;
  if (last !== undefined && start < last[0]) return points;
  const kept = points.filter((point) => point[0] + bucketMs > windowStart);
  if (last === undefined || start > last[0])
    return [...kept, [start, value, value, value, 1, mark, last?.[6] ?? 1, quality] as SeriesPoint].slice(-LIVE_POINTS_MAX);
  const [, mean, min, max, count, marks, expected, worst] = last;
  const merged: SeriesPoint = [
    start,
    (mean * count + value) / (count + 1),
    Math.min(min, value),
    Math.max(max, value),
    count + 1,
    marks + mark,
    expected,
    stronger(worst, quality),
  ];
  return [...kept.slice(0, -1), merged];
}

/** The points with a value of one bucket judged worse than it was: a spike shows when the value after it is there. */
export function worsened(points: readonly SeriesPoint[], bucketMs: number, time: number, quality: number): readonly SeriesPoint[] {
  const index = points.findLastIndex(([start]) => start <= time);
  const point = points[index];
  if (point === undefined || time >= point[0] + bucketMs || stronger(point[7], quality) === point[7]) return points;
  const [start, mean, min, max, count, flagged, expected] = point;
  return points.with(index, [start, mean, min, max, count, flagged, expected, quality]);
}

export interface Columns {
  /** Epoch seconds, as uPlot counts. */
  readonly x: number[];
  readonly mean: (number | null)[];
  readonly min: (number | null)[];
  readonly max: (number | null)[];
  /** Index of points with flagged values. */
  readonly flagged: number[];
  /** Index of points whose worst value is suspect, or failed a test. */
  readonly suspect: number[];
  readonly failed: number[];
  /** Stretches with fewer values than expected, epoch seconds, and which share of them is there. */
  readonly thin: readonly (readonly [from: number, to: number, share: number])[];
  /** Stretches without values, epoch seconds. */
  readonly gaps: readonly (readonly [number, number])[];
}

/** A missing report or two at the rhythm of the data or of the buckets is a gap; one that is a little late is not. */
const GAP_FACTOR = 1.75;

/** @param cadenceMs how often the producer reports; buckets may be wider or narrower */
export function toColumns(points: readonly SeriesPoint[], bucketMs: number, cadenceMs: number): Columns {
  const columns = { x: [], mean: [], min: [], max: [], flagged: [], suspect: [], failed: [], thin: [], gaps: [] } as {
    x: number[];
    mean: (number | null)[];
    min: (number | null)[];
    max: (number | null)[];
    flagged: number[];
    suspect: number[];
    failed: number[];
    thin: [number, number, number][];
    gaps: [number, number][];
  };
  const gapMs = GAP_FACTOR * Math.max(bucketMs, cadenceMs);
  let before: number | undefined;
  const newest = points.at(-1)?.[0];
  for (const [time, mean, min, max, count, flagged, expected, worst] of points) {
    if (before !== undefined && time - before > gapMs) {
      columns.x.push((before + bucketMs) / 1000);
      columns.mean.push(null);
      columns.min.push(null);
      columns.max.push(null);
      columns.gaps.push([before / 1000, time / 1000]);
    }
    if (flagged > 0) columns.flagged.push(columns.x.length);
    if (worst === SUSPECT) columns.suspect.push(columns.x.length);
    if (worst === FAIL) columns.failed.push(columns.x.length);
    // The newest is not over yet.
    if (count < expected && time !== newest) columns.thin.push([time / 1000, (time + bucketMs) / 1000, count / expected]);
    columns.x.push(time / 1000);
    columns.mean.push(mean);
    columns.min.push(min);
    columns.max.push(max);
    before = time;
  }
  return columns;
}

export interface SeriesSummary {
  readonly min: number;
  readonly minAt: number;
  readonly max: number;
  readonly maxAt: number;
  readonly last: number;
  readonly lastAt: number;
  readonly flagged: number;
  /** Points whose worst value is suspect, or failed a test. */
  readonly suspect: number;
  readonly failed: number;
}

/** undefined without points. Times in epoch ms. */
export function summaryOf(points: readonly SeriesPoint[]): SeriesSummary | undefined {
  const last = points.at(-1);
  if (last === undefined) return undefined;
  let low = last;
  let high = last;
  let flagged = 0;
  let [suspect, failed] = [0, 0];
  for (const point of points) {
    if (point[2] < low[2]) low = point;
    if (point[3] > high[3]) high = point;
    flagged += point[5];
    if (point[7] === SUSPECT) suspect++;
    if (point[7] === FAIL) failed++;
  }
  return { min: low[2], minAt: low[0], max: high[3], maxAt: high[0], last: last[1], lastAt: last[0], flagged, suspect, failed };
}

/** Index of the point in whose bucket, or nearest to which, a time lies; −1 without points. */
export function pointAt(points: readonly SeriesPoint[], time: number, bucketMs: number): number {
  let low = 0;
  let high = points.length - 1;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((points[middle]?.[0] ?? 0) <= time) low = middle;
    else high = middle - 1;
  }
  const point = points[low];
  return point !== undefined && Math.abs(time - point[0]) <= Math.max(bucketMs, 1) * 2 ? low : -1;
}
