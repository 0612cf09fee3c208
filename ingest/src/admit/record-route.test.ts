import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRecord, formatHeader, type RecordHeader } from '@airtight/protocol';
import { fingerprintOf, RecordRoute } from './record-route.ts';

const HEADERS: RecordHeader[] = [
  {
    v: 1,
    agency: 'bj-eco',
    dataset: 'air',
    producer: '1001A',
    receivedAt: 1735689600000,
    door: 'mqtt',
    topic: 'v1/bj-eco/air/1001A',
    contentType: 'application/json',
    messageId: 'seq:17',
  },
  { v: 1, agency: 'a', dataset: 'sys.devices', producer: 'p', receivedAt: 0, door: 'internal', contentType: 'application/json' },
  {
    v: 1,
    agency: 'a',
    dataset: 'd',
    producer: 'p',
    receivedAt: 1,
    door: 'mqtt',
    topic: 'v1/a/d/p',
    contentType: 'application/json',
    messageId: 'id:北京 "1"\\\u0007',
    signature: { kid: '0123456789abcdef', sig: 'A'.repeat(86) },
  },
  {
    v: 1,
    agency: 'a',
    dataset: 'd',
    producer: 'p',
    receivedAt: 1,
    door: 'mqtt',
    topic: 'spBv1.0/g/NDATA/e',
    contentType: 'application/vnd.sparkplug-b+protobuf',
    messageId: 'birth:41-0',
    birth: 41,
  },
  {
    v: 1,
    agency: 'a',
    dataset: 'clinic',
    producer: 'p',
    receivedAt: 1,
    door: 'mqtt',
    contentType: 'application/json',
    messageId: 'birth:41-0',
    birth: 41,
    signature: { kid: '0123456789abcdef', sig: 'A'.repeat(86) },
    commitment: 'salted-fields',
  },
];

test('the header written from cached pieces is the canonical one', () => {
  for (const header of HEADERS) {
    const sent = { ...header, isConfidential: header.commitment !== undefined };
    assert.equal(new RecordRoute(header).head(header.receivedAt, header.messageId, sent), `${formatHeader(header)}\n`);
  }
});

test('the longest header that can come about is read back', () => {
  const [agency, dataset, producer] = ['a', 'd', 'p'].map((letter) => letter.repeat(64)) as [string, string, string];
  const topic = `v1/${agency}/${dataset}/${producer}`;
  const route = new RecordRoute({
    agency,
    dataset,
    producer,
    door: 'internal',
    topic,
    contentType: 'application/vnd.sparkplug-b+protobuf',
  });
  // Control characters take six bytes each.
  const signature = { kid: 'f'.repeat(16), sig: 'A'.repeat(86) };
  const head = route.head(8.64e15, `id:${'\u0001'.repeat(128)}`, { signature, birth: Number.MAX_SAFE_INTEGER, isConfidential: true });
  assert.ok(decodeRecord(Buffer.from(head)).ok, `${head.length} bytes`);
});

test('a fingerprint computed from the stored record is the one computed on arrival', () => {
  const payload = Buffer.from('{"t":1}');
  for (const header of HEADERS) {
    const route = new RecordRoute(header);
    const stored = decodeRecord(Buffer.concat([Buffer.from(route.head(header.receivedAt, header.messageId)), payload]));
    assert.ok(stored.ok);
    assert.equal(fingerprintOf(stored.value.header, stored.value.payload), route.fingerprint(header.messageId, payload));
  }
});

test('another producer, message id or content gives another fingerprint', () => {
  const [header] = HEADERS as [RecordHeader];
  const of = (change: Partial<RecordHeader>, messageId: string | undefined, payload: string): number =>
    new RecordRoute({ ...header, ...change }).fingerprint(messageId, Buffer.from(payload));
  const base = of({}, 'seq:1', 'x');
  assert.equal(of({}, 'seq:1', 'y'), base, 'with a message id the content does not matter');
  assert.notEqual(of({}, 'seq:2', 'x'), base);
  assert.notEqual(of({ producer: '1002A' }, 'seq:1', 'x'), base);
  assert.notEqual(of({}, undefined, 'x'), of({}, undefined, 'y'));
});
