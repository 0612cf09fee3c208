import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeRecord } from '@airtight/protocol';
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

const SECRET = 'a secret of the device';
const TOPIC = 'v1/a/air/p';
/** An answer that has not come by then will not come. */
const DEADLINE_MS = 60_000;
const root = mkdtempSync(join(tmpdir(), 'broker-'));
const metrics = createMetrics();
let journal: Journal;
let quarantine: Quarantine;
let intake: Intake;
let broker: MqttBroker;
let listeners: MqttListeners;
let port: number;
let sessions: LiveSessions;
const registry = new DeviceRegistry();
let anchoredThrough = 0;

before(async () => {
  ({ journal, quarantine, intake } = openIntake(root));
  const logger = pino({ level: 'silent' });
  sessions = new LiveSessions(registry);
  const credentials = [{ id: 'first', kind: 'password', hash: await hashSecret(SECRET), validFrom: 0 }] as const;
  const base = {
    type: 'device',
    agency: 'a',
    kind: 'air-station',
    name: { zh: '', en: '' },
    credentials,
    simulated: false,
    revoked: false,
  } as const;
  registry.set({ ...base, producer: 'p', datasets: ['air'], subscribe: [] });
  registry.set({ ...base, producer: 'listener', datasets: [], subscribe: ['#'] });
  registry.set({ ...base, producer: 'gone', datasets: ['air'], subscribe: [], revoked: true });
  broker = await MqttBroker.create({
    intake,
    registry,
    logins: new Logins({ registry, audience: 'test', metrics, logger }),
    sessions,
    metrics,
    logger,
    connectionsMax: 100,
    sparkplugHostId: 'host',
    leafHashOf: (position) => hash('sha256', journal.read(position) as Buffer, 'hex'),
    // The ledger of this test has what lies below `anchoredThrough`.
    anchorOf: (position) => (position < anchoredThrough ? { seq: 3, ledgerIndex: 40 } : null),
  });
  const opened = await MqttListeners.open({
    host: '127.0.0.1',
    ports: { tcp: 0, tls: -1, ws: -1, wss: -1 },
    tls: undefined,
    connectionsMax: 100,
    handshakeTimeoutMs: DEADLINE_MS,
    onDropped: (remoteAddress) => broker.dropped(remoteAddress),
    accept: (stream, peer) => broker.accept(stream, peer),
    onRefused: () => undefined,
  });
  listeners = opened;
  port = opened.ports.tcp;
});

after(async () => {
  listeners.close();
  sessions.close();
  await broker.close();
  await intake.committed();
  journal.close();
  quarantine.close();
  rmSync(root, { recursive: true });
});

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

function packet(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest % 128) | (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.of(first, ...length), body]);
}

function connectPacket(
  options: { user?: string; password?: string; clientId?: string; clean?: boolean; level?: number; keepAlive?: number } = {},
): Buffer {
  const { user = 'p', password = SECRET, clientId = `c${Math.random()}`, clean = true, level = 4, keepAlive = 60 } = options;
  const flags = 0xc0 | (clean ? 2 : 0);
  return packet(
    0x10,
    text('MQTT'),
    Buffer.of(level, flags, 0, keepAlive, ...(level === 5 ? [0] : [])),
    text(clientId),
    text(user),
    text(password),
  );
}

function publish(qos: number, id: number, topic: string | Buffer, payload: string | Buffer, retain = false): Buffer {
  return packet(
    0x30 | (qos << 1) | (retain ? 1 : 0),
    text(topic),
    ...(qos > 0 ? [Buffer.of(id >> 8, id & 0xff)] : []),
    Buffer.from(payload),
  );
}

const CONNACK_OK = Buffer.of(0x20, 2, 0, 0);
const puback = (id: number): Buffer => Buffer.of(0x40, 2, id >> 8, id & 0xff);
const reading = (seq: number): string => `{"seq":${seq},"t":1735689600000,"m":{"pm25":1}}`;
let nextSeq = 1;

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  // `read` leaves a listener behind for each round.
  socket.setMaxListeners(0);
  await once(socket, 'connect');
  return socket;
}

