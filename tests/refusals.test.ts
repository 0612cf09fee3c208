/**
 * What devices should not send, sent by mosquitto_pub and over bare sockets: never a crash, always a reason and a counter. What
 * is inadmissible is acknowledged, so that a device does not send it for ever; who may not come in is not.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { LatestItem, ObservationItem, QuarantineItem } from '@airtight/protocol';
import { mosquittoPub } from './harness/mosquitto.ts';
import { ByteClient, connectPacket, publishPacket } from './harness/mqtt-bytes.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { has } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

const HOUR_MS = 3_600_000;
let product: Product;
let device: Device;
let pidsAtStart: readonly number[];
const folder = mkdtempSync(join(tmpdir(), 'airtight-refusals-'));

before(async () => {
  product = await startProduct();
  device = await product.enrol('gate-1');
  pidsAtStart = product.pids();
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newestRefusal(): Promise<QuarantineItem | undefined> {
  return (await product.page<QuarantineItem>('quarantine', { limit: 1 })).items[0];
}

/** Runs `act`, and waits until one connection more is counted as refused or as closed for what it sent. */
async function countedAfter(act: () => Promise<unknown>): Promise<void> {
  const count = async () =>
    (await product.metric('airtight_ingest_refused_logins_total')) + (await product.metric('airtight_ingest_violations_total'));
  const before = await count();
  await act();
  await until('the refused connection is counted', async () => (await count()) === before + 1);
}

/** Runs `act`, and waits for the quarantine to show one refusal more. */
async function refusalAfter(act: () => Promise<unknown>): Promise<QuarantineItem> {
  const before = await newestRefusal();
  const counted = await product.metric('airtight_ingest_quarantined_total');
  await act();
  const refusal = await until('the quarantine shows the refusal', async () => {
    const newest = await newestRefusal();
    return newest?.id !== before?.id && newest;
  });
  await until('the refusal is counted', async () => (await product.metric('airtight_ingest_quarantined_total')) === counted + 1);
  return refusal;
}

/** Publishes with QoS 1; exit code 0 means that the publish was acknowledged. */
async function publishAcknowledged(topic: string, ...extra: readonly string[]): Promise<void> {
  const { code, stderr } = await mosquittoPub(product, device, topic, extra);
  assert.equal(code, 0, stderr);
}

const inadmissible: readonly { readonly name: string; readonly code: string; readonly message: string }[] = [
  { name: 'text that is no JSON', code: 'PAYLOAD_NOT_JSON', message: '{"t": 1735689600000, "m": {' },
  { name: 'NaN', code: 'PAYLOAD_NOT_JSON', message: '{"t":1735689600000,"m":{"pm25":NaN}}' },
  { name: 'a number beyond every double', code: 'NUMBER_NOT_FINITE', message: '{"t":1735689600000,"m":{"pm25":1e999}}' },
  { name: 'a reading without values', code: 'PAYLOAD_SHAPE', message: '{"t":1735689600000,"m":{}}' },
  { name: 'a reading without time', code: 'TIME_INVALID', message: '{"m":{"pm25":1}}' },
  { name: 'a time without zone', code: 'TIME_INVALID', message: '{"t":"2026-01-01T00:00:00","m":{"pm25":1}}' },
  { name: 'a prototype name as property', code: 'PAYLOAD_SHAPE', message: '{"t":1735689600000,"m":{"__proto__":1}}' },
  { name: 'SenML with a data value', code: 'PAYLOAD_SHAPE', message: '[{"bn":"urn:dev:ow:1:","bt":1735689600,"n":"photo","vd":"aGkgCg"}]' },
];

for (const { name, code, message } of inadmissible) {
  test(`${name}: acknowledged, in quarantine as ${code}`, async (t) => {
    if (!has(t, 'mosquitto_pub')) return;
    const refusal = await refusalAfter(() => publishAcknowledged(device.topic, '-m', message));
    assert.equal(refusal.code, code);
    assert.equal(refusal.topic, device.topic);
    assert.equal(refusal.producer, device.producer);
    assert.equal(Buffer.from(refusal.payload, 'base64').toString(), message);
  });
}

