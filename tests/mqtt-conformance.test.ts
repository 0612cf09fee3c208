/**
 * What the broker does of MQTT 3.1.1 (OASIS, 2014), clause by clause, with packets made by hand. Each test's title is a row of
 * the table in docs/reference/mqtt.md, and the last test holds the two together.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { readJournal } from './harness/evidence.ts';
import { IngestNode } from './harness/ingest-node.ts';
import {
  ByteClient,
  type ConnectFields,
  connectPacket,
  DISCONNECT,
  PINGREQ,
  PINGRESP,
  packet,
  publishWith,
  subscribePacket,
  unsubscribePacket,
} from './harness/mqtt-bytes.ts';
import type { Device } from './harness/product.ts';
import { root } from './harness/programs.ts';
import { pause, until } from './harness/waiting.ts';

const CONNACK = '20020000';
const SESSION_PRESENT = '20020100';
const DOCUMENT = 'docs/reference/mqtt.md';
let node: IngestNode;
let device: Device;
let other: Device;
let listener: Device;
let nextSeq = 0;
let nextClient = 0;
const titles: string[] = [];

/** A test that has a row in the document. */
function test(title: string, run: () => Promise<void>): void {
  titles.push(title);
  nodeTest(title, run);
}

before(async () => {
  node = new IngestNode();
  await node.start();
  device = await node.enrol('conform-1');
  other = await node.enrol('conform-2');
  listener = await node.enrol('listener', { subscribe: ['#'] });
});
after(() => node?.stop());

const login = ({ username, secret }: Device) => ({ username, password: secret });
const reading = (seq: number): string => JSON.stringify({ seq, t: Date.UTC(2026, 0, 1) + seq * 1000, m: { pm25: seq } });

/** A connection that has sent CONNECT. */
function open(fields: Partial<ConnectFields> = {}, as: Device = device): ByteClient {
  const client = new ByteClient(node.ports.tcp);
  client.send(connectPacket({ clientId: `c${nextClient++}`, clean: true, ...login(as), ...fields }));
  return client;
}

/** A connection that was let in. */
async function connected(fields: Partial<ConnectFields> = {}, as: Device = device): Promise<ByteClient> {
  const client = open(fields, as);
  assert.equal(await client.next(), CONNACK);
  return client;
}

async function isRefused(client: ByteClient, connack: string): Promise<void> {
  assert.equal(await client.next(), connack);
  await client.untilClosed();
}

/** The broker closes the connection without a word. */
async function isClosedBy(bytes: Uint8Array, client?: ByteClient): Promise<void> {
  const victim = client ?? (await connected());
  victim.send(bytes);
  assert.equal(await victim.next(), 'closed');
}

async function storedSeqs(of: Device): Promise<number[]> {
  const records = (await readJournal(node)).filter(({ header }) => header.producer === of.producer && header.dataset === of.dataset);
  return records.map(({ payload }) => (JSON.parse(Buffer.from(payload).toString()) as { seq: number }).seq);
}

async function timesStored(seq: number, of: Device = device): Promise<number> {
  return (await storedSeqs(of)).filter((stored) => stored === seq).length;
}

/** The hex of a live message with QoS 0 as a subscriber gets it. */
function liveHex(payload: string, of: Device = device): string {
  return publishWith({ qos: 0 }, `v1/${of.agency}/live/${of.dataset}/${of.producer}`, 0, payload).toString('hex');
}

/** Publishes with QoS 1 from a connection of its own, and returns the payload once it is acknowledged. */
async function publishOnce(by: Device = device): Promise<string> {
  const payload = reading(nextSeq++);
  const client = await connected({}, by);
  client.send(publishWith({ qos: 1 }, by.topic, 1, payload));
  assert.equal(await client.next(), '40020001');
  client.send(DISCONNECT);
  return payload;
}

/** Something is published, and the subscriber gets it as the next packet. */
async function hearsOf(subscriber: ByteClient, by: Device = device): Promise<void> {
  const payload = await publishOnce(by);
  assert.equal(await subscriber.next(), liveHex(payload, by));
}