/** Reads until as many bytes as expected came, or the peer closed. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  let got: Buffer = Buffer.alloc(0);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  while (got.length < bytes) {
    const closed = once(socket, 'close', { signal }).then(() => [undefined]);
    const chunk = (await Promise.race([once(socket, 'data', { signal }), closed]))[0] as Buffer | undefined;
    if (chunk === undefined) break;
    got = Buffer.concat([got, chunk]);
  }
  return got;
}

/** Reads until the text that came matches all of these, in whatever order. */
async function readUntil(socket: Socket, ...patterns: readonly RegExp[]): Promise<Buffer> {
  let got: Buffer = Buffer.alloc(0);
  while (!patterns.every((pattern) => pattern.test(got.toString('latin1')))) {
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) })) as [Buffer];
    got = Buffer.concat([got, chunk]);
  }
  return got;
}

test('packets are taken whatever way the bytes are cut: one byte at a time, all at once, at random', async () => {
  const before = journal.committed;
  for (const cut of [1, 100_000, 7, 13]) {
    const socket = await open();
    const first = nextSeq;
    nextSeq += 20;
    const publishes = Array.from({ length: 20 }, (_, i) => publish(1, i + 1, TOPIC, reading(first + i)));
    // CONNECT and publishes in one stream, before the CONNACK is there.
    const stream = Buffer.concat([connectPacket(), ...publishes.slice(0, 10), Buffer.of(0xc0, 0), ...publishes.slice(10)]);
    for (let at = 0; at < stream.length; at += cut) socket.write(stream.subarray(at, at + cut));
    const answer = await read(socket, 4 + 20 * 4 + 2);
    const pingresp = answer.indexOf(Buffer.of(0xd0, 0));
    assert.ok(pingresp > 0);
    const acks = Buffer.concat([answer.subarray(4, pingresp), answer.subarray(pingresp + 2)]);
    assert.deepEqual(answer.subarray(0, 4), CONNACK_OK);
    assert.deepEqual(acks, Buffer.concat(Array.from({ length: 20 }, (_, i) => puback(i + 1))), 'in order [MQTT-4.6.0-2]');
    socket.destroy();
  }
  assert.equal(journal.committed - before, 80);
});

test('a PUBACK means durable: the record is in the committed journal when it arrives', async () => {
  const socket = await open();
  socket.write(connectPacket());
  await read(socket, 4);
  for (let i = 1; i <= 50; i++) {
    const seq = nextSeq++;
    const expected = journal.committed;
    socket.write(publish(1, i, TOPIC, reading(seq)));
    assert.deepEqual(await read(socket, 4), puback(i));
    assert.equal(journal.committed, expected + 1);
    const record = decodeRecord((journal.read(expected) as Buffer).subarray(1));
    assert.ok(record.ok && record.value.header.messageId === `seq:${seq}`);
  }
  socket.destroy();
});

test('QoS 0 is stored too, also when DISCONNECT follows at once', async () => {
  const before = journal.committed;
  const socket = await open();
  socket.write(Buffer.concat([connectPacket(), publish(0, 0, TOPIC, reading(nextSeq++)), Buffer.of(0xe0, 0)]));
  await once(socket.resume(), 'close');
  await intake.committed();
  assert.equal(journal.committed, before + 1);
});

test('QoS 2 is committed before PUBREC and stored once when it is sent again', async () => {
  const before = journal.committed;
  const socket = await open();
  socket.write(connectPacket({ clientId: 'q2', clean: false }));
  await read(socket, 4);
  const message = publish(2, 9, TOPIC, reading(nextSeq++));
  socket.write(message);
  assert.deepEqual(await read(socket, 4), Buffer.of(0x50, 2, 0, 9));
  assert.equal(journal.committed, before + 1);
  socket.write(message);
  assert.deepEqual(await read(socket, 4), Buffer.of(0x50, 2, 0, 9));
  socket.write(Buffer.of(0x62, 2, 0, 9));
  assert.deepEqual(await read(socket, 4), Buffer.of(0x70, 2, 0, 9));
  assert.equal(journal.committed, before + 1);
  socket.destroy();
});

