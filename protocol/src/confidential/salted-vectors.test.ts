import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import {
  dummyLeafHash,
  type FieldDisclosure,
  fieldLeafHash,
  fieldProof,
  fieldTree,
  leafHash,
  nobleSha256,
  sha256FromLatin1,
} from '@airtight/tlog';
import { decodeExpired, expiredBodyOf, leafHashOfBody } from '../records/expired-record.ts';
import { readFrame } from '../records/feed.ts';
import { decodeRecord } from '../records/record.ts';
import { fieldsOfRecord, openRecord } from './salted-fields.ts';
import { committedRecordIn, isSaltedBody, recordIn } from './salted-record.ts';

const { saltedFields: vector } = JSON.parse(readFileSync(new URL('../../../docs/reference/record-vectors.json', import.meta.url), 'utf8'));
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const sha256 = (data: Uint8Array): Uint8Array => createHash('sha256').update(data).digest();
const node = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
const salts = Buffer.concat([...vector.fields, ...vector.dummies].map(({ salt }) => bytes(salt)));

function bodyOf(frame: string): Uint8Array {
  const read = readFrame(bytes(frame), 0, crc32);
  assert.ok(typeof read === 'object');
  return read.body;
}

test('fields, leaves, tree and root are those of the published vectors, by noble and by node:crypto', () => {
  const fields = fieldsOfRecord(vector.header, bytes(vector.payload));
  assert.deepEqual(
    fields.map(({ name, value }) => [name, Buffer.from(value as string).toString('hex')]),
    vector.fields.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  for (const sha of [nobleSha256, node]) {
    for (const [i, field] of fields.entries()) {
      assert.equal(hex(fieldLeafHash(field, bytes(vector.fields[i].salt), sha)), vector.fields[i].leafHash);
    }
    assert.equal(hex(dummyLeafHash(bytes(vector.dummies[0].salt), sha)), vector.dummies[0].leafHash);
    const tree = fieldTree(fields, salts, sha);
    assert.equal(hex(tree.hashes), vector.tree.join(''));
    assert.equal(hex(tree.root), vector.root);
    const place = tree.places[fields.findIndex(({ name }) => name === '/m/tvc')] as number;
    assert.equal(place, vector.disclosure.fields[0].index);
    assert.deepEqual(
      fieldProof(tree, [place], sha).map((one) => Buffer.from(one).toString('base64')),
      vector.disclosure.hashes,
    );
  }
});

test('frame, committed record, leaf hash and what is left of an erased record are those of the published vectors', () => {
  const body = bodyOf(vector.frame);
  assert.ok(isSaltedBody(body));
  const record = decodeRecord(recordIn(body));
  assert.ok(record.ok);
  assert.deepEqual([record.value.header, hex(record.value.payload)], [vector.header, vector.payload]);
  assert.equal(hex(committedRecordIn(body)), vector.committedRecord);
  assert.equal(hex(leafHash(bytes(vector.committedRecord))), vector.leafHash);
  assert.equal(hex(leafHashOfBody(body, sha256)), vector.leafHash);
  const erased = bodyOf(vector.erasedFrame);
  assert.equal(hex(expiredBodyOf(body, sha256)), hex(erased));
  assert.equal(hex(leafHashOfBody(erased, sha256)), vector.leafHash);
  const left = decodeExpired(erased);
  assert.ok(left.ok);
  assert.equal(left.value.header.messageId, undefined);
});

test('the disclosure of the published vectors opens the record, and a changed one does not', () => {
  const record = decodeRecord(bytes(vector.committedRecord));
  assert.ok(record.ok);
  const disclosure: FieldDisclosure = {
    size: vector.disclosure.size,
    hashes: vector.disclosure.hashes.map((one: string) => Buffer.from(one, 'base64')),
    fields: vector.disclosure.fields.map((field: { salt: string }) => ({ ...field, salt: Buffer.from(field.salt, 'base64') })),
  };
  const opened = openRecord(record.value, disclosure);
  assert.ok(opened.ok, JSON.stringify(opened));
  assert.deepEqual([opened.value.fields, opened.value.payload], [[{ name: '/m/tvc', value: '4.2' }], undefined]);
  const [field] = disclosure.fields;
  assert.ok(field !== undefined);
  const refusedBy = (changed: FieldDisclosure): string => {
    const outcome = openRecord(record.value, changed);
    return outcome.ok ? 'accepted' : outcome.code;
  };
  const withField = (change: object): FieldDisclosure => ({ ...disclosure, fields: [{ ...field, ...change }] });
  assert.equal(refusedBy(withField({ value: '4.3' })), 'PROOF_MISMATCH');
  assert.equal(refusedBy(withField({ value: '4.20' })), 'PROOF_MALFORMED', 'not canonical');
  assert.equal(refusedBy(withField({ name: '/m/tamb' })), 'PROOF_MISMATCH');
  assert.equal(refusedBy(withField({ name: 'tvc' })), 'PROOF_MALFORMED', 'no pointer');
  assert.equal(refusedBy(withField({ salt: new Uint8Array(16) })), 'PROOF_MISMATCH');
  assert.equal(refusedBy(withField({ index: (field.index + 1) % 8 })), 'PROOF_MISMATCH');
  assert.equal(refusedBy({ ...disclosure, hashes: disclosure.hashes.slice(1) }), 'PROOF_MALFORMED');
  for (const size of [0, 4, 7, 16, 2048]) assert.equal(refusedBy({ ...disclosure, size }), 'PROOF_MALFORMED', `${size} leaves`);
  const plain = openRecord({ ...record.value, header: { ...record.value.header, commitment: undefined } as never }, disclosure);
  assert.equal(plain.ok, false);
  const short = openRecord({ ...record.value, payload: record.value.payload.subarray(1) }, undefined);
  assert.equal(short.ok, false);
});