test('the first packet is CONNECT, or the connection ends', async () => {
  await isClosedBy(PINGREQ, new ByteClient(node.ports.tcp));
});

test('a second CONNECT ends the connection', async () => {
  await isClosedBy(connectPacket({ clientId: 'twice', clean: true, ...login(device) }));
});

test('another protocol name ends the connection', async () => {
  assert.equal(await open({ protocolName: 'MQTX' }).next(), 'closed');
});

test('MQTT 3.1 (MQIsdp, level 3) is served', async () => {
  (await connected({ protocolName: 'MQIsdp', protocolLevel: 3 })).end();
});

test('MQTT 5 is answered with CONNACK 1', () => isRefused(open({ protocolLevel: 5 }), '20020001'));

test('the reserved flag of CONNECT ends the connection', async () => {
  assert.equal(await open({ extraFlags: 1 }).next(), 'closed');
});

test('a will QoS of 3 ends the connection', async () => {
  assert.equal(await open({ extraFlags: 0x1c }).next(), 'closed');
});

test('a password without user name is answered with CONNACK 4', async () => {
  const client = new ByteClient(node.ports.tcp);
  client.send(connectPacket({ clientId: 'nameless', clean: true, password: 'secret' }));
  await isRefused(client, '20020004');
});

test('a wrong password is answered with CONNACK 4, then the connection ends', () => isRefused(open({ password: 'wrong' }), '20020004'));

test('a client id may have 256 characters', async () => {
  (await connected({ clientId: 'x'.repeat(256) })).end();
});

test('two clients with an empty id and a clean session do not meet', async () => {
  const [first, second] = [await connected({ clientId: '' }), await connected({ clientId: '' })];
  assert.deepEqual([await first.ping(), await second.ping()], [PINGRESP, PINGRESP]);
  first.end();
  second.end();
});

test('an empty client id with a session to keep is answered with CONNACK 2', () =>
  isRefused(open({ clientId: '', clean: false }), '20020002'));

test('a second connection with the same client id ends the first', async () => {
  const first = await connected({ clientId: 'same' });
  const second = await connected({ clientId: 'same' });
  assert.equal(await first.next(), 'closed');
  assert.equal(await second.ping(), PINGRESP);
  second.end();
});

test('a client id is its device’s own: another device with the same one disturbs nobody', async () => {
  const first = await connected({ clientId: 'mine' });
  const second = await connected({ clientId: 'mine' }, other);
  assert.deepEqual([await first.ping(), await second.ping()], [PINGRESP, PINGRESP]);
  first.end();
  second.end();
});

test('a kept session keeps its subscriptions, and CONNACK says that it is there', async () => {
  const clientId = 'kept';
  const first = await connected({ clientId, clean: false }, listener);
  first.send(subscribePacket(1, ['v1/+/live/#', 0]));
  assert.equal(await first.next(), '9003000100');
  first.send(DISCONNECT);
  await first.untilClosed();
  const second = open({ clientId, clean: false }, listener);
  assert.equal(await second.next(), SESSION_PRESENT);
  await hearsOf(second);
  second.end();
});

test('a clean session throws a kept one away', async () => {
  const clientId = 'thrown';
  const first = await connected({ clientId, clean: false }, listener);
  first.send(subscribePacket(1, ['v1/+/live/#', 0]));
  assert.equal(await first.next(), '9003000100');
  first.send(DISCONNECT);
  await first.untilClosed();
  (await connected({ clientId, clean: true }, listener)).send(DISCONNECT);
  const third = await connected({ clientId, clean: false }, listener);
  await publishOnce();
  assert.equal(await third.ping(), PINGRESP);
  third.end();
});

test('what comes while a subscriber is away is not kept for it', async () => {
  const clientId = 'away';
  const first = await connected({ clientId, clean: false }, listener);
  first.send(subscribePacket(1, ['v1/+/live/#', 1]));
  assert.equal(await first.next(), '9003000101');
  first.send(DISCONNECT);
  await first.untilClosed();
  await publishOnce();
  const second = open({ clientId, clean: false }, listener);
  assert.equal(await second.next(), SESSION_PRESENT);
  assert.equal(await second.ping(), PINGRESP);
  second.end();
});