test('what a device may not do is acknowledged and quarantined, with the reason', async () => {
  const before = quarantine.count;
  const socket = await open();
  socket.write(connectPacket());
  await read(socket, 4);
  const bad: [string, Buffer][] = [
    ['TOPIC_NOT_ALLOWED', publish(1, 1, 'v1/a/air/q', reading(1))],
    ['TOPIC_NOT_ALLOWED', publish(1, 2, 'anything', reading(1))],
    ['RETAIN_NOT_ALLOWED', publish(1, 3, TOPIC, reading(1), true)],
    ['PAYLOAD_NOT_JSON', publish(1, 4, TOPIC, '{"t":NaN}')],
    ['PAYLOAD_TOO_LARGE', publish(1, 5, TOPIC, Buffer.alloc(300_000, 32))],
    ['PAYLOAD_NOT_JSON', publish(1, 6, TOPIC, '')],
  ];
  socket.write(Buffer.concat(bad.map(([, bytes]) => bytes)));
  assert.deepEqual(await read(socket, 4 * bad.length), Buffer.concat(bad.map((_, i) => puback(i + 1))));
  const kept = [...quarantine.list(Number.MAX_SAFE_INTEGER, bad.length).items].reverse();
  assert.deepEqual(
    kept.map(({ code }) => code),
    bad.map(([code]) => code),
  );
  assert.equal(quarantine.count - before, bad.length);
  socket.destroy();
});

test('who is refused, and how', async () => {
  const cases: [string, Buffer, Buffer][] = [
    ['wrong password', connectPacket({ password: 'wrong' }), Buffer.of(0x20, 2, 0, 4)],
    ['unknown user', connectPacket({ user: '__proto__' }), Buffer.of(0x20, 2, 0, 4)],
    ['revoked', connectPacket({ user: 'gone' }), Buffer.of(0x20, 2, 0, 4)],
    // [MQTT-3.1.3-8]
    ['no client id but a kept session', connectPacket({ clientId: '', clean: false }), Buffer.of(0x20, 2, 0, 2)],
    ['MQTT 5', connectPacket({ level: 5 }), Buffer.of(0x20, 2, 0, 1)],
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(0)],
    ['PUBLISH before CONNECT', publish(1, 1, TOPIC, reading(1)), Buffer.alloc(0)],
    ['a topic that is no UTF-8', Buffer.concat([connectPacket(), publish(1, 1, Buffer.of(0xc3, 0x28), reading(1))]), CONNACK_OK],
    ['a topic with a wildcard', Buffer.concat([connectPacket(), publish(1, 1, 'v1/a/air/#', reading(1))]), CONNACK_OK],
    ['a reserved packet type', Buffer.concat([connectPacket(), Buffer.of(0xf0, 0)]), CONNACK_OK],
    ['QoS 3', Buffer.concat([connectPacket(), Buffer.of(0x36, 0)]), CONNACK_OK],
    ['a packet beyond every limit', Buffer.concat([connectPacket(), Buffer.of(0x30, 0xff, 0xff, 0xff, 0x7f)]), CONNACK_OK],
    ['remaining length of five bytes', Buffer.concat([connectPacket(), Buffer.of(0x30, 0xff, 0xff, 0xff, 0xff, 0x01)]), CONNACK_OK],
  ];
  const before = journal.committed;
  const counted = async (): Promise<number> => {
    const [logins, violations] = await Promise.all([metrics.refusedLogins.get(), metrics.violations.get()]);
    return [...logins.values, ...violations.values].reduce((sum, { value }) => sum + value, 0);
  };
  for (const [i, [name, bytes, answer]] of cases.entries()) {
    const socket = await open();
    const closed = once(socket, 'close');
    socket.write(bytes);
    assert.deepEqual(await read(socket, Math.max(1, answer.length)), answer, name);
    await closed;
    assert.equal(await counted(), i + 1, `${name} is counted once`);
  }
  assert.equal(journal.committed, before);
});

