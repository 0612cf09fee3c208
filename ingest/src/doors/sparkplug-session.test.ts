/** Sparkplug edge nodes on mqtt.js at the real broker, with a real journal. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type DeviceRecord, decodeRecord, type RecordHeader } from '@airtight/protocol';
import { decodeSparkplug, encodeSparkplug, type SparkplugMetric, SPARKPLUG_TYPE as T } from '@airtight/standards/sparkplug-b.ts';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import pino from 'pino';
import { DeviceRegistry } from '../identity/device-registry.ts';
import { LiveSessions } from '../identity/live-sessions.ts';
import { Logins } from '../identity/logins.ts';
import { hashSecret } from '../identity/secret-hash.ts';
import type { Intake } from '../intake.ts';
import type { Journal } from '../journal/journal.ts';
import { createMetrics } from '../metrics.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { openIntake } from '../testing/open-intake.ts';
import { MqttBroker } from './mqtt-broker.ts';
import { MqttListeners } from './mqtt-listeners.ts';

const SECRET = 'a secret of the edge node';
const AT = 1_735_689_600_000;
const DEADLINE_MS = 60_000;
const root = mkdtempSync(join(tmpdir(), 'sparkplug-'));
const metrics = createMetrics();
const registry = new DeviceRegistry();
const logger = pino({ level: 'silent' });
const logins = new Logins({ registry, audience: 'test', metrics, logger });
const sessions = new LiveSessions(registry);
let journal: Journal;
let quarantine: Quarantine;
let intake: Intake;
let broker: MqttBroker;
let port: number;
const clients: MqttClient[] = [];
const listeners: MqttListeners[] = [];

before(async () => {
  ({ journal, quarantine, intake } = openIntake(root));
  broker = await MqttBroker.create({
    ...{ intake, registry, logins, sessions, metrics, logger, connectionsMax: 100, sparkplugHostId: 'host' },
    leafHashOf: () => '',
    anchorOf: () => null,
  });
  port = await listen(broker);
});

async function listen(to: MqttBroker): Promise<number> {
  const opened = await MqttListeners.open({
    host: '127.0.0.1',
    ports: { tcp: 0, tls: -1, ws: -1, wss: -1 },
    tls: undefined,
    connectionsMax: 100,
    handshakeTimeoutMs: DEADLINE_MS,
    onDropped: (remoteAddress) => to.dropped(remoteAddress),
    accept: (stream, peer) => to.accept(stream, peer),
    onRefused: () => undefined,
  });
  listeners.push(opened);
  return opened.ports.tcp;
}

after(async () => {
  for (const client of clients) client.end(true);
  for (const opened of listeners) opened.close();
  await broker.close();
  sessions.close();
  await intake.committed();
  journal.close();
  quarantine.close();
  rmSync(root, { recursive: true });
});

/** Puts an edge node and the devices behind it on record; group and edge node are called alike. */
async function enrol(edge: string, devices: readonly string[] = []): Promise<void> {
  const base: DeviceRecord = {
    ...{ type: 'device', agency: 'a', kind: 'air-station', name: { zh: '', en: '' }, simulated: false, revoked: false, subscribe: [] },
    ...{
      producer: edge,
      datasets: ['air'],
      foreignId: `sparkplug:g/${edge}`,
      credentials: [{ id: 'first', kind: 'password', hash: await hashSecret(SECRET), validFrom: 0 }],
    },
  };
  registry.set(base);
  for (const device of devices) {
    const foreignId = `sparkplug:g/${edge}/${device}`;
    registry.set({ ...base, producer: `${edge}-${device}`, gateway: edge, foreignId, datasets: ['coldchain'] });
  }
}

async function open(edge: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port, username: edge, password: SECRET, reconnectPeriod: 0, ...options });
  clients.push(client);
  return client;
}

const bdSeq = (value: number): SparkplugMetric => ({ name: 'bdSeq', datatype: T.UInt64, value: { field: 'long', value: BigInt(value) } });
const defined = (name: string, alias: string): SparkplugMetric => ({
  name,
  alias,
  datatype: T.Double,
  value: { field: 'double', value: 0 },
});
const valued = (alias: string, value: number): SparkplugMetric => ({ alias, value: { field: 'double', value } });
let clock = AT;

/** Publishes with QoS 1, so that the call returns when the message was taken. */
async function send(client: MqttClient, topic: string, seq: number, sent: readonly SparkplugMetric[]): Promise<void> {
  const payload = Buffer.from(encodeSparkplug({ timestamp: ++clock, seq, metrics: sent }));
  await client.publishAsync(`spBv1.0/g/${topic}`, payload, { qos: 1 });
}

function will(edge: string, session: number): IClientOptions {
  const payload = Buffer.from(encodeSparkplug({ timestamp: AT, metrics: [bdSeq(session)] }));
  return { will: { topic: `spBv1.0/g/NDEATH/${edge}`, payload, qos: 1, retain: false } };
}

function headersFrom(position: number): RecordHeader[] {
  const headers: RecordHeader[] = [];
  for (let at = position; at < journal.committed; at++) {
    const record = decodeRecord((journal.read(at) as Buffer).subarray(1));
    assert.ok(record.ok);
    headers.push(record.value.header);
  }
  return headers;
}

