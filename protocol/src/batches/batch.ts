/**
 * Batch record: what the ledger holds for a run of journal records. Canonical JSON (RFC 8785) of at most 1 KiB,
 * one ledger entry each. Consecutive batches of a stream cover consecutive positions without gap, and each names
 * the hash of the one before, so that a missing batch shows.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { SALTED_FIELDS } from '../records/record.ts';
import type { ProducersRoot } from './producer-index.ts';

export interface BatchRecord {
  readonly v: 1;
  readonly type: 'batch';
  /** Which journal: `{region}/{node}`. */
  readonly stream: string;
  /** 0, 1, 2 … within the stream. */
  readonly seq: number;
  /** Lower-case hex SHA-256 of the previous batch record's bytes; null for seq 0. */
  readonly prev: string | null;
  /** Journal position of the first record. */
  readonly first: number;
  /** Records in the batch: an RFC 6962 root does not commit to its size, so the count stands beside it. */
  readonly count: number;
  /** receivedAt of the first and of the last record, epoch ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Lower-case hex RFC 6962 root over the records' leaf hashes, in order of position. */
  readonly root: string;
  /** Index of the producers whose records these are (producer-index.ts): who has none here, and who has how many, is provable. */
  readonly producers: ProducersRoot;
  readonly tree: 'rfc6962-sha256';
  /** What a leaf commits to: `plain` = the record bytes; `salted-fields`: of one record at least, a root over its fields. */
  readonly commitment: 'plain' | typeof SALTED_FIELDS;
}

/** A batch is sealed when the first of these is reached. */
export const BATCH_MAX_AGE_MS = 1000;
export const BATCH_MAX_RECORDS = 4096;
export const BATCH_MAX_BYTES = 1024 * 1024;
export const BATCH_RECORD_MAX_BYTES = 1024;

const HEX_HASH = /^[0-9a-f]{64}$/;

/** Canonical bytes of a batch record: these are the ledger entry. */
export function encodeBatchRecord(batch: BatchRecord): Uint8Array {
  return new TextEncoder().encode(canonicalJson(batch));
}

/** @returns BATCH_MALFORMED when the bytes are not a batch record of version 1 in canonical form. */
export function decodeBatchRecord(bytes: Uint8Array): Outcome<BatchRecord> {
  if (bytes.length > BATCH_RECORD_MAX_BYTES) return refuse('BATCH_MALFORMED', `${bytes.length} bytes`);
  let text: string;
  let batch: BatchRecord;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    batch = JSON.parse(text);
  } catch {
    return refuse('BATCH_MALFORMED', 'not UTF-8 JSON');
  }
  const wellFormed =
    batch !== null &&
    typeof batch === 'object' &&
    batch.v === 1 &&
    batch.type === 'batch' &&
    batch.tree === 'rfc6962-sha256' &&
    (batch.commitment === 'plain' || batch.commitment === SALTED_FIELDS) &&
    Number.isSafeInteger(batch.seq) &&
    Number.isSafeInteger(batch.first) &&
    Number.isSafeInteger(batch.count) &&
    batch.count > 0 &&
    HEX_HASH.test(batch.root) &&
    isProducersRoot(batch.producers, batch.count);
  if (!wellFormed) return refuse('BATCH_MALFORMED', 'fields missing or out of range');
  if (canonicalJson(batch) !== text) return refuse('BATCH_MALFORMED', 'not in canonical form');
  return accept(batch);
}

/** A batch has at least one producer, and no more producers than records. */
function isProducersRoot(producers: unknown, records: number): boolean {
  if (producers === null || typeof producers !== 'object') return false;
  const { count, root } = producers as { readonly [member in keyof ProducersRoot]?: unknown };
  return (
    Number.isSafeInteger(count) && (count as number) > 0 && (count as number) <= records && typeof root === 'string' && HEX_HASH.test(root)
  );
}
