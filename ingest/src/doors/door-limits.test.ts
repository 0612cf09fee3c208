/** Every limit of the MQTT door is hit by a client that goes beyond it: what happens, and where it is counted. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DatasetRegistry } from '@airtight/protocol';
import pino from 'pino';
import { DeviceRegistry } from '../identity/device-registry.ts';
import { LiveSessions } from '../identity/live-sessions.ts';
import { Logins } from '../identity/logins.ts';
import { hashSecret } from '../identity/secret-hash.ts';
import { Intake, tagOfBody } from '../intake.ts';
import { FaultyDisk } from '../journal/faulty-disk.ts';
import { Journal } from '../journal/journal.ts';
import { createMetrics } from '../metrics.ts';
import { Quarantine } from '../quarantine/quarantine.ts';
import { StorageHealth } from '../storage/storage-health.ts';
import { DEFAULT_DOOR_LIMITS, type DoorLimits } from './door-limits.ts';
import { MqttBroker } from './mqtt-broker.ts';
import { MqttListeners } from './mqtt-listeners.ts';

const SECRET = 'a secret of the device';
const DEADLINE_MS = 60_000;
const root = mkdtempSync(join(tmpdir(), 'door-limits-'));
const metrics = createMetrics();
const registry = new DeviceRegistry();
const disk = new FaultyDisk();
const storage = new StorageHealth({ onFault: () => undefined, onCleared: () => intake.releaseRoom() });
const journal = Journal.open(join(root, 'records'), { tagOf: tagOfBody, disk, health: storage });
const quarantine = new Quarantine(join(root, 'quarantine'));
const intake = new Intake({
  journal,
  quarantine,
  storage,
  datasets: new DatasetRegistry(),
  onCommitted: () => undefined,
  onCommitSeconds: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});
const logger = pino({ level: 'silent' });
const sessions = new LiveSessions(registry);
const brokers: MqttBroker[] = [];
const listeners: MqttListeners[] = [];
const sockets: Socket[] = [];

before(async () => {
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
  for (const producer of ['p', 'q']) registry.set({ ...base, producer, datasets: ['air'], subscribe: [] });
});

after(async () => {
  sessions.close();
  for (const socket of sockets) socket.destroy();
  for (const opened of listeners) opened.close();
  for (const broker of brokers) await broker.close();
  await intake.committed();
  journal.close();
  quarantine.close();
  rmSync(root, { recursive: true });
});

/** @param counters own ones where what is counted must not be of a connection that an earlier test left open */
async function listen(limits: Partial<DoorLimits>, connectionsMax = 100, counters = metrics): Promise<number> {
  const broker = await MqttBroker.create({
    ...{
      intake,
      registry,
      logins: new Logins({ registry, audience: 'test', metrics: counters, logger }),
      sessions,
      metrics: counters,
      logger,
    },
    ...{ connectionsMax, sparkplugHostId: 'host', limits: { ...DEFAULT_DOOR_LIMITS, ...limits } },
    leafHashOf: () => '',
    anchorOf: () => null,
  });
  brokers.push(broker);
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
  listeners.push(opened);
  return opened.ports.tcp;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

/** @param body of fewer than 16,384 bytes */
function packet(first: number, ...body: Buffer[]): Buffer {
  const bytes = Buffer.concat(body);
  return Buffer.concat([Buffer.of(first, (bytes.length & 0x7f) | 0x80, bytes.length >> 7), bytes]);
}

const connectAs = (producer: string, clientId: string, keepAlive = 60): Buffer =>
  packet(0x10, text('MQTT'), Buffer.of(4, 0xc2, 0, keepAlive), text(clientId), text(producer), text(SECRET));
let nextSeq = 1;
const publish = (producer: string, id: number, qos = 1, pad = ''): Buffer =>
  packet(
    0x30 | (qos << 1),
    text(`v1/a/air/${producer}`),
    Buffer.of(id >> 8, id & 0xff),
    Buffer.from(`{"seq":${nextSeq++},"t":1735689600000,"m":{"pm25":1${pad}}}`),
  );

/** So many more properties, of some 12 bytes each. */
const wide = (count: number): string => Array.from({ length: count }, (_, i) => `,"p${1000 + i}":${i + 100}`).join('');

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Bytes that have come so far, as they come. */
function received(socket: Socket): { bytes: Buffer } {
  const got = { bytes: Buffer.alloc(0) };
  socket.on('data', (chunk: Buffer) => {
    got.bytes = Buffer.concat([got.bytes, chunk]);
  });
  return got;
}

async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
    await delay(10);
  }
}

