/** The HJ 212 door over real sockets, with a real journal. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type DeviceRecord, decodeRecord } from '@airtight/protocol';
import { formatAnswer, frameHj212, type Hj212Segment, parseHj212 } from '@airtight/standards/hj212.ts';
import pino from 'pino';
import { DeviceRegistry } from '../identity/device-registry.ts';
import { Logins } from '../identity/logins.ts';
import { hashSecret } from '../identity/secret-hash.ts';
import type { Intake } from '../intake.ts';
import type { Journal } from '../journal/journal.ts';
import { createMetrics } from '../metrics.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { openIntake } from '../testing/open-intake.ts';
import { DevicePaces } from './device-pace.ts';
import type { Hj212Timeouts } from './hj212-connection.ts';
import { Hj212Door } from './hj212-door.ts';

const PASSWORD = '314159';
const DEADLINE_MS = 60_000;
const root = mkdtempSync(join(tmpdir(), 'hj212-'));
const metrics = createMetrics();
const paces = new DevicePaces({ deviceRateMax: 0, deviceBytesPerSecondMax: 0 }, metrics);
const registry = new DeviceRegistry();
let journal: Journal;
let quarantine: Quarantine;
const logger = pino({ level: 'silent' });
const newLogins = (): Logins => new Logins({ registry, audience: 'test', metrics, logger });
let intake: Intake;
let door: Hj212Door;
let port: number;
let base: DeviceRecord;

before(async () => {
  ({ journal, quarantine, intake } = openIntake(root));
  const credentials = [{ id: 'first', kind: 'hj212-password', hash: await hashSecret(PASSWORD), validFrom: 0 }] as const;
  base = {
    ...{ type: 'device', agency: 'a', kind: 'air-station', name: { zh: '', en: '' }, simulated: false, revoked: false, subscribe: [] },
    ...{ producer: 'm1', datasets: ['air'], foreignId: 'hj212:M1', credentials },
  };
  registry.set(base);
  registry.set({ ...base, producer: 'm2', foreignId: 'hj212:M2' });
  registry.set({ ...base, producer: 'gone', foreignId: 'hj212:GONE', revoked: true });
  // The secret of one door opens no other.
  const mqttOnly = credentials.map((credential) => ({ ...credential, kind: 'password' as const }));
  registry.set({ ...base, producer: 'mqtt', foreignId: 'hj212:MQTT', credentials: mqttOnly });
  const options = { intake, registry, logins: newLogins(), metrics, logger, paces, connectionsMax: 100 };
  door = new Hj212Door({ ...options, onTaken: () => undefined });
  port = await door.listen('127.0.0.1', 0);
});

after(async () => {
  await door.close();
  await intake.committed();
  journal.close();
  quarantine.close();
  rmSync(root, { recursive: true });
});

let second = 0;

function segment({ mn = 'M1', password = PASSWORD, cn = '2011', flag = 5, value = 1, extra = '' } = {}): string {
  const time = `20261122${String(100_000 + ++second)}`;
  return `QN=${time}000;ST=22;CN=${cn};PW=${password};MN=${mn};Flag=${flag};${extra}CP=&&DataTime=20261122100500;a34004-Rtd=${value},a34004-Flag=N&&`;
}

function answerTo(text: string, cn: '9013' | '9014' = '9014'): string {
  return Buffer.from(formatAnswer((parseHj212(text) as { value: Hj212Segment }).value, cn)).toString();
}

async function open(at = port): Promise<Socket> {
  const socket = connect(at, '127.0.0.1');
  socket.setMaxListeners(0);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Reads until as many characters came, or the peer closed. */
async function read(socket: Socket, chars: number): Promise<string> {
  let got = '';
  const signal = AbortSignal.timeout(DEADLINE_MS);
  while (got.length < chars) {
    const closed = once(socket, 'close', { signal }).then(() => [undefined]);
    const chunk = (await Promise.race([once(socket, 'data', { signal }), closed]))[0] as Buffer | undefined;
    if (chunk === undefined) break;
    got += chunk.toString('latin1');
  }
  return got;
}

/** A peer that closes with bytes unread resets the connection: that is closed too. */
async function isClosed(socket: Socket): Promise<boolean> {
  if (socket.closed) return true;
  const closed = Promise.withResolvers<boolean>();
  const deadline = setTimeout(() => closed.resolve(false), DEADLINE_MS);
  socket.resume().once('close', () => closed.resolve(true));
  return closed.promise.finally(() => clearTimeout(deadline));
}

