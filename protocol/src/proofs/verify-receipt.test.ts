/** Kept receipts against what an operator may show: each kind of omission is named, with what the finding rests on. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  ED25519,
  formatCheckpoint,
  formatNote,
  inclusionPath,
  leafHash,
  makeVkey,
  type ProofBundle,
  policyOfLog,
  rootOfLeafHashes,
} from '@airtight/tlog';
import { encodeBatchRecord } from '../batches/batch.ts';
import { countProducers, producersRootOf } from '../batches/producer-index.ts';
import { decodePublicKey } from '../identity/device-signature.ts';
import { encodeRecord } from '../records/record.ts';
import { verifyProof } from './verify-proof.ts';
import { type LedgerEntryProof, missingRecord, parseReceipts, RECEIPTS_MAX, type RecordReceipt, verifyReceipt } from './verify-receipt.ts';

const TIME = Date.UTC(2026, 10, 22, 8);
const FIRST = 40;
const SEQ = 7;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const log = generateKeyPairSync('ed25519');
const LOG = makeVkey('ledger.example', ED25519, decodePublicKey(log.publicKey.export({ format: 'jwk' }).x as string) as Uint8Array);
const policy = policyOfLog(LOG);
const records = [1, 2, 3].map((value) => {
  const header = { agency: 'bj', dataset: 'air', producer: 's1', receivedAt: TIME, door: 'mqtt', contentType: 'application/json' };
  return encodeRecord({ v: 1, ...header } as never, utf8(`{"t":1,"m":{"pm25":${value}}}`));
});
const leaves = Uint8Array.from(records.flatMap((record) => [...leafHash(record)]));
const batch = encodeBatchRecord({
  ...{ v: 1, type: 'batch', stream: 'r/a', seq: SEQ, prev: null, first: FIRST, count: 3, firstAt: TIME, lastAt: TIME },
  ...{ root: rootOfLeafHashes(leaves).toHex(), tree: 'rfc6962-sha256', commitment: 'plain' },
  producers: producersRootOf(countProducers(records)),
});
/** The batch is entry 1 of 3. */
const entries = Uint8Array.from([utf8('x'), batch, utf8('y')].flatMap((entry) => [...leafHash(entry)]));
const text = formatCheckpoint({ origin: LOG.name, size: 3, root: rootOfLeafHashes(entries) });
const signature = new Uint8Array(sign(null, utf8(text), log.privateKey));
const checkpoint = formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]);
const path = inclusionPath(entries, 1);
const bundle: ProofBundle = {
  record: records[1] as Uint8Array,
  position: FIRST + 1,
  batch: { record: batch, index: 1, path: inclusionPath(leaves, 1) },
  ledger: { index: 1, path },
  checkpoint,
};
const entry: LedgerEntryProof = { entry: batch, index: 1, path, checkpoint };

const hashOf = (at: number): string => leafHash(records[at] as Uint8Array).toHex();
const stored = { status: 'accepted', record: String(FIRST + 1), leafHash: hashOf(1) } as const;
const anchored = { status: 'anchored', record: String(FIRST + 1), batch: SEQ, ledgerIndex: 1, checkpointSize: 3 } as const;

function judged(receipt: RecordReceipt, shown: ProofBundle = bundle): string {
  const { ok, code, restsOn } = verifyReceipt(receipt, shown, verifyProof(shown, policy));
  assert.equal(ok, code === 'RECEIPT_HOLDS');
  return `${code} ${restsOn ?? ''}`.trim();
}

test('both receipts of a record that is shown hold', () => {
  assert.deepEqual(
    [stored, anchored, { ...anchored, checkpointSize: 2 }].map((one) => judged(one)),
    Array(3).fill('RECEIPT_HOLDS'),
  );
});

