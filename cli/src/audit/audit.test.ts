/** Every kind of damage that `audit` tells apart, in a small journal with its batches and a real ledger. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { auditLedger, createLedger, readLedgerKey } from '@airtight/ledger';
import { type BatchRecord, countProducers, encodeBatchRecord, encodeRecord, producersRootOf } from '@airtight/protocol';
import { leafHash, rootOfLeafHashes } from '@airtight/tlog';
import { createDataDirectory, type DataDirectory, dataDirectory } from '../data-directory.ts';
import { createLedgerIdentity } from '../first-start/ledger-key.ts';
import { segmentFile } from '../journal/journal-walk.ts';
import { auditEntries } from './audit-entries.ts';
import { auditJournal, NO_LIMITS } from './audit-journal.ts';

const root = mkdtempSync(join(tmpdir(), 'audit-'));
after(() => rmSync(root, { recursive: true }));
const data: DataDirectory = dataDirectory(join(root, 'data'));
const recordsFile = segmentFile(join(data.journal, 'records'), 0);
const batchesFile = segmentFile(join(data.journal, 'batches'), 0);
const anchorsFile = segmentFile(join(data.journal, 'anchors'), 0);
const nothing = () => {};
const BATCH_SIZES = [3, 1, 5];
const UNSEALED = 2;

function frame(record: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([0]), record]);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

function write(file: string, records: readonly Uint8Array[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, Buffer.concat(records.map(frame)));
}

const records: Uint8Array[] = [];
const batches: Uint8Array[] = [];
const anchors: Uint8Array[] = [];

function batchRecord(first: number, count: number, changed: Partial<BatchRecord> = {}): Uint8Array {
  const leaves = Buffer.concat(records.slice(first, first + count).map((record) => leafHash(record)));
  const previous = batches.at(-1);
  return encodeBatchRecord({
    v: 1,
    type: 'batch',
    stream: 'local/1',
    seq: batches.length,
    prev: previous === undefined ? null : hash('sha256', previous, 'hex'),
    first,
    count,
    firstAt: first,
    lastAt: first + count,
    root: Buffer.from(rootOfLeafHashes(leaves)).toString('hex'),
    producers: producersRootOf(countProducers(records.slice(first, first + count))),
    tree: 'rfc6962-sha256',
    commitment: 'plain',
    ...changed,
  });
}

function writeAll(): void {
  write(recordsFile, records);
  write(batchesFile, batches);
  write(anchorsFile, anchors);
}

before(async () => {
  createDataDirectory(data);
  await createLedgerIdentity(data, undefined, {});
  const total = BATCH_SIZES.reduce((sum, size) => sum + size, 0) + UNSEALED;
  for (let i = 0; i < total; i++) {
    const header = {
      v: 1,
      agency: 'a',
      dataset: 'd',
      producer: 'p',
      receivedAt: i,
      door: 'mqtt',
      contentType: 'application/json',
    } as const;
    records.push(encodeRecord(header, Buffer.from(`{"t":${i},"m":{"x":${i}}}`)));
  }
  const key = await readLedgerKey(data.ledgerKeyFile, 'airtight.local/ledger');
  const ledger = await createLedger({ dir: data.ledger, key });
  let first = 0;
  for (const size of BATCH_SIZES) {
    const bytes = batchRecord(first, size);
    first += size;
    batches.push(bytes);
    const { indexes } = await ledger.append([bytes]);
    anchors.push(Buffer.from(JSON.stringify({ seq: batches.length - 1, ledgerIndex: indexes[0] })));
  }
  ledger.close();
  writeAll();
});

/** The first finding of journal, batches and entries, after `damage` was done; everything is whole again afterwards. */
function findingAfter(damage: () => void): { readonly code: string; readonly file?: string; readonly position?: number } | undefined {
  damage();
  try {
    const journal = auditJournal(data, NO_LIMITS, nothing).finding;
    return journal ?? auditEntries(data, NO_LIMITS, batches.length, nothing).finding;
  } finally {
    writeAll();
  }
}

test('what is whole passes, and is counted', async () => {
  const { finding, counts } = auditJournal(data, NO_LIMITS, nothing);
  assert.equal(finding, undefined);
  assert.deepEqual(counts, { records: 11, batches: 3, unsealed: 2 });
  assert.deepEqual(auditEntries(data, NO_LIMITS, 3, nothing), { counts: { anchored: 3, waiting: 0 } });
  assert.ok((await auditLedger(data.ledger, readFileSync(data.ledgerVkeyFile, 'utf8').trim())).ok);
});

