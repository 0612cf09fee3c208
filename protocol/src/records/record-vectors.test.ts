import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  formatProofSet,
  leafHash,
  parseCheckpoint,
  parsePolicy,
  parseProofSet,
  policyFingerprint,
  verifyAnchors,
  verifyInclusion,
} from '@airtight/tlog';
import { decodeBatchRecord, encodeBatchRecord } from '../batches/batch.ts';
import { countProducers, decodeProducerLine, producerLine, producersRootOf } from '../batches/producer-index.ts';
import { verifyProofs } from '../proofs/verify-proofs.ts';
import { decodeExpired, expiredBodyOf, isExpiredBody, leafHashOfBody } from './expired-record.ts';
import { readFrame } from './feed.ts';
import { decodeRecord, encodeRecord } from './record.ts';

const vectors = JSON.parse(readFileSync(new URL('../../../docs/reference/record-vectors.json', import.meta.url), 'utf8'));
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');

test('records, leaf hashes and frames are those of the published vectors', () => {
  for (const { header, payload, record, leafHash: leaf, frame } of vectors.records) {
    assert.equal(hex(encodeRecord(header, bytes(payload))), record);
    assert.equal(hex(leafHash(bytes(record))), leaf);
    const decoded = decodeRecord(bytes(record));
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.value.header, header);
    assert.equal(hex(decoded.value.payload), payload);
    const read = readFrame(bytes(frame), 0, crc32);
    assert.ok(typeof read === 'object');
    assert.equal(hex(read.body), `00${record}`);
    assert.equal(read.end, frame.length / 2);
  }
});

test('what is kept of a record without payload is that of the published vectors', () => {
  const { of, frame } = vectors.expired;
  const { record, leafHash: leaf, header } = vectors.records[of];
  const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
  const read = readFrame(bytes(frame), 0, crc32);
  assert.ok(typeof read === 'object');
  assert.ok(isExpiredBody(read.body));
  assert.equal(hex(expiredBodyOf(bytes(`00${record}`), sha256)), hex(read.body));
  assert.equal(hex(leafHashOfBody(read.body, sha256)), leaf);
  assert.equal(hex(leafHashOfBody(bytes(`00${record}`), sha256)), leaf);
  const expired = decodeExpired(read.body);
  assert.ok(expired.ok);
  assert.deepEqual(expired.value.header, header);
  assert.equal(decodeExpired(bytes(`00${record}`)).ok, false);
  const noHeader = bytes(`02${leaf}7b7d`);
  assert.deepEqual([decodeExpired(noHeader).ok, decodeExpired(noHeader.subarray(0, 20)).ok], [false, false]);
  for (const short of ['02', '0200', `02${leaf}`]) {
    const body = bytes(short);
    const framed = Buffer.alloc(8 + body.length);
    framed.writeUInt32LE(body.length, 0);
    framed.writeUInt32LE(crc32(body), 4);
    framed.set(body, 8);
    assert.equal(readFrame(framed, 0, crc32), body.length < 2 ? 'length' : 'prefix');
  }
});

test('the batch record and its inclusion paths are those of the published vectors', () => {
  const { fields, bytes: encoded, inclusionPaths, ledgerLeafHash } = vectors.batch;
  assert.equal(hex(encodeBatchRecord(fields)), encoded);
  assert.equal(hex(leafHash(bytes(encoded))), ledgerLeafHash);
  const decoded = decodeBatchRecord(bytes(encoded));
  assert.ok(decoded.ok);
  assert.deepEqual(decoded.value, fields);
  for (const [index, path] of inclusionPaths.entries()) {
    const verdict = verifyInclusion({
      index,
      size: fields.count,
      leafHash: bytes(vectors.records[index].leafHash),
      path: path.map(bytes),
      root: bytes(fields.root),
    });
    assert.ok(verdict.ok, `path ${index}`);
  }
});