/** Producer, message type and birth of each record from `position` on. */
function storedFrom(position: number): string[] {
  return headersFrom(position).map(({ producer, topic, birth }) => `${producer} ${topic?.split('/')[2]} ${birth ?? '-'}`);
}

function lastQuarantined(count: number): string[] {
  return quarantine
    .list(Number.MAX_SAFE_INTEGER, count)
    .items.toReversed()
    .map(({ code }) => code);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it did not come');
    await pause(10);
  }
}

/** Commands that come to the edge node. */
async function commandsTo(client: MqttClient, edge: string): Promise<Buffer[]> {
  const commands: Buffer[] = [];
  client.on('message', (topic, payload) => {
    if (topic === `spBv1.0/g/NCMD/${edge}`) commands.push(payload);
  });
  await client.subscribeAsync(`spBv1.0/g/NCMD/${edge}/#`, { qos: 1 });
  return commands;
}

const isRebirth = (payload: Buffer): boolean => {
  const command = decodeSparkplug(payload);
  const [metric] = command.ok ? command.payload.metrics : [];
  return metric?.name === 'Node Control/Rebirth' && metric.value?.field === 'boolean' && metric.value.value;
};

test('data belong to whom they speak of, and name the birth they refer to; the death speaks of all', async () => {
  await enrol('e1', ['d1', 'd2']);
  const client = await open('e1', will('e1', 7));
  const from = journal.committed;
  await send(client, 'NBIRTH/e1', 0, [bdSeq(7), defined('pm25', '1')]);
  await send(client, 'DBIRTH/e1/d1', 1, [defined('tvc', '2')]);
  await send(client, 'DBIRTH/e1/d2', 2, [defined('tvc', '3')]);
  await send(client, 'NDATA/e1', 3, [valued('1', 5)]);
  await send(client, 'DDATA/e1/d2', 4, [valued('3', 4.5)]);
  await send(client, 'DDEATH/e1/d1', 5, []);
  client.stream.destroy();
  await until(() => journal.committed >= from + 8);
  assert.deepEqual(storedFrom(from), [
    'e1 NBIRTH -',
    'e1-d1 DBIRTH -',
    'e1-d2 DBIRTH -',
    `e1 NDATA ${from}`,
    `e1-d2 DDATA ${from + 2}`,
    `e1-d1 DDEATH ${from + 1}`,
    `e1 NDEATH ${from}`,
    `e1-d2 NDEATH ${from}`,
  ]);
  const [node, device] = headersFrom(from) as [RecordHeader, RecordHeader];
  assert.deepEqual([node.dataset, device.dataset, node.contentType], ['air', 'coldchain', 'application/vnd.sparkplug-b+protobuf']);
});

test('a gap asks for a rebirth once, and the message is kept', async () => {
  await enrol('e2');
  const client = await open('e2');
  const commands = await commandsTo(client, 'e2');
  await send(client, 'NBIRTH/e2', 255, [bdSeq(0), defined('pm25', '1')]);
  const from = journal.committed;
  for (const seq of [0, 1]) await send(client, 'NDATA/e2', seq, [valued('1', seq)]);
  assert.equal(commands.length, 0, 'seq wraps without a gap');
  for (const seq of [3, 5]) await send(client, 'NDATA/e2', seq, [valued('1', seq)]);
  await until(() => commands.length > 0);
  assert.equal(isRebirth(commands[0] as Buffer), true);
  await send(client, 'NDATA/e2', 6, [valued('1', 6)]);
  assert.equal(commands.length, 1, 'not again within the interval');
  assert.equal(journal.committed, from + 5);
  assert.equal((await metrics.sparkplugGaps.get()).values[0]?.value, 2);
});

test('data before a birth, or with an alias no birth defines, is quarantined and asks for a rebirth; with names it is taken', async () => {
  await enrol('e3', ['d1']);
  const client = await open('e3');
  const commands = await commandsTo(client, 'e3');
  const from = journal.committed;
  await send(client, 'NDATA/e3', 0, [valued('1', 5)]);
  await send(client, 'NDATA/e3', 1, [{ name: 'pm25', value: { field: 'double', value: 5 } }]);
  await until(() => commands.length === 1 && isRebirth(commands[0] as Buffer));
  await send(client, 'NBIRTH/e3', 0, [bdSeq(0), defined('pm25', '1')]);
  await send(client, 'NDATA/e3', 1, [valued('2', 5)]);
  await send(client, 'DDATA/e3/d1', 2, [valued('1', 5)]);
  assert.deepEqual(lastQuarantined(3), Array(3).fill('SPARKPLUG_BIRTH_MISSING'));
  assert.deepEqual(storedFrom(from), ['e3 NDATA -', 'e3 NBIRTH -']);
});