const counted = async (name: 'refusedConnections' | 'throttled', limit: string): Promise<number> =>
  (await metrics[name].get()).values.find(({ labels }) => labels.limit === limit)?.value ?? 0;

test('more connections than one address may have are closed at once; a place that is given back can be taken', async () => {
  const port = await listen({ connectionsPerAddressMax: 2 });
  const first = await open(port);
  await open(port);
  const third = await open(port);
  await once(third, 'close');
  assert.equal(await counted('refusedConnections', 'address'), 1);
  first.destroy();
  await once(first, 'close');
  await until('the place is free', async () => {
    const socket = await open(port);
    const got = received(socket);
    socket.write(connectAs('p', 'later'));
    await Promise.race([once(socket, 'close'), once(socket, 'data')]);
    return got.bytes.equals(Buffer.of(0x20, 2, 0, 0));
  });
});

test('more connections than there are places are closed at once, and counted', async () => {
  const port = await listen({}, 2);
  await open(port);
  await open(port);
  const third = await open(port);
  await once(third, 'close');
  assert.equal(await counted('refusedConnections', 'total'), 1);
});

test('a faster rate of connections than one address may have is closed; a moment later it may come again', async () => {
  const port = await listen({ connectRateMax: 3 });
  // So many that some are beyond it even when connecting them takes seconds.
  const opened = await Promise.all(Array.from({ length: 30 }, () => open(port)));
  await until('those beyond are closed', () => opened.filter((socket) => socket.closed).length >= 2);
  assert.ok((await counted('refusedConnections', 'rate')) >= 2);
  await until('the next may come', async () => {
    const socket = await open(port);
    socket.write(connectAs('p', 'again'));
    // One that is still beyond it is closed, or reset before it has written.
    const [first] = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => []);
    return Buffer.isBuffer(first);
  });
});

test('connections that say nothing do not take all places: beyond the limit they are closed, and an accepted one counts no more', async () => {
  const port = await listen({ unauthenticatedMax: 2 });
  const device = await open(port);
  device.write(connectAs('p', 'known'));
  await once(device, 'data');
  await open(port);
  await open(port);
  const silent = await open(port);
  await once(silent, 'close');
  assert.equal(await counted('refusedConnections', 'unauthenticated'), 1);
});

test('one device has a bounded number of connections: CONNACK 3; the same client id takes its own place', async () => {
  const port = await listen({ connectionsPerDeviceMax: 1 });
  const first = await open(port);
  first.write(connectAs('p', 'one'));
  await once(first, 'data');
  const second = await open(port);
  second.write(connectAs('p', 'two'));
  assert.deepEqual((await once(second, 'data'))[0], Buffer.of(0x20, 2, 0, 3));
  assert.equal(await counted('refusedConnections', 'device'), 1);
  const other = await open(port);
  other.write(connectAs('q', 'two'));
  assert.deepEqual((await once(other, 'data'))[0], Buffer.of(0x20, 2, 0, 0), 'another device has its own');
  const again = await open(port);
  again.write(connectAs('p', 'one'));
  assert.deepEqual((await once(again, 'data'))[0], Buffer.of(0x20, 2, 0, 0));
  await until('the former connection ends [MQTT-3.1.4-2]', () => first.closed);
});

