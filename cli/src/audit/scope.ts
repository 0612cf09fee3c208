/**
 * How much of a data directory an audit looks at: everything; what came since a moment or a position; or a sample of
 * batches, drawn by a seed so that anybody can draw the same ones again, with what such a sample can miss.
 */
import { hash } from 'node:crypto';
import type { BatchRecord } from '@airtight/protocol';

/** Where an audit begins. */
export type Since = { readonly position: number } | { readonly timeMs: number };

export interface SampleOrder {
  /** Batches to be drawn. */
  readonly count: number;
  readonly seed: string;
}

/** A place in the chain of batches: what comes next must follow on it. */
export interface ChainPoint {
  /** Sequence number of the next batch. */
  readonly batches: number;
  /** Hex SHA-256 of the batch record before; null at the beginning. */
  readonly lastBatch: string | null;
  /** Position of the next record. */
  readonly records: number;
}

export interface AuditScope {
  /** Only what follows on this, up to the limits; neither quarantine nor removals are gone through. */
  readonly after?: ChainPoint;
  readonly since?: Since;
  readonly sample?: SampleOrder;
}

export const EVERYTHING: AuditScope = {};

/** True when the batch holds something of what is asked for. */
export function isWithin(since: Since | undefined, batch: Pick<BatchRecord, 'first' | 'count' | 'lastAt'>): boolean {
  if (since === undefined) return true;
  return 'position' in since ? batch.first + batch.count > since.position : batch.lastAt >= since.timeMs;
}

const RANDOM_BYTES = 6;
const RANDOM_RANGE = 2 ** (8 * RANDOM_BYTES);

/** The i-th number in [0, 1) of a seed: the first 48 bits of SHA-256(seed ‖ ":" ‖ i). */
function seededNumber(seed: string, i: number): number {
  return hash('sha256', `${seed}:${i}`, 'buffer').readUIntBE(0, RANDOM_BYTES) / RANDOM_RANGE;
}

/**
 * Draws without replacement, in order (Knuth, The Art of Computer Programming 3.4.2, algorithm S): all choices of
 * `count` of `total` are equally likely.
 * @returns ascending numbers below `total`
 */
export function drawSample({ count, seed }: SampleOrder, total: number): number[] {
  const chosen: number[] = [];
  const wanted = Math.min(count, total);
  for (let i = 0; chosen.length < wanted; i++) {
    if (seededNumber(seed, i) * (total - i) < wanted - chosen.length) chosen.push(i);
  }
  return chosen;
}

/** What a sample can miss. */
export interface SampleStatement {
  readonly seed: string;
  readonly chosen: number;
  readonly of: number;
  /** Had this share of the batches been changed, no changed one would have been drawn with this probability. */
  readonly missed: readonly { readonly changedShare: number; readonly probability: number }[];
  /** The smallest share that would have been found with a probability of 95 % at the least; null: none. */
  readonly foundWith95: number | null;
}

const SHARES = [0.001, 0.01, 0.05];
const CONFIDENT = 0.05;

export function sampleStatement(seed: string, chosen: number, of: number): SampleStatement {
  const missed = SHARES.map((changedShare) => ({ changedShare, probability: missProbability(chosen, of, Math.ceil(changedShare * of)) }));
  return { seed, chosen, of, missed, foundWith95: smallestFound(chosen, of) };
}

/** Hypergeometric: none of `changed` among `chosen` of `of`. Rounded to six digits behind the point. */
export function missProbability(chosen: number, of: number, changed: number): number {
  let probability = 1;
  for (let i = 0; i < changed && probability > 0; i++) probability *= Math.max(0, (of - chosen - i) / (of - i));
  return Math.round(probability * 1e6) / 1e6;
}

function smallestFound(chosen: number, of: number): number | null {
  let [low, high] = [1, of];
  if (of === 0 || missProbability(chosen, of, of) > CONFIDENT) return null;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (missProbability(chosen, of, middle) <= CONFIDENT) high = middle;
    else low = middle + 1;
  }
  return low / of;
}