function record(position: number) {
  const decoded = decodeRecord((journal.read(position) as Buffer).subarray(1));
  assert.ok(decoded.ok);
  return { ...decoded.value, text: Buffer.from(decoded.value.payload).toString('latin1') };
}

const codes = (count: number): string[] => quarantine.list(Number.MAX_SAFE_INTEGER, count).items.map(({ code }) => code);

test('frames are taken however they are cut and glued, answered in order, each once it is durable', async () => {
  for (const cut of [1, 7, 100_000]) {
    const from = journal.committed;
    const socket = await open();
    const sent = Array.from({ length: 10 }, (_, i) => segment({ value: i, mn: i % 2 === 0 ? 'M1' : 'M2' }));
    const stream = Buffer.concat(sent.map(frameHj212));
    for (let at = 0; at < stream.length; at += cut) socket.write(stream.subarray(at, at + cut));
    const answers = sent.map((text) => answerTo(text)).join('');
    assert.equal(await read(socket, answers.length), answers, `cut at ${cut}`);
    assert.equal(journal.committed, from + 10);
    assert.deepEqual(
      sent.map((_, i) => record(from + i).header.producer),
      sent.map((_, i) => (i % 2 === 0 ? 'm1' : 'm2')),
    );
    socket.destroy();
  }
});

test('a record holds the segment without its password, and nothing the password follows from', async () => {
  const from = journal.committed;
  const socket = await open();
  const text = segment({ extra: 'PNUM=2;PNO=1;', flag: 7 });
  socket.write(frameHj212(text));
  await read(socket, answerTo(text).length);
  const { header, text: stored } = record(from);
  assert.equal(stored, text.replace(`PW=${PASSWORD};`, ''));
  const qn = text.slice(3, 20);
  assert.deepEqual([header.door, header.contentType, header.messageId], ['hj212', 'application/vnd.hj212', `id:${qn}-2011-M1-1`]);
  socket.destroy();
});

test('a frame sent again is stored once and answered; other content under the same number is a revision', async () => {
  const from = journal.committed;
  const socket = await open();
  const text = segment({ value: 1 });
  const other = text.replace('Rtd=1,', 'Rtd=2,');
  for (const frame of [text, text, other]) {
    socket.write(frameHj212(frame));
    assert.equal(await read(socket, 1), answerTo(frame));
  }
  assert.equal(journal.committed, from + 2);
  socket.destroy();
});

test('no answer unless it is wanted; a heartbeat is answered and not stored', async () => {
  const from = journal.committed;
  const socket = await open();
  const heartbeat = segment({ cn: '9015', flag: 9 });
  socket.write(Buffer.concat([segment({ flag: 4 }), segment({ cn: '9014', flag: 5 }), heartbeat].map(frameHj212)));
  assert.equal(await read(socket, 1), answerTo(heartbeat, '9013'));
  await intake.committed();
  assert.equal(journal.committed, from + 1);
  socket.destroy();
});

test('a damaged frame has no answer and is kept without what could tell the password; what follows is taken', async () => {
  const before = quarantine.count;
  const socket = await open();
  const good = segment();
  socket.write(frameHj212(good));
  await read(socket, 1);
  const damaged = Buffer.from(frameHj212(segment()));
  damaged[damaged.length - 10] = (damaged[damaged.length - 10] as number) ^ 1;
  const unreadable = frameHj212(`ST=22;PW=${PASSWORD};MN=M1;CP=&&&&`);
  const refused = segment({ cn: '3020' });
  socket.write(Buffer.concat([damaged, unreadable, frameHj212(refused)]));
  assert.equal(await read(socket, 1), answerTo(refused), 'what cannot be admitted is answered: it must not come for ever');
  assert.equal(quarantine.count, before + 3);
  assert.deepEqual(codes(3), ['PAYLOAD_SHAPE', 'HJ212_MALFORMED', 'HJ212_MALFORMED']);
  const kept = quarantine.list(Number.MAX_SAFE_INTEGER, 3).items;
  for (const { payload, producer } of kept) assert.deepEqual([producer, payload.includes(PASSWORD)], ['m1', false]);
  assert.equal(kept[2]?.detail, 'the CRC is another', 'not which one it should be');
  socket.destroy();
});

