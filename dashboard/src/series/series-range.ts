/** The time range and the bucket of charts: two separate choices, both in the URL, so that a view is a permanent link. */
import { wallTime, zonedTime } from '../i18n/time-format.ts';

export const RANGES = ['1h', '24h', '7d', '30d'] as const;
export type RangeName = (typeof RANGES)[number];
export const BUCKETS = ['auto', '1m', '10m', '1h', '1d'] as const;
export type BucketName = (typeof BUCKETS)[number];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
export const RANGE_MS: { readonly [name in RangeName]: number } = { '1h': HOUR_MS, '24h': DAY_MS, '7d': 7 * DAY_MS, '30d': 30 * DAY_MS };
const BUCKET_MS: { readonly [name in Exclude<BucketName, 'auto'>]: number } = {
  '1m': MINUTE_MS,
  '10m': 10 * MINUTE_MS,
  '1h': HOUR_MS,
  '1d': DAY_MS,
};
/** Points of one series on a screen; also the server's limit is near. A finer bucket than this allows is widened. */
export const POINTS_MAX = 2000;
/** What a chart of ordinary width can show. */
export const POINTS_WANTED = 600;
const RANGE_MIN_MS = 5 * MINUTE_MS;
const RANGE_MAX_MS = 366 * DAY_MS;

export interface ChosenRange {
  /** null: from and to are given. */
  readonly name: RangeName | null;
  /** Epoch ms; for a named range relative to `now`. */
  readonly from: number;
  readonly to: number;
  readonly bucket: BucketName;
  /** The server takes the narrowest bucket that keeps to so many points. */
  readonly maxPoints: number;
}

export interface RangeQuery {
  readonly range?: string;
  /** `YYYY-MM-DDTHH:mm` in the deployment's zone. */
  readonly from?: string;
  readonly to?: string;
  readonly bucket?: string;
}

/** @param fallback the range of a page without a query */
export function readRange(query: RangeQuery, now: number, zone: string, fallback: RangeName = '24h'): ChosenRange {
  const bucket = BUCKETS.find((name) => name === query.bucket) ?? 'auto';
  const from = zonedTime(query.from ?? '', zone);
  const to = zonedTime(query.to ?? '', zone);
  if (to - from >= RANGE_MIN_MS && to - from <= RANGE_MAX_MS)
    return { name: null, from, to, bucket, maxPoints: pointsFor(bucket, to - from) };
  const name = RANGES.find((candidate) => candidate === query.range) ?? fallback;
  const length = RANGE_MS[name];
  return { name, from: now - length, to: now, bucket, maxPoints: pointsFor(bucket, length) };
}

/** Query of a custom range, rounded outwards to whole minutes and to at least five of them. */
export function customQuery(from: number, to: number, zone: string): { from: string; to: string } {
  const start = Math.floor(from / MINUTE_MS) * MINUTE_MS;
  const end = Math.max(Math.ceil(to / MINUTE_MS) * MINUTE_MS, start + RANGE_MIN_MS);
  return { from: wallTime(start, zone), to: wallTime(end, zone) };
}

/** One more than the span holds, as its edges cut buckets. A bucket too narrow for the range falls back to `auto`. */
function pointsFor(bucket: BucketName, length: number): number {
  const points = bucket === 'auto' ? POINTS_WANTED : Math.ceil(length / BUCKET_MS[bucket]) + 1;
  return points <= POINTS_MAX ? Math.max(points, 2) : POINTS_WANTED;
}