test('300 kB: acknowledged, in quarantine as PAYLOAD_TOO_LARGE with its size', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const file = join(folder, 'large.json');
  writeFileSync(file, `{"t":1735689600000,"m":{"note":"${'x'.repeat(300_000)}"}}`);
  const refusal = await refusalAfter(() => publishAcknowledged(device.topic, '-f', file));
  assert.equal(refusal.code, 'PAYLOAD_TOO_LARGE');
  assert.ok(refusal.size >= 300_000, `${refusal.size} bytes`);
});

test('a foreign topic: acknowledged, in quarantine as TOPIC_NOT_ALLOWED, nothing stored under the other name', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const other = await product.enrol('gate-2');
  const refusal = await refusalAfter(() => publishAcknowledged(other.topic, '-m', '{"t":1735689600000,"m":{"pm25":1}}'));
  assert.equal(refusal.code, 'TOPIC_NOT_ALLOWED');
  assert.equal(refusal.producer, device.producer);
  await product.untilProjected();
  assert.deepEqual(await product.all<ObservationItem>('observations', { producer: other.producer }), []);
});

test('a control topic: acknowledged, in quarantine as TOPIC_NOT_ALLOWED', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const refusal = await refusalAfter(() => publishAcknowledged(`v1/${device.agency}/sys.devices/${device.producer}`, '-m', '{}'));
  assert.equal(refusal.code, 'TOPIC_NOT_ALLOWED');
});

test('retain set: acknowledged, in quarantine as RETAIN_NOT_ALLOWED', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const refusal = await refusalAfter(() => publishAcknowledged(device.topic, '-r', '-m', '{"t":1735689600000,"m":{"pm25":1}}'));
  assert.equal(refusal.code, 'RETAIN_NOT_ALLOWED');
});

test('a wrong password: not let in, and counted', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const before = (await product.status()).counters.refusedLogins;
  const { code, stderr } = await mosquittoPub(product, { ...device, secret: 'not-the-secret' }, device.topic, ['-m', '{}']);
  assert.notEqual(code, 0);
  assert.match(stderr, /refused/i);
  await until('the refused login is counted', async () => (await product.status()).counters.refusedLogins === before + 1);
});

test('an empty client id with a session to keep: CONNACK 2 [MQTT-3.1.3-8]', async () => {
  const client = new ByteClient(product.mqttPort);
  await countedAfter(async () => {
    client.send(connectPacket({ clientId: '', clean: false, username: device.username, password: device.secret }));
    assert.equal(await client.connackCode(), 2);
    await client.untilClosed();
  });
});

test('an empty client id with a clean session is let in [MQTT-3.1.3-6]', async () => {
  const client = new ByteClient(product.mqttPort);
  client.send(connectPacket({ clientId: '', clean: true, username: device.username, password: device.secret }));
  assert.equal(await client.connackCode(), 0);
  client.end();
});

test('no user name: CONNACK 4 or 5', async () => {
  const client = new ByteClient(product.mqttPort);
  client.send(connectPacket({ clientId: 'nobody', clean: true }));
  assert.ok([4, 5].includes(await client.connackCode()));
});

const garbage: readonly { readonly name: string; readonly bytes: Buffer; readonly connected: boolean }[] = [
  { name: 'an HTTP request', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), connected: false },
  { name: 'zeros', bytes: Buffer.alloc(4096), connected: false },
  { name: 'ones', bytes: Buffer.alloc(4096, 0xff), connected: false },
  {
    name: 'a remaining length of five bytes [MQTT-2.2.3]',
    bytes: Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
    connected: true,
  },
  { name: 'a reserved packet type [MQTT-2.2.2-2]', bytes: Buffer.from([0xf0, 0x00]), connected: true },
  { name: 'a publish with QoS 3 [MQTT-3.3.1-4]', bytes: Buffer.from([0x36, 0x06, 0x00, 0x01, 0x61, 0x00, 0x01, 0x62]), connected: true },
  { name: 'a topic longer than its packet', bytes: Buffer.from([0x32, 0x04, 0xff, 0xff, 0x61, 0x61]), connected: true },
  { name: 'a topic that is no UTF-8 [MQTT-1.5.3-1]', bytes: publishOf(Buffer.from([0xc3, 0x28])), connected: true },
];