test('the index of producers is that of the published vectors', () => {
  const { fields, producers } = vectors.batch;
  const index = countProducers(vectors.records.slice(0, fields.count).map(({ record }: { record: string }) => bytes(record)));
  assert.deepEqual(
    index.map((line) => Buffer.from(producerLine(line)).toString()),
    producers.lines,
  );
  assert.deepEqual(producersRootOf(index), fields.producers);
  for (const [at, line] of index.entries()) {
    const decoded = decodeProducerLine(producerLine(line));
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.value, line);
    assert.equal(hex(leafHash(producerLine(line))), producers.leafHashes[at]);
    const path = producers.inclusionPaths[at].map(bytes);
    assert.ok(
      verifyInclusion({ index: at, size: index.length, leafHash: leafHash(producerLine(line)), path, root: bytes(fields.producers.root) })
        .ok,
    );
  }
});

test('every flipped bit of a frame is noticed', () => {
  const frame = bytes(vectors.records[0].frame);
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const flipped = Uint8Array.from(frame);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(typeof readFrame(flipped, 0, crc32), 'string', `bit ${bit}`);
  }
});

test('what is no record or batch record is refused with its code', () => {
  const refusedRecord = (text: string): unknown => {
    const outcome = decodeRecord(Buffer.from(text));
    return outcome.ok ? 'accepted' : outcome.code;
  };
  for (const text of ['', 'no newline', '{}\n', '{"v":2}\nx', 'null\n', `${' '.repeat(2000)}\n`])
    assert.equal(refusedRecord(text), 'RECORD_MALFORMED', text);
  const good = Buffer.from(vectors.batch.bytes, 'hex').toString();
  for (const text of [
    '',
    '{}',
    good.replace('"count":5', '"count":0'),
    good.replace(',', ' ,'),
    `${good}\n`,
    good.replace(/"root":"../, '"root":"G0'),
    good.replace(/,"producers":{[^}]*}/, ''),
    good.replace('"producers":{"count":4', '"producers":{"count":6'),
  ]) {
    const outcome = decodeBatchRecord(Buffer.from(text));
    assert.ok(!outcome.ok && outcome.code === 'BATCH_MALFORMED', text);
  }
});

test('the proof set is that of the published vectors, and each changed one fails where they say', () => {
  const { policy: policyText, set, mustReject } = vectors.proofSet;
  const policy = parsePolicy(policyText);
  assert.ok(policy.ok);
  const parsed = parseProofSet(JSON.stringify(set));
  assert.ok(parsed.ok);
  const verdict = verifyProofs(parsed.value, policy.value);
  assert.equal(verdict.ok, true, JSON.stringify(verdict));
  assert.deepEqual(
    verdict.records.map(({ position }) => position),
    [1001, 1003, 1005],
  );
  assert.deepEqual(JSON.parse(formatProofSet(parsed.value)), set);
  assert.equal(set.policy, policyFingerprint(policy.value));
  for (const { why, set: changed, fails, malformed } of mustReject) {
    const read = parseProofSet(JSON.stringify(changed));
    assert.equal(!read.ok, malformed === true, why);
    if (!read.ok) continue;
    const { ok, records } = verifyProofs(read.value, policy.value);
    const failing = records.flatMap(({ position, faults }) => (faults.length > 0 ? [[position, faults.map(({ step }) => step)]] : []));
    assert.equal(ok, false, why);
    assert.deepEqual(Object.fromEntries(failing), fails, why);
  }
});

test('the outside anchor is that of the published vectors, and each changed one fails where they say', () => {
  const { checkpoint, lastIndex, tsaRoots, anchor, time, authority, mustReject } = vectors.anchors;
  const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
  const verdictOf = (json: typeof anchor, last: number) => {
    const read = { ...json, path: json.path.map(base64), receipt: base64(json.receipt) };
    return verifyAnchors([read], parseCheckpoint(checkpoint), last, { tsaRoots: tsaRoots.map(base64) })[0];
  };
  const verdict = verdictOf(anchor, lastIndex);
  assert.deepEqual([verdict?.state, new Date(verdict?.time ?? 0).toISOString(), verdict?.authority], ['verified', time, authority]);
  for (const { why, anchor: changed, lastIndex: last = lastIndex, code } of mustReject) {
    assert.deepEqual([verdictOf(changed, last)?.state, verdictOf(changed, last)?.code], ['failed', code], why);
  }
});
