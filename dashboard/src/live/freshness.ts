/** Freshness of a value: a stale value never looks live (I6). */

/** A healthy producer reports once per cadence; two may be lost or late, the third is an outage. */
const STALE_CADENCES = 3;

export interface Freshness {
  readonly stale: boolean;
  /** now − time, never negative: a device's clock may run ahead of ours by a little. */
  readonly ageMs: number;
}

/**
 * @param time phenomenonTime, epoch ms
 * @param cadenceMs the dataset's; undefined: unknown dataset, never called fresh beyond an hour
 * @param now epoch ms of the server's clock
 */
export function freshnessOf(time: number, cadenceMs: number | undefined, now: number): Freshness {
  const ageMs = Math.max(0, now - time);
  const limitMs = cadenceMs === undefined ? 3_600_000 : STALE_CADENCES * cadenceMs;
  return { stale: ageMs > limitMs, ageMs };
}

/** True when the record is covered by a ledger checkpoint: all records below `anchoredThrough` are. */
export function isAnchored(record: string, anchoredThrough: number | undefined): boolean {
  return anchoredThrough !== undefined && Number(record) < anchoredThrough;
}