test('another record in its place is found; where the sealed batch holds that of the receipt, by the ledger alone', () => {
  const forged = { ...bundle, record: records[2] as Uint8Array };
  assert.equal(judged(stored, forged), 'RECEIPT_SWAPPED ledger');
  assert.equal(judged(anchored, forged), 'PROOF_MISMATCH');
  assert.equal(judged({ ...stored, leafHash: hashOf(2) }), 'RECEIPT_SWAPPED receipt', 'nobody else can tell who is right');
  const unsigned = { ...forged, checkpoint: checkpoint.replace('\n3\n', '\n4\n') };
  assert.equal(judged(stored, unsigned), 'RECEIPT_SWAPPED receipt', 'a ledger that nobody signed shows nothing');
  assert.equal(judged(stored, { ...bundle, position: FIRST + 2 }), 'RECEIPT_WITHHELD receipt');
});

test('a proof that fails is no proof, though the hash is right', () => {
  assert.equal(judged(stored, { ...bundle, ledger: { index: 1, path: [] } }).split(' ')[0], 'PROOF_MALFORMED');
});

test('an anchored receipt holds its batch, its entry and the size of the log', () => {
  assert.equal(judged({ ...anchored, ledgerIndex: 2 }), 'RECEIPT_ANCHOR_MISMATCH receipt');
  assert.equal(judged({ ...anchored, batch: SEQ + 1 }), 'RECEIPT_ANCHOR_MISMATCH receipt');
  assert.equal(judged({ ...anchored, checkpointSize: 4 }), 'RECEIPT_CHECKPOINT_BEHIND receipt');
});

test('a record that is not shown: the signed entry convicts where it holds the position', () => {
  const missing = (receipt: RecordReceipt, code: Parameters<typeof missingRecord>[1], shown?: LedgerEntryProof) => {
    const verdict = missingRecord(receipt, code, policy, shown);
    assert.equal(verdict.ok, false);
    return `${verdict.code} ${verdict.restsOn ?? ''}`.trim();
  };
  assert.equal(missing(anchored, 'NOT_FOUND', entry), 'RECEIPT_WITHHELD ledger');
  assert.equal(missing(anchored, 'NOT_FOUND'), 'RECEIPT_WITHHELD receipt');
  assert.equal(missing(stored, 'NOT_FOUND'), 'RECEIPT_WITHHELD receipt');
  const changed = [
    { ...entry, entry: utf8(new TextDecoder('utf-8').decode(batch).replace('"count":3', '"count":9')) },
    { ...entry, checkpoint: checkpoint.replace('\n3\n', '\n4\n') },
    { ...entry, path: [] },
  ];
  for (const one of changed) assert.equal(missing(anchored, 'NOT_FOUND', one), 'RECEIPT_WITHHELD receipt');
  for (const record of [FIRST - 1, FIRST + 3])
    assert.equal(missing({ ...anchored, record: String(record) }, 'NOT_FOUND', entry), 'RECEIPT_WITHHELD receipt');
  assert.equal(missing(stored, 'RECORD_NOT_ANCHORED'), 'RECORD_NOT_ANCHORED');
  assert.equal(missing(anchored, 'RECORD_NOT_ANCHORED', entry), 'RECEIPT_WITHHELD ledger', 'the receipt said that it is anchored');
  assert.equal(missing(anchored, 'RECORD_EXPIRED', entry), 'RECORD_EXPIRED');
});

test('receipts are read one a line, as they came; anything else is named by its line', () => {
  const quarantined = { status: 'quarantined', code: 'TIME_INVALID', detail: 'm.t' };
  const parsed = parseReceipts(`${JSON.stringify(stored)}\n\n${JSON.stringify(anchored)}\r\n${JSON.stringify(quarantined)}\n`);
  assert.deepEqual(parsed.ok && parsed.value.map(({ line, receipt }) => [line, receipt]), [
    [1, stored],
    [3, anchored],
    [4, quarantined],
  ]);
  for (const wrong of ['', '{}', 'no', JSON.stringify({ ...stored, leafHash: 'ab' }), JSON.stringify({ ...anchored, more: 1 })]) {
    const refused = parseReceipts(wrong);
    assert.equal(!refused.ok && refused.code, 'RECEIPT_MALFORMED', wrong);
  }
  const second = parseReceipts(`${JSON.stringify(stored)}\n{}`);
  assert.equal(!second.ok && second.detail, 'line 2');
  assert.equal(parseReceipts(`${JSON.stringify(stored)}\n`.repeat(RECEIPTS_MAX + 1)).ok, false);
});