test('packets sent before the CONNACK are taken', async () => {
  const client = new ByteClient(node.ports.tcp);
  const seq = nextSeq++;
  const connect = connectPacket({ clientId: 'eager', clean: true, ...login(device) });
  client.send(Buffer.concat([connect, publishWith({ qos: 1 }, device.topic, 5, reading(seq))]));
  assert.deepEqual([await client.next(), await client.next()], [CONNACK, '40020005']);
  client.end();
});

test('a will is stored when the connection breaks', async () => {
  const seq = nextSeq++;
  const client = await connected({ will: { topic: device.topic, payload: reading(seq), qos: 1 } });
  client.end();
  await until('the will is stored', async () => (await timesStored(seq)) === 1);
});

test('a will is not stored after DISCONNECT', async () => {
  const seq = nextSeq++;
  const client = await connected({ will: { topic: device.topic, payload: reading(seq), qos: 1 } });
  client.send(DISCONNECT);
  await client.untilClosed();
  await publishOnce();
  assert.equal(await timesStored(seq), 0);
});

test('a will to a foreign topic goes to quarantine', async () => {
  const before = await node.metric('airtight_ingest_quarantined_total');
  (await connected({ will: { topic: other.topic, payload: reading(nextSeq++), qos: 1 } })).end();
  await until('it is counted', async () => (await node.metric('airtight_ingest_quarantined_total')) === before + 1);
});

test('who says nothing for one and a half keep-alive times is let go', async () => {
  const client = await connected({ keepAliveSeconds: 1 });
  const startedAt = performance.now();
  await client.untilClosed();
  assert.ok(performance.now() - startedAt >= 1400, 'not earlier');
});

