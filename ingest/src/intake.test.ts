import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatasetRegistry, expiredBodyOf, refuse } from '@airtight/protocol';
import { RecordRoute } from './admit/record-route.ts';
import { Intake, type Taken, tagOfBody } from './intake.ts';
import { Journal } from './journal/journal.ts';
import { sha256 } from './leaf-hash.ts';
import { Quarantine } from './quarantine/quarantine.ts';

const root = mkdtempSync(join(tmpdir(), 'intake-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const route = new RecordRoute({
  agency: 'a',
  dataset: 'air',
  producer: 'p',
  door: 'mqtt',
  topic: 'v1/a/air/p',
  contentType: 'application/json',
});
const reading = (seq: number, value = 1): Buffer => Buffer.from(`{"seq":${seq},"t":1735689600000,"m":{"pm25":${value}}}`);

function open(dir: string): { intake: Intake; journal: Journal; quarantine: Quarantine; close: () => void } {
  const journal = Journal.open(join(dir, 'records'), { tagOf: tagOfBody, segmentMaxBytes: 4096 });
  const quarantine = new Quarantine(join(dir, 'quarantine'));
  const intake = new Intake({
    journal,
    quarantine,
    datasets: new DatasetRegistry(),
    onCommitted: () => undefined,
    onCommitSeconds: () => undefined,
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    intake,
    journal,
    quarantine,
    close: () => {
      journal.close();
      quarantine.close();
    },
  };
}

const kindOf = (taken: Taken): string => taken.kind;

test('a repeat is recognised in flight, after the commit and after a restart; other content is a revision', async () => {
  const dir = join(root, String(folders++));
  let { intake, journal, close } = open(dir);
  assert.deepEqual(intake.take(route, reading(1), 1000), { kind: 'accepted', position: 0 });
  assert.deepEqual(intake.take(route, reading(1), 1001), { kind: 'repeat', position: 0 });
  await intake.committed();
  assert.deepEqual(intake.take(route, reading(1), 1002), { kind: 'repeat', position: 0 });
  assert.deepEqual(intake.take(route, reading(1, 2), 1003), { kind: 'revision', position: 1 });
  assert.deepEqual(intake.take(route, reading(1, 2), 1004), { kind: 'repeat', position: 1 });
  for (let seq = 2; seq < 200; seq++) intake.take(route, reading(seq), 2000);
  await intake.committed();
  assert.equal(journal.committed, 200);
  close();
  ({ intake, journal, close } = open(dir));
  for (let seq = 2; seq < 200; seq++) assert.equal(kindOf(intake.take(route, reading(seq), 3000)), 'repeat', `seq ${seq}`);
  assert.equal(kindOf(intake.take(route, reading(1), 3000)), 'repeat');
  assert.equal(journal.head, 200);
  await intake.committed();
  close();
});

test('a message whose payload was removed is known by its kept hash: a repeat and a revision are told apart, also without a message id', async () => {
  const dir = join(root, String(folders++));
  let { intake, journal, close } = open(dir);
  const nameless = (i: number): Buffer => Buffer.from(`{"t":${1735689600000 + i},"m":{"pm25":1}}`);
  for (let i = 0; i < 40; i++) {
    intake.take(route, reading(i), 1000);
    intake.take(route, nameless(i), 1000);
    await intake.committed();
  }
  const { head } = journal;
  const [{ first, count }] = journal.sealed as [{ first: number; count: number }];
  assert.ok(count > 10);
  await journal.rewriteSealed(first, (_position, body) => expiredBodyOf(body, sha256), new AbortController().signal);
  assert.equal(journal.read(0)?.includes('pm25'), false);
  const expectKnown = (): void => {
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(intake.take(route, reading(i), 2000), { kind: 'repeat', position: 2 * i });
      assert.deepEqual(intake.take(route, nameless(i), 2000), { kind: 'repeat', position: 2 * i + 1 });
    }
  };
  expectKnown();
  await intake.committed();
  close();
  ({ intake, journal, close } = open(dir));
  expectKnown();
  assert.deepEqual(intake.take(route, reading(1, 2), 2000), { kind: 'revision', position: head });
  await intake.committed();
  close();
});

