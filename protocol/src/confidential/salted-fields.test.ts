import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import {
  FIELD_TREE_MAX_LEAVES,
  type FieldDisclosure,
  fieldProof,
  fieldTree,
  fieldTreeSize,
  narrowDisclosure,
  SALT_BYTES,
} from '@airtight/tlog';
import type { RecordHeader } from '../records/record.ts';
import { encodeRecord } from '../records/record.ts';
import { fieldsOfRecord, hashedValue, openRecord, PAYLOAD_FIELD, readableRecord, shownValue } from './salted-fields.ts';
import { committedHeader } from './salted-record.ts';

const HEADER: RecordHeader = {
  v: 1,
  agency: 'a',
  dataset: 'clinic',
  producer: 'p',
  receivedAt: 1,
  door: 'mqtt',
  contentType: 'application/json',
  commitment: 'salted-fields',
};
const names = (payload: string | Uint8Array, header: Partial<RecordHeader> = {}): string[] =>
  fieldsOfRecord({ ...HEADER, ...header }, Buffer.from(payload)).map(({ name }) => name);

/** A small generator with a seed: what fails can be made again. */
function generator(seed: number) {
  let state = seed;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
  const text = (): string => ['', 'tvc', 'a/b', '~', '温度', '\u0000', '\u{1f9ca}', 'payload', '__proto__', '0'][below(10)] as string;
  const value = (depth: number): unknown => {
    switch (below(depth > 0 ? 8 : 5)) {
      case 0:
        return below(2) === 0;
      case 1:
        return null;
      case 2:
        return text();
      case 3:
        return below(1000) / 8 - 60;
      case 4:
        return -0;
      case 5:
        return Array.from({ length: below(4) }, () => value(depth - 1));
      default:
        return JSON.parse(
          `{${Array.from({ length: below(5) }, () => `${JSON.stringify(text())}:${JSON.stringify(value(depth - 1))}`).join(',')}}`,
        );
    }
  };
  return { below, value };
}

test('the leaves of a JSON payload by their pointers, in the order of RFC 8785', () => {
  assert.deepEqual(names('{"t":1,"m":{"b":2,"a":[true,{}]},"":null}', { messageId: 'id:1', signature: { kid: 'k', sig: 's' } }), [
    'payload',
    'messageId',
    'signature',
    '/',
    '/m/a/0',
    '/m/a/1',
    '/m/b',
    '/t',
  ]);
  assert.deepEqual(names('5'), ['payload', '']);
  assert.deepEqual(names('{"payload":1}'), ['payload', '/payload'], 'a pointer is none of the other names');
  assert.deepEqual(names('[{"n":"t","v":1}]', { contentType: 'application/senml+json' }), ['payload', '/0/n', '/0/v']);
});

test('a payload whose leaves cannot be named has only its bytes', () => {
  const many = JSON.stringify(Array.from({ length: FIELD_TREE_MAX_LEAVES }, (_, i) => i));
  const deep = `${'['.repeat(40)}1${']'.repeat(40)}`;
  const long = JSON.stringify({ ['x'.repeat(2000)]: 1 });
  for (const payload of ['no json', '', many, deep, long, '"\\ud800"', '{"\\ud800":1}', Uint8Array.of(0x22, 0xff, 0x22)])
    assert.deepEqual(names(payload), ['payload']);
  assert.deepEqual(names('{"a":1}', { contentType: 'application/vnd.hj212' }), ['payload']);
  const most = JSON.stringify(Array.from({ length: FIELD_TREE_MAX_LEAVES - 1 }, (_, i) => i));
  assert.equal(names(most).length, FIELD_TREE_MAX_LEAVES);
});

test('of random records any choice of fields opens, and nothing that is changed does', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const { below, value } = generator(seed);
    const payload = Buffer.from(JSON.stringify(value(3)));
    const header = below(2) === 0 ? HEADER : { ...HEADER, messageId: 'id:温' };
    const fields = fieldsOfRecord(header, payload);
    const size = fieldTreeSize(fields.length);
    const salts = randomBytes(size * SALT_BYTES);
    const tree = fieldTree(fields, salts);
    const record = { header: committedHeader(header), payload: tree.root };
    const discloses = (chosen: readonly number[]): FieldDisclosure => {
      const shown = chosen
        .map((i) => ({ i, index: tree.places[i] as number }))
        .sort((a, b) => a.index - b.index)
        .map(({ i, index }) => ({
          index,
          name: fields[i]?.name as string,
          salt: salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES),
          value: shownValue(fields[i] as (typeof fields)[number]),
        }));
      const places = shown.map(({ index }) => index);
      return { size, hashes: fieldProof(tree, places), fields: shown };
    };
    const chosen = [...fields.keys()].filter(() => below(2) === 0);
    if (chosen.length === 0) chosen.push(0);
    const disclosure = discloses(chosen);
    const opened = openRecord(record, disclosure);
    assert.ok(opened.ok, `seed ${seed}: ${JSON.stringify(opened)}`);
    assert.equal(opened.value.payload === undefined, !chosen.includes(0));
    const one = chosen[below(chosen.length)] as number;
    const name = fields[one]?.name as string;
    assert.deepEqual(narrowDisclosure(disclosure, [name], hashedValue), discloses([one]), `seed ${seed}: made smaller`);
    const changed = { ...disclosure, fields: disclosure.fields.map((field) => ({ ...field, salt: Uint8Array.from(field.salt) })) };
    const at = below(changed.fields.length);
    const salt = changed.fields[at]?.salt as Uint8Array;
    const byte = below(SALT_BYTES);
    salt[byte] = (salt[byte] as number) ^ (1 << below(8));
    assert.equal(openRecord(record, changed).ok, false, `seed ${seed}: salt`);
    const whole = readableRecord(encodeRecord(record.header, record.payload), discloses([0]));
    assert.ok(whole.ok && Buffer.from(whole.value.payload).equals(payload), `seed ${seed}: payload`);
  }
});

test('a field that says something else than the payload beside it is refused, though both are committed', () => {
  const payload = Buffer.from('{"tvc":4}');
  const fields = [
    { name: PAYLOAD_FIELD, value: payload },
    { name: '/tvc', value: '9' },
  ];
  const salts = randomBytes(8 * SALT_BYTES);
  const tree = fieldTree(fields, salts);
  const shown = fields
    .map((field, i) => ({
      index: tree.places[i] as number,
      name: field.name,
      salt: salts.subarray(i * 16, i * 16 + 16),
      value: shownValue(field),
    }))
    .sort((a, b) => a.index - b.index);
  const disclosure = {
    size: 8,
    hashes: fieldProof(
      tree,
      shown.map(({ index }) => index),
    ),
    fields: shown,
  };
  const outcome = openRecord({ header: HEADER, payload: tree.root }, disclosure);
  assert.deepEqual(outcome.ok ? '' : outcome.code, 'PROOF_MISMATCH');
});

test('equal records with other salts have nothing in common, and the order of leaves tells nothing', () => {
  const fields = fieldsOfRecord(HEADER, Buffer.from('{"tvc":4}'));
  const places = new Set<number>();
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const tree = fieldTree(fields, randomBytes(8 * SALT_BYTES));
    places.add(tree.places[1] as number);
    for (let leaf = 0; leaf < 8; leaf++) seen.add(Buffer.from(tree.hashes.subarray(leaf * 32, leaf * 32 + 32)).toString('hex'));
  }
  assert.deepEqual([places.size, seen.size], [8, 1600]);
});