test('a device that sends faster than its rate is read later: nothing is dropped, and it stays connected', async () => {
  const port = await listen({ deviceRateMax: 50 });
  const before = journal.committed;
  const socket = await open(port);
  const got = received(socket);
  const startedAt = performance.now();
  // Keep-alive 2 s, silence ends it after 3 s: waiting for its rate does not count as silence.
  socket.write(Buffer.concat([connectAs('p', 'fast', 2), ...Array.from({ length: 250 }, (_, i) => publish('p', i + 1, 1, wide(6)))]));
  await until('all are acknowledged', () => got.bytes.length === 4 + 250 * 4);
  const seconds = (performance.now() - startedAt) / 1000;
  assert.ok(seconds > 1.5, `250 messages at 50/s with one second of burst took ${seconds} s`);
  assert.equal(journal.committed - before, 250);
  assert.ok((await counted('throttled', 'rate')) > 0);
});

test('bytes per second are bounded in the same way', async () => {
  const port = await listen({ deviceBytesPerSecondMax: 4000 });
  const socket = await open(port);
  const got = received(socket);
  const startedAt = performance.now();
  socket.write(Buffer.concat([connectAs('p', 'wide'), ...Array.from({ length: 10 }, (_, i) => publish('p', i + 1, 1, wide(80)))]));
  await until('all are acknowledged', () => got.bytes.length === 4 + 10 * 4);
  socket.write(publish('p', 11));
  await until('the next one too', () => got.bytes.length === 4 + 11 * 4);
  assert.ok(performance.now() - startedAt > 1000);
});

test('a device that floods has its share of each commit; another one is answered between', async () => {
  const port = await listen({});
  const flood = await open(port);
  const flooded = received(flood);
  flood.write(connectAs('p', 'flood'));
  await once(flood, 'data');
  const quiet = await open(port);
  const answered = received(quiet);
  quiet.write(connectAs('q', 'quiet'));
  await once(quiet, 'data');
  const count = 5000;
  let acknowledged = count;
  quiet.once('data', () => {
    acknowledged = (flooded.bytes.length - 4) / 4;
  });
  flood.write(Buffer.concat(Array.from({ length: count }, (_, i) => publish('p', i + 1))));
  quiet.write(publish('q', 1));
  await until('the quiet one is acknowledged', () => answered.bytes.length === 8);
  assert.ok(acknowledged < count, `before all ${count} of the flood: ${acknowledged}`);
  await until('the flood is acknowledged', () => flooded.bytes.length === 4 + count * 4);
  assert.ok((await counted('throttled', 'share')) > 10);
});

test('QoS 2 publishes faster than the broker takes them wait in the socket and are all taken', async () => {
  const port = await listen({});
  const before = journal.committed;
  const socket = await open(port);
  const got = received(socket);
  // Of a QoS 2 exchange the broker keeps 1,000 open.
  const count = 900;
  socket.write(Buffer.concat([connectAs('p', 'exactly'), ...Array.from({ length: count }, (_, i) => publish('p', i + 1, 2, wide(50)))]));
  await until('PUBREC for each', () => got.bytes.length === 4 + count * 4);
  assert.equal(journal.committed - before, count);
});

