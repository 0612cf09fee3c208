/**
 * What is on record, read from outside: journal through the feed, ledger through its published tiles. Hashes and trees are
 * computed here with node:crypto, apart from the product's own code, so that the two are held against each other.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type BatchRecord,
  decodeBatchRecord,
  decodeRecord,
  FEED_NEXT_HEADER,
  type RecordHeader,
  readFrame,
  recordIn,
} from '@airtight/protocol';
import type { Product } from './product.ts';

/** Whoever answers requests to ingest's internal interface. */
export interface IngestSource {
  ingest(path: string): Promise<Response>;
}

export interface JournalRecord {
  readonly position: number;
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
  /** RFC 6962 leaf hash. */
  readonly leafHash: Buffer;
}

/** Every record from position 0 to the committed end. */
export async function readJournal(product: IngestSource): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for (;;) {
    const answer = await product.ingest(`/feed?from=${records.length}&waitMs=0&maxBytes=8388608`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    for (let offset = 0; offset < bytes.length; ) {
      const frame = readFrame(bytes, offset, crc32);
      if (typeof frame === 'string') throw new Error(`frame ${records.length}: ${frame}`);
      records.push(toRecord(records.length, frame.body));
      offset = frame.end;
    }
    const next = Number(answer.headers.get(FEED_NEXT_HEADER));
    if (next !== records.length) throw new Error(`the feed says ${next}, its frames ${records.length}`);
    if (bytes.length === 0) return records;
  }
}

function toRecord(position: number, body: Uint8Array): JournalRecord {
  const decoded = decodeRecord(recordIn(body));
  if (!decoded.ok) throw new Error(`record ${position}: ${decoded.detail}`);
  return { position, ...decoded.value, leafHash: createHash('sha256').update(body).digest() };
}

/** Entries of the log, from the entry bundles that the ledger publishes (C2SP tlog-tiles). */
export async function readLedger(product: Product): Promise<Uint8Array[]> {
  const checkpoint = await (await product.fetch('/ledger/checkpoint')).text();
  const size = Number(checkpoint.split('\n')[1]);
  const entries: Uint8Array[] = [];
  for (let bundle = 0; entries.length < size; bundle++) {
    const width = Math.min(256, size - bundle * 256);
    const path = `/ledger/tile/entries/${tilePath(bundle)}${width === 256 ? '' : `.p/${width}`}`;
    entries.push(...splitBundle(new Uint8Array(await (await product.fetch(path)).arrayBuffer())));
    if (entries.length !== bundle * 256 + width) throw new Error(`${path} holds ${entries.length - bundle * 256} entries`);
  }
  return entries;
}

/** `x001/x234/067` for 1234067: groups of three digits, all but the last with an x. */
function tilePath(index: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function splitBundle(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) throw new Error('an entry bundle ends inside an entry');
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** The batch records among the ledger's entries, in the ledger's order. */
export async function readBatches(product: Product): Promise<BatchRecord[]> {
  return (await readLedger(product)).flatMap((entry) => {
    const batch = decodeBatchRecord(entry);
    return batch.ok ? [batch.value] : [];
  });
}

/** RFC 6962 §2.1: MTH over leaf hashes. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return first;
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  const [left, right] = [merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split))];
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

/**
 * What is wrong between journal and ledger: batches must cover the journal from 0 on, each record once, each with the root of
 * its records. Empty when nothing is. Records after the last batch are not anchored yet and are counted by the caller.
 */
export function compareBatches(records: readonly JournalRecord[], batches: readonly BatchRecord[]): string[] {
  const faults: string[] = [];
  let expected = 0;
  for (const [at, batch] of batches.entries()) {
    if (batch.seq !== at) faults.push(`batch ${batch.seq} stands at place ${at}`);
    if (batch.first !== expected) faults.push(`batch ${batch.seq} begins at ${batch.first}, expected ${expected}`);
    expected = batch.first + batch.count;
    const leaves = records.slice(batch.first, expected).map((record) => record.leafHash);
    if (leaves.length !== batch.count) faults.push(`batch ${batch.seq} covers ${batch.count} records, the journal has ${leaves.length}`);
    else if (merkleRoot(leaves).toString('hex') !== batch.root) faults.push(`batch ${batch.seq} has another root than its records`);
  }
  if (expected > records.length) faults.push(`the ledger covers ${expected} records, the journal has ${records.length}`);
  return faults;
}