test('the same data after another birth is another record; within one birth it is a repeat', async () => {
  await enrol('e4');
  const client = await open('e4');
  const from = journal.committed;
  const data = Buffer.from(encodeSparkplug({ timestamp: AT, seq: 1, metrics: [valued('1', 5)] }));
  for (const name of ['pm25', 'pm10']) {
    await send(client, 'NBIRTH/e4', 0, [bdSeq(0), defined(name, '1')]);
    for (let round = 0; round < 2; round++) await client.publishAsync('spBv1.0/g/NDATA/e4', data, { qos: 1 });
  }
  assert.deepEqual(storedFrom(from), ['e4 NBIRTH -', `e4 NDATA ${from}`, 'e4 NBIRTH -', `e4 NDATA ${from + 2}`]);
});

test('a birth of the edge node ends those of its devices: they are born anew', async () => {
  await enrol('e9', ['d1']);
  const client = await open('e9');
  const from = journal.committed;
  await send(client, 'NBIRTH/e9', 0, [bdSeq(0)]);
  await send(client, 'DBIRTH/e9/d1', 1, [defined('tvc', '1')]);
  await send(client, 'NBIRTH/e9', 0, [bdSeq(0)]);
  await send(client, 'DDATA/e9/d1', 1, [valued('1', 5)]);
  assert.deepEqual(lastQuarantined(1), ['SPARKPLUG_BIRTH_MISSING']);
  assert.deepEqual(storedFrom(from), ['e9 NBIRTH -', 'e9-d1 DBIRTH -', 'e9 NBIRTH -']);
});

test('the death of an earlier connection does not end the session', async () => {
  await enrol('e5');
  const old = await open('e5', will('e5', 1));
  await send(old, 'NBIRTH/e5', 0, [bdSeq(1), defined('pm25', '1')]);
  const client = await open('e5', will('e5', 2));
  await send(client, 'NBIRTH/e5', 0, [bdSeq(2), defined('pm25', '1')]);
  const before = quarantine.count;
  const from = journal.committed;
  old.stream.destroy();
  // It is counted when it comes, and listed when it is durable.
  await until(() => quarantine.get(before) !== undefined);
  assert.deepEqual(lastQuarantined(1), ['SPARKPLUG_DEATH_STALE']);
  await send(client, 'NDATA/e5', 1, [valued('1', 5)]);
  assert.deepEqual(storedFrom(from), [`e5 NDATA ${from - 1}`]);
});

test('what an edge node may not do is quarantined with the reason, and nobody hears it', async () => {
  await enrol('e6');
  await enrol('e7', ['d1']);
  const client = await open('e6');
  const other = await open('e7');
  const commands = await commandsTo(other, 'e7');
  const heard: string[] = [];
  other.on('message', (topic) => heard.push(topic));
  await other.subscribeAsync('spBv1.0/STATE/+', { qos: 1 });
  const forged = Buffer.from(encodeSparkplug({ timestamp: AT, metrics: [defined('Node Control/Rebirth', '1')] }));
  for (const qos of [0, 1, 2] as const) await client.publishAsync('spBv1.0/g/NCMD/e7', forged, { qos });
  await client.publishAsync('spBv1.0/STATE/host', '{"online":false}', { qos: 2, retain: true });
  await send(client, 'NBIRTH/e7', 0, [bdSeq(0)]);
  await send(client, 'DBIRTH/e7/d1', 0, [defined('x', '1')]);
  await client.publishAsync('spBv1.0/g/NBIRTH/e6', forged, { qos: 1, retain: true });
  await send(client, 'NBIRTH/e6', 0, [defined('a b', '1'), defined('a/b', '2')]);
  await client.publishAsync('spBv1.0/g/NBIRTH/e6', '{"t":1}', { qos: 1 });
  assert.deepEqual(lastQuarantined(9), [
    ...Array(6).fill('TOPIC_NOT_ALLOWED'),
    'RETAIN_NOT_ALLOWED',
    'SPARKPLUG_BIRTH_INVALID',
    'PAYLOAD_SHAPE',
  ]);
  await send(other, 'NDATA/e7', 4, [valued('1', 1)]);
  await until(() => commands.length > 0);
  assert.deepEqual(heard, ['spBv1.0/STATE/host', 'spBv1.0/g/NCMD/e7'], 'the state and the rebirth request of the platform alone');
  assert.equal(isRebirth(commands[0] as Buffer), true);
});

test('the host shows that it is there, and when it goes', async () => {
  await enrol('e8');
  const state = await MqttBroker.create({
    ...{ intake, registry, logins, sessions, metrics, logger, connectionsMax: 10, sparkplugHostId: 'h2' },
    leafHashOf: () => '',
    anchorOf: () => null,
  });
  const client = await open('e8', { port: await listen(state) });
  const states: { online: boolean; timestamp: number }[] = [];
  client.on('message', (_topic, payload) => states.push(JSON.parse(payload.toString())));
  await client.subscribeAsync('spBv1.0/STATE/h2', { qos: 1 });
  await until(() => states.length === 1);
  await state.close();
  await until(() => states.length === 2);
  assert.deepEqual(
    states.map(({ online }) => online),
    [true, false],
  );
  assert.ok((states[1]?.timestamp ?? 0) >= (states[0]?.timestamp ?? Number.POSITIVE_INFINITY));
});