test('a SenML pack is taken; sent again it is a repeat, unless its times are relative: then it says something new', async () => {
  const dir = join(root, String(folders++));
  let { intake, journal, close } = open(dir);
  const absolute = Buffer.from('[{"bn":"urn:dev:ow:1:","bt":1735689600,"n":"temp","u":"Cel","v":4.6}]');
  assert.deepEqual(intake.take(route, absolute, 1000), { kind: 'accepted', position: 0 });
  assert.deepEqual(intake.take(route, absolute, 2000), { kind: 'repeat', position: 0 });
  const relative = Buffer.from('[{"n":"temp","u":"Cel","v":4.6}]');
  assert.deepEqual(intake.take(route, relative, 1_735_689_600_000), { kind: 'accepted', position: 1 });
  assert.deepEqual(intake.take(route, relative, 1_735_689_660_000), { kind: 'accepted', position: 2 });
  assert.deepEqual(intake.take(route, relative, 1_735_689_660_000), { kind: 'repeat', position: 2 });
  const other = Buffer.from('[{"n":"humidity","u":"%RH","v":60}]');
  assert.deepEqual(intake.take(route, other, 1_735_689_660_000), { kind: 'accepted', position: 3 }, 'no revision of the other pack');
  await intake.committed();
  close();
  ({ intake, journal, close } = open(dir));
  assert.equal(kindOf(intake.take(route, relative, 1_735_689_660_000)), 'repeat', 'known after a restart');
  const data = intake.take(route, Buffer.from('[{"n":"photo","vd":"aGkgCg"}]'), 3000);
  assert.equal(data.kind === 'quarantined' && data.refusal.code, 'PAYLOAD_SHAPE');
  assert.equal(journal.head, 4);
  await intake.committed();
  close();
});

test('without an id the content is the identity, and another producer is another message', async () => {
  const { intake, close } = open(join(root, String(folders++)));
  const other = new RecordRoute({ ...route.fields, producer: 'q' });
  const payload = Buffer.from('{"t":5,"m":{"a":1}}');
  assert.equal(kindOf(intake.take(route, payload, 1)), 'accepted');
  assert.equal(kindOf(intake.take(route, payload, 2)), 'repeat');
  assert.equal(kindOf(intake.take(other, payload, 3)), 'accepted');
  await intake.committed();
  close();
});

test('what is not admissible is kept with its reason', async () => {
  const { intake, quarantine, journal, close } = open(join(root, String(folders++)));
  const taken = intake.take(route, Buffer.from('{"t":NaN}'), 7);
  assert.ok(taken.kind === 'quarantined' && taken.refusal.code === 'PAYLOAD_NOT_JSON');
  intake.take(route, Buffer.from([0xff, 0xfe]), 8);
  intake.take(route, Buffer.from('{"t":1,"m":{"a":1e999}}'), 9);
  await intake.committed();
  assert.deepEqual(
    quarantine.list(Number.MAX_SAFE_INTEGER, 10).items.map(({ code, receivedAt, producer }) => [code, receivedAt, producer]),
    [
      ['NUMBER_NOT_FINITE', 9, 'p'],
      ['PAYLOAD_NOT_JSON', 8, 'p'],
      ['PAYLOAD_NOT_JSON', 7, 'p'],
    ],
  );
  assert.equal(journal.head, 0);
  close();
});

test('members are released in order, only once what they waited for is durable', async () => {
  const { intake, journal, close } = open(join(root, String(folders++)));
  const events: string[] = [];
  const member = (name: string) => ({
    onCommitStart: () => events.push(`${name} start`),
    onCommitted: () => events.push(`${name} durable ${journal.committed}`),
  });
  intake.take(route, reading(1), 1);
  intake.join(member('a'));
  intake.join(member('b'));
  await intake.committed();
  intake.take(route, reading(2), 1);
  intake.join(member('c'));
  await intake.committed();
  assert.deepEqual(events, ['a start', 'b start', 'a durable 1', 'b durable 1', 'c start', 'c durable 2']);
  close();
});

test('what is quarantined for its content keeps its destination and its signature, so that it can be released as it came', async () => {
  const { intake, quarantine, close } = open(join(root, String(folders++)));
  const signature = { kid: 'k1', sig: 'c2ln' };
  intake.take(route, Buffer.from('not a reading'), 1000, { signature });
  intake.refuse({ door: 'mqtt', topic: 't', producer: 'p', receivedAt: 1000 }, refuse('TOPIC_NOT_ALLOWED', 't'), Buffer.from('x'));
  await intake.committed();
  const destination = { agency: 'a', dataset: 'air', contentType: 'application/json', signature };
  assert.deepEqual([quarantine.get(0)?.route, quarantine.get(1)?.route], [destination, undefined]);
  close();
});