test('strangers are not answered, leave nothing behind and are shown out', async () => {
  const from = journal.committed;
  const before = quarantine.count;
  for (const wrong of [{ password: '000000' }, { mn: 'NOBODY' }, { mn: 'GONE' }, { mn: 'MQTT' }]) {
    const socket = await open();
    let answered = '';
    socket.on('data', (chunk) => {
      answered += chunk.toString();
    });
    for (let i = 0; i < 3; i++) socket.write(frameHj212(segment(wrong)));
    assert.equal(await isClosed(socket), true);
    assert.equal(answered, '');
  }
  const garbage = await open();
  for (let i = 0; i < 3; i++) garbage.write(`GET / HTTP/1.1\r\n\r\n##0004abcd0000\r\n`);
  assert.equal(await isClosed(garbage), true);
  assert.deepEqual([journal.committed, quarantine.count], [from, before]);
  // A guesser behind the same address does not lock out a monitor that was let in from there.
  const socket = await open();
  const text = segment();
  socket.write(frameHj212(text));
  assert.equal(await read(socket, 1), answerTo(text));
  socket.destroy();
});

test('a monitor that is enrolled anew or revoked is asked again on its open connection', async () => {
  registry.set({ ...base, producer: 'm3', foreignId: 'hj212:M3' });
  const socket = await open();
  const text = segment({ mn: 'M3' });
  socket.write(frameHj212(text));
  assert.equal(await read(socket, 1), answerTo(text));
  const from = journal.committed;
  registry.set({ ...base, producer: 'm3', foreignId: 'hj212:M3', revoked: true });
  for (let i = 0; i < 3; i++) socket.write(frameHj212(segment({ mn: 'M3' })));
  assert.equal(await isClosed(socket), true);
  assert.equal(journal.committed, from);
});

test('who says nothing, begins a frame and does not end it, or falls silent, is let go', async () => {
  const options = { intake, registry, logins: newLogins(), metrics, logger, paces, connectionsMax: 10, onTaken: () => undefined };
  const cases: readonly (readonly [string, Hj212Timeouts, Uint8Array])[] = [
    ['silent from the beginning', { firstFrameMs: 100, frameMs: 60_000, idleMs: 60_000 }, new Uint8Array(0)],
    ['half a frame', { firstFrameMs: 60_000, frameMs: 100, idleMs: 60_000 }, frameHj212(segment()).subarray(0, 50)],
    ['silent after a frame', { firstFrameMs: 60_000, frameMs: 60_000, idleMs: 100 }, frameHj212(segment())],
  ];
  for (const [name, timeouts, sent] of cases) {
    const strict = new Hj212Door({ ...options, timeouts });
    const socket = await open(await strict.listen('127.0.0.1', 0));
    socket.write(sent);
    assert.equal(await isClosed(socket), true, name);
    await strict.close();
  }
});

test('one byte at a time does not prolong the time for a frame', async (t) => {
  const options = { intake, registry, logins: newLogins(), metrics, logger, paces, connectionsMax: 10, onTaken: () => undefined };
  const strict = new Hj212Door({ ...options, timeouts: { firstFrameMs: 60_000, frameMs: 200, idleMs: 60_000 } });
  const socket = await open(await strict.listen('127.0.0.1', 0));
  const frame = frameHj212(segment());
  let at = 0;
  const trickle = setInterval(() => at < frame.length - 1 && socket.write(frame.subarray(at, ++at)), 20);
  t.after(async () => {
    clearInterval(trickle);
    await strict.close();
  });
  assert.equal(await isClosed(socket), true);
  assert.ok(at < frame.length - 1, `${at} of ${frame.length} bytes`);
});

test('frames of a monitor are read no faster than its rate, over all of its connections, and none is lost', async () => {
  const [rate, each] = [20, 20];
  const slow = new DevicePaces({ deviceRateMax: rate, deviceBytesPerSecondMax: 0 }, metrics);
  const options = { intake, registry, logins: newLogins(), metrics, logger, paces: slow, connectionsMax: 10, onTaken: () => undefined };
  const strict = new Hj212Door(options);
  const at = await strict.listen('127.0.0.1', 0);
  const throttled = async () => (await metrics.throttled.get()).values.reduce((sum, { value }) => sum + value, 0);
  const [from, before, startedAt] = [journal.committed, await throttled(), performance.now()];
  const answered = await Promise.all(
    [0, 1].map(async () => {
      const socket = await open(at);
      const sent = Array.from({ length: each }, () => segment());
      socket.write(Buffer.concat(sent.map(frameHj212)));
      const wanted = sent.map((text) => answerTo(text)).join('');
      const got = await read(socket, wanted.length);
      socket.destroy();
      return got === wanted;
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  assert.deepEqual(answered, [true, true]);
  assert.equal(journal.committed, from + 2 * each);
  // One second of burst, the last frames of both are taken before their wait, and a timer may be a little early.
  assert.ok(seconds > (2 * each - rate - 3) / rate, `${2 * each} frames at ${rate}/s took ${seconds} s`);
  assert.ok((await throttled()) > before);
  await strict.close();
});