test('a subscriber gets live observations, never raw telemetry, and only with a grant', async () => {
  const subscribe = packet(0x82, Buffer.of(0, 1), text('#'), Buffer.of(0));
  const stranger = await open();
  stranger.write(Buffer.concat([connectPacket({ clientId: 's' }), subscribe]));
  assert.deepEqual(await read(stranger, 9), Buffer.concat([CONNACK_OK, Buffer.of(0x90, 3, 0, 1, 0x80)]));
  stranger.destroy();

  const listener = await open();
  listener.write(Buffer.concat([connectPacket({ user: 'listener', clientId: 'l' }), subscribe]));
  assert.deepEqual(await read(listener, 9), Buffer.concat([CONNACK_OK, Buffer.of(0x90, 3, 0, 1, 0)]));
  const device = await open();
  const payload = reading(nextSeq++);
  device.write(Buffer.concat([connectPacket(), publish(1, 1, TOPIC, payload)]));
  const live = publish(0, 0, 'v1/a/live/air/p', payload);
  assert.deepEqual(await read(listener, live.length), live);
  device.destroy();
  listener.destroy();
});

test('a producer that asks for receipts gets one when it is durable, and one when it is anchored', async () => {
  const socket = await open();
  const receipts = `${TOPIC}/receipt`;
  socket.write(Buffer.concat([connectPacket(), packet(0x82, Buffer.of(0, 1), text(receipts), Buffer.of(0))]));
  await read(socket, 9);
  const position = journal.head;
  const first = reading(nextSeq++);
  const receipt = (value: object): Buffer => publish(0, 0, receipts, JSON.stringify(value));
  const leafHashAt = (at: number): string => hash('sha256', journal.read(at) as Buffer, 'hex');

  socket.write(Buffer.concat([publish(1, 1, TOPIC, first), publish(1, 2, TOPIC, first), publish(1, 3, TOPIC, '{}')]));
  const got = await readUntil(socket, /"accepted"[^}]*\}/, /"repeat"[^}]*\}/, /TIME_INVALID[^}]*\}/);
  assert.ok(got.includes(receipt({ status: 'accepted', record: String(position), leafHash: leafHashAt(position) })));
  assert.ok(got.includes(receipt({ status: 'repeat', record: String(position), leafHash: leafHashAt(position) })));
  assert.match(got.toString(), /"status":"quarantined","code":"TIME_INVALID"/);

  broker.onAnchored(41);
  anchoredThrough = journal.committed;
  broker.onAnchored(42);
  const anchored = receipt({ status: 'anchored', record: String(position), batch: 3, ledgerIndex: 40, checkpointSize: 42 });
  const later = await readUntil(socket, /anchored.*anchored[^}]*\}/s);
  assert.deepEqual(later, Buffer.concat([anchored, anchored]), 'the message and its repeat');
  socket.destroy();
});

test('publishing counts as life: keep-alive does not end a device that only publishes', async () => {
  /** Publishes twice a second for 3 s at a keep-alive of 1 s. */
  const attempt = async () => {
    const socket = await open();
    socket.write(connectPacket({ keepAlive: 1 }));
    await read(socket, 4);
    let isClosed = false;
    socket.once('close', () => {
      isClosed = true;
    });
    let silentMs = 0;
    let heardAt = performance.now();
    for (let i = 1; i <= 6; i++) {
      socket.write(publish(1, i, TOPIC, reading(nextSeq++)));
      await read(socket, 4);
      await new Promise((resolve) => setTimeout(resolve, 500));
      silentMs = Math.max(silentMs, performance.now() - heardAt);
      heardAt = performance.now();
    }
    return { socket, isClosed, silentMs };
  };
  let tried = await attempt();
  // A machine that stood still for longer than one and a half keep-alive times [MQTT-3.1.2-24] has made the device silent.
  for (let i = 0; i < 5 && tried.isClosed && tried.silentMs > 1400; i++) tried = await attempt();
  assert.equal(tried.isClosed, false, `never silent for longer than ${tried.silentMs} ms`);
  await once(tried.socket, 'close');
});