test('a record that was changed together with its checksum: the batch root names the batch', () => {
  const finding = findingAfter(() => {
    const changed = Buffer.from(records[4] ?? []);
    changed[changed.length - 3] = 0x39;
    write(recordsFile, records.with(4, changed));
  });
  assert.equal(finding?.code, 'BATCH_ROOT_MISMATCH');
  assert.equal(finding?.position, 4);
});

test('records that were swapped, left out at the end, or cut off', () => {
  const [a, b] = [records[0] as Uint8Array, records[1] as Uint8Array];
  assert.equal(findingAfter(() => write(recordsFile, records.with(0, b).with(1, a)))?.code, 'BATCH_ROOT_MISMATCH');
  assert.equal(findingAfter(() => write(recordsFile, records.slice(0, 8)))?.code, 'JOURNAL_BEHIND_BATCHES');
  assert.equal(
    findingAfter(() => write(recordsFile, records.slice(0, 9))),
    undefined,
    'unsealed records have no witness yet',
  );
});

test('a batch that says another number of records of a producer', () => {
  const producers = producersRootOf([{ agency: 'a', dataset: 'd', producer: 'p', count: 4 }]);
  const forged = batchRecord(4, 5, { seq: 2, producers, prev: hash('sha256', batches[1] as Uint8Array, 'hex') });
  const finding = findingAfter(() => write(batchesFile, batches.with(2, forged)));
  assert.equal(finding?.code, 'BATCH_PRODUCERS_MISMATCH');
  assert.equal(finding?.position, 4);
});

test('a batch that was changed, left out, or moved', () => {
  const forged = batchRecord(4, 5, { seq: 2, lastAt: 99, prev: hash('sha256', batches[1] as Uint8Array, 'hex') });
  assert.equal(findingAfter(() => write(batchesFile, batches.with(2, forged)))?.code, 'LEDGER_ENTRY_MISMATCH');
  assert.equal(findingAfter(() => write(batchesFile, batches.toSpliced(1, 1)))?.code, 'BATCH_CHAIN_BROKEN');
  const changed = batchRecord(0, 3, { seq: 0, prev: null, lastAt: 99 });
  assert.equal(findingAfter(() => write(batchesFile, batches.with(0, changed)))?.code, 'BATCH_CHAIN_BROKEN');
  assert.equal(findingAfter(() => write(batchesFile, batches.with(0, Buffer.from('{"type":"batch"}'))))?.code, 'BATCH_MALFORMED');
});

test('a batch that only the ledger remembers', () => {
  const finding = findingAfter(() => {
    write(batchesFile, batches.slice(0, 2));
    write(anchorsFile, anchors.slice(0, 2));
  });
  assert.equal(finding?.code, 'LEDGER_ENTRY_MISMATCH');
});

test('an anchor that names another entry', () => {
  const wrong = Buffer.from('{"seq":1,"ledgerIndex":0}');
  const finding = findingAfter(() => write(anchorsFile, anchors.with(1, wrong)));
  assert.equal(finding?.code, 'LEDGER_ENTRY_MISMATCH');
  assert.equal(finding?.file, 'journal/anchors/0000000000000000.seg');
});

test('the front part of an interrupted write is remarked, not found fault with', () => {
  const intact = readFileSync(recordsFile);
  writeFileSync(recordsFile, intact.subarray(0, -5));
  const result = auditJournal(data, NO_LIMITS, nothing);
  writeFileSync(recordsFile, intact);
  assert.equal(result.finding, undefined);
  assert.match(result.remark?.en ?? '', /never acknowledged/);
  assert.equal(result.counts['unsealed'], 1);
});

test('a bit in quarantine', () => {
  const file = segmentFile(join(data.journal, 'quarantine'), 0);
  write(file, [Buffer.from('{"code":"PAYLOAD_NOT_JSON"}')]);
  const bytes = readFileSync(file);
  bytes[12] = (bytes[12] ?? 0) ^ 4;
  writeFileSync(file, bytes);
  const { finding } = auditJournal(data, NO_LIMITS, nothing);
  assert.equal(finding?.code, 'JOURNAL_CORRUPT');
  assert.match(finding?.file ?? '', /quarantine/);
  rmSync(dirname(file), { recursive: true });
  assert.ok(!readdirSync(data.journal).includes('quarantine'));
});