test('a keep-alive of 0 asks for none', async () => {
  const client = await connected({ keepAliveSeconds: 0 });
  await pause(2000);
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('PINGREQ is answered with PINGRESP', async () => {
  const client = await connected();
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('DISCONNECT ends the connection', () => isClosedBy(DISCONNECT));

test('QoS 0 is stored without an answer', async () => {
  const seq = nextSeq++;
  const client = await connected();
  client.send(publishWith({ qos: 0 }, device.topic, 0, reading(seq)));
  assert.equal(await client.ping(), PINGRESP);
  await until('it is stored', async () => (await timesStored(seq)) === 1);
  client.end();
});

test('QoS 1 is answered with PUBACK and the same packet identifier, once it is durable', async () => {
  const seq = nextSeq++;
  const client = await connected();
  client.send(publishWith({ qos: 1 }, device.topic, 0xbeef, reading(seq)));
  assert.equal(await client.next(), '4002beef');
  assert.equal(await timesStored(seq), 1);
  client.end();
});

test('PUBACKs come in the order of the publishes', async () => {
  const client = await connected();
  const ids = Array.from({ length: 50 }, (_, i) => 50 - i);
  client.send(Buffer.concat(ids.map((id) => publishWith({ qos: 1 }, device.topic, id, reading(nextSeq++)))));
  for (const id of ids) assert.equal(await client.next(), packet(0x40, Buffer.from([0, id])).toString('hex'));
  client.end();
});

test('a QoS 1 message sent again with DUP is acknowledged again and stored once', async () => {
  const seq = nextSeq++;
  const client = await connected();
  for (const dup of [false, true]) {
    client.send(publishWith({ qos: 1, dup }, device.topic, 7, reading(seq)));
    assert.equal(await client.next(), '40020007');
  }
  assert.equal(await timesStored(seq), 1);
  client.end();
});

test('QoS 2 is answered with PUBREC once it is durable, and PUBREL with PUBCOMP', async () => {
  const seq = nextSeq++;
  const client = await connected();
  client.send(publishWith({ qos: 2 }, device.topic, 9, reading(seq)));
  assert.equal(await client.next(), '50020009');
  assert.equal(await timesStored(seq), 1);
  client.send(packet(0x62, Buffer.from([0, 9])));
  assert.equal(await client.next(), '70020009');
  client.end();
});

test('a QoS 2 message sent again before PUBREL is stored once', async () => {
  const seq = nextSeq++;
  const client = await connected();
  for (const dup of [false, true]) {
    client.send(publishWith({ qos: 2, dup }, device.topic, 10, reading(seq)));
    assert.equal(await client.next(), '5002000a');
  }
  assert.equal(await timesStored(seq), 1);
  client.end();
});

test('a QoS 2 message may be completed over a new connection of a kept session', async () => {
  const seq = nextSeq++;
  const clientId = 'two-halves';
  const first = await connected({ clientId, clean: false });
  first.send(publishWith({ qos: 2 }, device.topic, 11, reading(seq)));
  assert.equal(await first.next(), '5002000b');
  first.end();
  const second = open({ clientId, clean: false });
  assert.match(await second.next(), /^2002..00$/);
  second.send(publishWith({ qos: 2, dup: true }, device.topic, 11, reading(seq)));
  assert.equal(await second.next(), '5002000b');
  second.send(packet(0x62, Buffer.from([0, 11])));
  assert.equal(await second.next(), '7002000b');
  assert.equal(await timesStored(seq), 1);
  second.end();
});

test('PUBREL for an unknown packet identifier is answered with PUBCOMP', async () => {
  const client = await connected();
  client.send(packet(0x62, Buffer.from([0, 12])));
  assert.equal(await client.next(), '7002000c');
  client.end();
});

test('PUBREL with other flags than 0010 ends the connection', () => isClosedBy(packet(0x60, Buffer.from([0, 1]))));

test('QoS 3 ends the connection', () => isClosedBy(publishWith({ qos: 3 }, device.topic, 1, '{}')));

test('a packet identifier of 0 ends the connection', async () => {
  await isClosedBy(publishWith({ qos: 1 }, device.topic, 0, reading(0)));
});

test('a topic name that is no UTF-8 ends the connection', () => isClosedBy(publishWith({ qos: 1 }, Buffer.from([0xc3, 0x28]), 1, '{}')));

test('a topic name with the null character ends the connection', () => isClosedBy(publishWith({ qos: 1 }, 'v1/\0', 1, '{}')));

test('a topic name with a wildcard ends the connection', async () => {
  for (const topic of ['v1/#', 'v1/+/air']) for (const qos of [0, 1, 2]) await isClosedBy(publishWith({ qos }, topic, 1, '{}'));
});

test('a malformed remaining length ends the connection', () => isClosedBy(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])));

test('a packet over 1 MiB ends the connection', () => isClosedBy(Buffer.from([0x30, 0x81, 0x80, 0x40])));

test('a reserved packet type ends the connection', async () => {
  for (const first of [0x00, 0xf0]) await isClosedBy(Buffer.from([first, 0]));
});

test('a packet that only servers send ends the connection', async () => {
  for (const bytes of ['20020000', '9003000100', 'd000']) await isClosedBy(Buffer.from(bytes, 'hex'));
});

test('a retained message is not retained: it goes to quarantine, acknowledged', async () => {
  const before = await node.metric('airtight_ingest_quarantined_total');
  const client = await connected();
  client.send(publishWith({ qos: 1, retain: true }, device.topic, 13, reading(nextSeq++)));
  assert.equal(await client.next(), '4002000d');
  assert.equal(await node.metric('airtight_ingest_quarantined_total'), before + 1);
  client.end();
});

test('SUBACK has a return code for each filter, in order, 0x80 for one that is not granted', async () => {
  const client = await connected();
  const receipts = `${device.topic}/receipt`;
  client.send(subscribePacket(14, ['#', 1], [receipts, 0], [`${other.topic}/receipt`, 2], [`${device.topic}/+`, 1]));
  assert.equal(await client.next(), '9006000e80008080');
  client.end();
});

test('a filter named twice in one SUBSCRIBE gets one return code', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(15, ['a', 0], ['a', 1]));
  assert.equal(await client.next(), '9003000f01');
  client.end();
});

test('SUBSCRIBE with other flags than 0010 ends the connection', () =>
  isClosedBy(Buffer.concat([Buffer.from([0x80]), subscribePacket(1, ['a', 0]).subarray(1)])));