test('more QoS 2 exchanges than the broker keeps open end the connection', async () => {
  const port = await listen({});
  const socket = await open(port);
  socket.write(Buffer.concat([connectAs('p', 'open'), ...Array.from({ length: 1100 }, (_, i) => publish('p', i + 1, 2))]));
  await once(socket.resume(), 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
});

test('while the disk is full nothing is acknowledged and nothing is read; when there is room all of it is, once', async () => {
  const port = await listen({});
  const before = journal.committed;
  const socket = await open(port);
  const got = received(socket);
  socket.write(connectAs('p', 'full'));
  await until('CONNACK', () => got.bytes.length === 4);
  Object.assign(disk, { errno: 'ENOSPC', leavesBytes: 10 });
  socket.write(publish('p', 1));
  await until('the journal stalls', () => storage.fault !== undefined);
  const more = Array.from({ length: 3000 }, (_, i) => publish('p', i + 2));
  socket.write(Buffer.concat(more));
  const pendingBytes = journal.pendingBytes;
  await delay(200);
  assert.equal(got.bytes.length, 4, 'no PUBACK');
  assert.equal(journal.pendingBytes, pendingBytes, 'nothing more was taken');
  disk.errno = undefined;
  await until('all are acknowledged', () => got.bytes.length === 4 + 3001 * 4);
  assert.equal(journal.committed - before, 3001);
});

test('below the reserve of the disk devices wait too, and go on when there is room', async () => {
  const port = await listen({});
  const socket = await open(port);
  const got = received(socket);
  socket.write(connectAs('p', 'reserve'));
  await until('CONNACK', () => got.bytes.length === 4);
  storage.reserve('1 byte free');
  socket.write(publish('p', 1));
  await delay(200);
  assert.equal(got.bytes.length, 4, 'no PUBACK');
  storage.reserve(undefined);
  await until('acknowledged', () => got.bytes.length === 8);
});

test('a connection without CONNECT is closed when its time is over', async () => {
  const counters = createMetrics();
  const port = await listen({ connectTimeoutMs: 200 }, 100, counters);
  const socket = await open(port);
  socket.resume();
  await once(socket, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
  assert.equal((await counters.violations.get()).values[0]?.value, 1);
});

test('a CONNECT beyond every need is closed and counted before it is read', async () => {
  const counters = createMetrics();
  const port = await listen({}, 100, counters);
  const socket = await open(port);
  socket.write(Buffer.of(0x10, 0xff, 0xff, 0x7f));
  await once(socket.resume(), 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
  assert.equal((await counters.violations.get()).values[0]?.value, 1);
});

test('a subscription of more topic levels than there are is no subscription', async () => {
  const port = await listen({});
  const socket = await open(port);
  const got = received(socket);
  const levels = (count: number): string => Array.from({ length: count }, () => 'a').join('/');
  socket.write(Buffer.concat([connectAs('p', 'deep'), packet(0x82, Buffer.of(0, 1), text(levels(17)), Buffer.of(0))]));
  await until('an answer or the end', () => socket.closed || got.bytes.length >= 9);
  assert.ok(socket.closed || got.bytes.at(-1) === 0x80);
});

test('a device that does not read its acknowledgements is not read either, and nothing of it is lost', async () => {
  const port = await listen({ deviceRateMax: 0 });
  const before = journal.committed;
  const socket = await open(port);
  socket.write(connectAs('p', 'deaf'));
  await once(socket, 'data');
  socket.pause();
  const count = 60_000;
  const message = publish('p', 1);
  // The same bytes again and again are repeats: acknowledged each, and the journal does not grow.
  for (let i = 0; i < count; i += 1000) socket.write(Buffer.concat(Array.from({ length: 1000 }, () => message)));
  await until('the first is stored', () => journal.committed === before + 1);
  let acknowledged = 0;
  socket.on('data', (chunk: Buffer) => {
    acknowledged += chunk.length / 4;
  });
  await delay(300);
  socket.resume();
  await until('all are acknowledged', () => acknowledged === count);
});

test('a connection without keep-alive is watched by TCP', async (t) => {
  if (!existsSync('/proc/net/tcp')) return t.skip('/proc/net/tcp is not there');
  const port = await listen({});
  const socket = await open(port);
  socket.write(connectAs('p', 'still', 0));
  await once(socket, 'data');
  const hex = (value: number | undefined): string => (value ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const ours = new RegExp(`:${hex(port)} [0-9A-F]+:${hex(socket.localPort)} 01 \\S+ (\\d\\d):`);
  // proc(5): timer 2 is keep-alive.
  await until('the timer of the kernel is keep-alive', () => ours.exec(readFileSync('/proc/net/tcp', 'utf8'))?.[1] === '02');
});