/** PUBLISH, QoS 1, with raw topic bytes. */
function publishOf(topic: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([0, topic.length]), topic, Buffer.from([0, 1]), Buffer.from('{}')]);
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
}

for (const { name, bytes, connected } of garbage) {
  test(`${name}: the connection is closed, and counted`, async () => {
    const client = new ByteClient(product.mqttPort);
    if (connected) {
      client.send(connectPacket({ clientId: `raw-${name.length}`, clean: true, username: device.username, password: device.secret }));
      assert.equal(await client.connackCode(), 0);
    }
    await countedAfter(async () => {
      client.send(bytes);
      await client.untilClosed();
    });
  });
}

test('a date in 1970 is kept and flagged late, one in 2099 is kept, flagged future and never the latest', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const clock = await product.enrol('clock-1');
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  for (const [value, time] of Object.entries({ 1: Date.UTC(1970, 0, 2), 2: now, 3: Date.UTC(2099, 0, 1) })) {
    const { code, stderr } = await mosquittoPub(product, clock, clock.topic, ['-m', `{"t":${time},"m":{"pm25":${value}}}`]);
    assert.equal(code, 0, stderr);
  }
  await product.untilProjected();
  const observations = await product.all<ObservationItem>('observations', { producer: clock.producer });
  const flags = new Map(observations.map((observation) => [observation.phenomenonTime, observation.flags]));
  assert.deepEqual(flags.get('1970-01-02T00:00:00.000Z'), ['late']);
  assert.deepEqual(flags.get('2099-01-01T00:00:00.000Z'), ['future']);
  assert.deepEqual(flags.get(new Date(now).toISOString()), []);
  const latest = await product.all<LatestItem>('latest', { producer: clock.producer });
  assert.deepEqual(
    latest.map((item) => item.values['pm25']?.result),
    [2],
  );
});

test('the same reading twice is acknowledged twice and stored once', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const twin = await product.enrol('twin-1');
  const before = (await product.status()).counters.duplicates;
  for (let round = 0; round < 2; round++) {
    const { code, stderr } = await mosquittoPub(product, twin, twin.topic, ['-m', '{"seq":7,"t":1735689600000,"m":{"pm25":12}}']);
    assert.equal(code, 0, stderr);
  }
  await product.untilProjected();
  assert.equal((await product.all<ObservationItem>('observations', { producer: twin.producer })).length, 1);
  assert.equal((await product.status()).counters.duplicates, before + 1);
});

test('after all of that the services are those of the beginning, and a good reading comes through', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  await publishAcknowledged(device.topic, '-m', '{"t":1735689600000,"m":{"pm25":35.4}}');
  await product.untilProjected();
  const observations = await product.all<ObservationItem>('observations', { producer: device.producer });
  assert.deepEqual(
    observations.map(({ observedProperty, result }) => [observedProperty, result]),
    [['pm25', 35.4]],
  );
  assert.deepEqual(product.pids(), pidsAtStart);
});

test('a client that sends half a packet and stays does not hold anyone up', async () => {
  const client = new ByteClient(product.mqttPort);
  client.send(connectPacket({ clientId: 'half', clean: true, username: device.username, password: device.secret }));
  assert.equal(await client.connackCode(), 0);
  const whole = publishPacket(device.topic, 1, Buffer.from('{"t":1735693200000,"m":{"pm25":36}}'));
  client.send(whole.subarray(0, whole.length - 5));
  const other = new ByteClient(product.mqttPort);
  other.send(connectPacket({ clientId: 'whole', clean: true, username: device.username, password: device.secret }));
  assert.equal(await other.connackCode(), 0);
  other.send(whole);
  assert.deepEqual([...(await other.received(8)).subarray(4)], [0x40, 0x02, 0x00, 0x01]);
  client.send(whole.subarray(whole.length - 5));
  assert.deepEqual([...(await client.received(8)).subarray(4)], [0x40, 0x02, 0x00, 0x01]);
  client.end();
  other.end();
});