test('SUBSCRIBE without a filter ends the connection', () => isClosedBy(subscribePacket(1)));

test('SUBSCRIBE with a QoS of 3 ends the connection', () => isClosedBy(subscribePacket(1, ['a', 3])));

test('+ stands for one level, # for the rest', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['v1/+/live/+/conform-1', 0], ['v1/+/+/conform-1', 0], ['v1/+/live/#', 0], ['+/live', 0]));
  assert.equal(await client.next(), '9006000100000000');
  await hearsOf(client);
  await hearsOf(client, other);
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('a wildcard inside a level, or # before the end, ends the connection', async () => {
  for (const filter of ['a#', 'a+/b', 'a/#/b']) await isClosedBy(subscribePacket(1, [filter, 0]), await connected({}, listener));
});

test('overlapping subscriptions get a message once', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['v1/#', 0], ['v1/+/live/#', 1]));
  assert.equal(await client.next(), '900400010001');
  await hearsOf(client);
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('the platform publishes with QoS 0 and without retain, whatever QoS was granted', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['v1/+/live/#', 2]));
  assert.equal(await client.next(), '9003000102');
  await hearsOf(client);
  client.end();
});

test('a filter subscribed to again takes the place of the first', async () => {
  const client = await connected({}, listener);
  for (const qos of [0, 1]) {
    client.send(subscribePacket(2, ['v1/+/live/#', qos]));
    assert.equal(await client.next(), `900300020${qos}`);
  }
  await hearsOf(client);
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('UNSUBSCRIBE is answered with UNSUBACK, and nothing more comes', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['v1/+/live/#', 0]));
  assert.equal(await client.next(), '9003000100');
  client.send(unsubscribePacket(16, 'v1/+/live/#'));
  assert.equal(await client.next(), 'b0020010');
  await publishOnce();
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('UNSUBSCRIBE from what was not subscribed to is answered with UNSUBACK', async () => {
  const client = await connected();
  client.send(unsubscribePacket(17, 'nothing'));
  assert.equal(await client.next(), 'b0020011');
  client.end();
});

test('UNSUBSCRIBE without a filter is answered with UNSUBACK', async () => {
  const client = await connected();
  client.send(unsubscribePacket(18));
  assert.equal(await client.next(), 'b0020012');
  client.end();
});

test('a filter that begins with a wildcard does not match $SYS, and $SYS holds nothing', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['#', 0], ['+/#', 0], ['$SYS/#', 0]));
  assert.equal(await client.next(), '90050001000080');
  for (const filter of ['#', '+/#']) {
    const retained = Buffer.from(await client.next(), 'hex').toString('latin1');
    assert.match(retained, /spBv1\.0\/STATE\/airtight/, `${filter}: what the platform itself retains, and nothing of $SYS`);
  }
  await hearsOf(client);
  assert.equal(await client.ping(), PINGRESP);
  client.end();
});

test('a shared subscription is not granted', async () => {
  const client = await connected({}, listener);
  client.send(subscribePacket(1, ['$share/group/v1/+/live/#', 0]));
  assert.equal(await client.next(), '9003000180');
  client.end();
});

test('a publish to $SYS goes to quarantine', async () => {
  const before = await node.metric('airtight_ingest_quarantined_total');
  const client = await connected();
  client.send(publishWith({ qos: 1 }, '$SYS/broker', 18, '{}'));
  assert.equal(await client.next(), '40020012');
  assert.equal(await node.metric('airtight_ingest_quarantined_total'), before + 1);
  client.end();
});

nodeTest('the table in docs/reference/mqtt.md has a row for each of these tests, and no other', () => {
  const text = readFileSync(join(root, DOCUMENT), 'utf8');
  const [, table = ''] = text.split('\n## Conformance\n');
  const rows = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| (.+?) +\| .* \|$/gm)].map(([, title = '']) => title.trim());
  assert.deepEqual(
    rows.filter((row) => row !== 'behaviour' && !row.startsWith('---')),
    titles,
  );
});
