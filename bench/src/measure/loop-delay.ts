/** How late ingest's event loop was, from the histogram in its metrics. */

const NAME = 'airtight_ingest_event_loop_delay_seconds';

/** Samples by upper bound in seconds, cumulative as Prometheus has them. */
export type DelayBuckets = ReadonlyMap<number, number>;

/** Reads the histogram out of an exposition text. @throws Error when it is not there */
export function delayBuckets(exposition: string): DelayBuckets {
  const buckets = new Map<number, number>();
  for (const [, bound, count] of exposition.matchAll(new RegExp(`^${NAME}_bucket\\{le="([^"]+)"\\} (\\d+)`, 'gm')))
    buckets.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count));
  if (buckets.size === 0) throw new Error(`no ${NAME} in the metrics`);
  return buckets;
}

/** Upper bound in ms of the bucket that the quantile of the samples between two readings lies in: never too good. */
export function delayQuantileMs(before: DelayBuckets, after: DelayBuckets, q: number): number {
  const total = (after.get(Number.POSITIVE_INFINITY) ?? 0) - (before.get(Number.POSITIVE_INFINITY) ?? 0);
  for (const [bound, count] of after) if (count - (before.get(bound) ?? 0) >= q * total) return bound * 1000;
  return Number.POSITIVE_INFINITY;
}
