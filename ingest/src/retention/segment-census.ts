/** What a sealed segment holds of each dataset, as far as retention is concerned. */
import { createHash, type Hash } from 'node:crypto';
import {
  decodeRecord,
  expiredBodyOf,
  isExpiredBody,
  isTelemetryDataset,
  RETENTION_KEPT_MAX,
  type RetentionRecord,
  recordIn,
  sparkplugBirthIn,
} from '@airtight/protocol';
import type { WalkedFrame } from '../journal/segment-walk.ts';
import { sha256 } from '../leaf-hash.ts';

/** Of one dataset. */
export interface DatasetCensus extends Pick<RetentionRecord, 'fromPosition' | 'toPosition' | 'count' | 'keptSha256'> {
  /** receivedAt of the newest of them, epoch ms. */
  readonly newestAt: number;
  /** Positions between that must keep their payload. */
  readonly kept: readonly number[];
}

/** Datasets with payloads that may be removed. */
export type SegmentCensus = ReadonlyMap<string, DatasetCensus>;

interface Counting {
  fromPosition: number;
  toPosition: number;
  count: number;
  newestAt: number;
  kept: number[];
  readonly digest: Hash;
}

/**
 * Counts a segment through.
 * @param frames its frames in order of position
 */
export async function takeCensus(frames: AsyncIterable<readonly WalkedFrame[]>): Promise<SegmentCensus> {
  const datasets = new Map<string, Counting>();
  for await (const stretch of frames) for (const frame of stretch) count(frame, datasets);
  const census = new Map<string, DatasetCensus>();
  for (const [dataset, { digest, kept, ...counted }] of datasets) {
    const between = kept.filter((position) => position > counted.fromPosition && position < counted.toPosition);
    if (counted.count > 0 && between.length <= RETENTION_KEPT_MAX)
      census.set(dataset, { ...counted, kept: between, keptSha256: digest.digest('hex') });
  }
  return census;
}

function count({ position, body }: WalkedFrame, datasets: Map<string, Counting>): void {
  if (isExpiredBody(body)) return;
  const record = decodeRecord(recordIn(body));
  if (!record.ok || !isTelemetryDataset(record.value.header.dataset)) return;
  const { dataset, receivedAt } = record.value.header;
  let counting = datasets.get(dataset);
  if (counting === undefined) {
    counting = { fromPosition: position, toPosition: position, count: 0, newestAt: 0, kept: [], digest: createHash('sha256') };
    datasets.set(dataset, counting);
  }
  // Records that refer to a birth cannot be read without it.
  if (sparkplugBirthIn(recordIn(body), position) !== undefined) {
    counting.kept.push(position);
    return;
  }
  if (counting.count === 0) counting.fromPosition = position;
  counting.toPosition = position;
  counting.count++;
  counting.newestAt = Math.max(counting.newestAt, receivedAt);
  counting.digest.update(expiredBodyOf(body, sha256));
}

/** The body that takes the place of one that a retention record covers; undefined for all others. */
export function removalOf(covering: readonly RetentionRecord[]): (position: number, body: Uint8Array) => Uint8Array | undefined {
  const kept = new Set(covering.flatMap(({ kept: positions = [] }) => positions));
  return (position, body) => {
    if (isExpiredBody(body) || kept.has(position)) return undefined;
    const within = covering.filter(({ fromPosition, toPosition }) => position >= fromPosition && position <= toPosition);
    if (within.length === 0) return undefined;
    const record = decodeRecord(recordIn(body));
    const isCovered = record.ok && within.some(({ dataset }) => dataset === record.value.header.dataset);
    return isCovered ? expiredBodyOf(body, sha256) : undefined;
  };
}
