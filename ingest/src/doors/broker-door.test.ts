/** The external broker door against a broker that the test plays byte by byte (MQTT 5): when it acknowledges, what, and how it comes back. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeRecord } from '@airtight/protocol';
import pino from 'pino';
import { DeviceRegistry } from '../identity/device-registry.ts';
import type { Intake } from '../intake.ts';
import type { Journal } from '../journal/journal.ts';
import { createMetrics } from '../metrics.ts';
import type { Quarantine } from '../quarantine/quarantine.ts';
import { openIntake } from '../testing/open-intake.ts';
import { BrokerDoor, type BrokerDoorOptions } from './broker-door.ts';
import { DevicePaces } from './device-pace.ts';

const TOPIC = 'v1/a/air/p';
const root = mkdtempSync(join(tmpdir(), 'broker-door-'));
const server = createServer();
let journal: Journal;
let quarantine: Quarantine;
let intake: Intake;
let options: BrokerDoorOptions;
let door: BrokerDoor;
const metrics = createMetrics();

before(async () => {
  ({ journal, quarantine, intake } = openIntake(root));
  const registry = new DeviceRegistry();
  const described = { type: 'device', agency: 'a', kind: 'air-station', name: { zh: '', en: '' }, credentials: [] } as const;
  registry.set({ ...described, producer: 'p', datasets: ['air'], subscribe: [], simulated: false, revoked: false });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  options = {
    settings: {
      url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
      clientId: 'airtight-test-1',
      username: 'node',
      password: 'secret of the node',
      ca: undefined,
      group: 'airtight',
      topics: ['v1/+/+/+'],
    },
    intake,
    registry,
    metrics,
    logger: pino({ level: 'silent' }),
    onTaken: () => undefined,
    paces: new DevicePaces({ deviceRateMax: 0, deviceBytesPerSecondMax: 0 }, metrics),
  };
  door = new BrokerDoor(options);
});

after(async () => {
  await door.close();
  server.close();
  await intake.committed();
  journal.close();
  quarantine.close();
  rmSync(root, { recursive: true });
});

/** One connection of the door, as its broker sees it. Packets of these tests are shorter than 128 bytes. */
class BrokerSide {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  /** Journal end when the last bytes came. */
  committedAtReceipt = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.committedAtReceipt = journal.committed;
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake?.();
    });
    socket.on('error', () => undefined);
  }

  /** Waits for the door's next connection and lets it in. @returns it, its CONNECT and its SUBSCRIBE */
  static async accept(sessionPresent: boolean): Promise<{ side: BrokerSide; connect: Buffer; subscribe: Buffer }> {
    const side = new BrokerSide(await new Promise<Socket>((resolve) => server.once('connection', resolve)));
    const connect = await side.next();
    side.socket.write(Buffer.of(0x20, 3, sessionPresent ? 1 : 0, 0, 0));
    const subscribe = await side.next();
    side.socket.write(Buffer.of(0x90, 4, subscribe[2] as number, subscribe[3] as number, 0, 1));
    return { side, connect, subscribe };
  }

  async next(): Promise<Buffer> {
    for (;;) {
      const end = 2 + (this.#received[1] ?? Number.POSITIVE_INFINITY);
      if (this.#received.length >= end) {
        const packet = this.#received.subarray(0, end);
        this.#received = this.#received.subarray(end);
        return packet;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** PUBLISH with QoS 1, MQTT 5 §3.3, with a Content Type where one is given. */
function publish(id: number, topic: string, payload: string, contentType?: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(0, value.length), Buffer.from(value)]);
  const properties = contentType === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(3), text(contentType)]);
  const body = Buffer.concat([text(topic), Buffer.of(id >> 8, id & 0xff, properties.length), properties, Buffer.from(payload)]);
  return Buffer.concat([Buffer.of(0x32, body.length), body]);
}

const reading = (seq: number): string => `{"seq":${seq},"t":1735689600000,"m":{"pm25":1}}`;
const puback = (id: number): Buffer => Buffer.of(0x40, 2, id >> 8, id & 0xff);

test('the door keeps its session, acknowledges after the commit and in order, and recognises what comes again', {
  timeout: 120_000,
}, async () => {
  const first = await BrokerSide.accept(false);
  const connect = first.connect.toString('latin1');
  assert.ok(connect.includes('airtight-test-1') && connect.includes('secret of the node'));
  assert.equal(first.connect[8], 5, 'MQTT 5');
  assert.equal((first.connect[9] as number) & 2, 0, 'clean start is not set');
  assert.ok(first.subscribe.toString('latin1').includes('$share/airtight/v1/+/+/+'));

  // One at a time: when the PUBACK comes, the record is durable.
  for (let seq = 1; seq <= 20; seq++) {
    first.side.socket.write(publish(seq, TOPIC, reading(seq)));
    assert.deepEqual(await first.side.next(), puback(seq));
    assert.equal(first.side.committedAtReceipt, seq);
  }
  // Many at once, one of them inadmissible and one from nobody.
  const many = Array.from({ length: 20 }, (_, i) =>
    publish(100 + i, i === 7 ? 'v1/a/air/nobody' : TOPIC, i === 9 ? '{}' : reading(100 + i)),
  );
  first.side.socket.write(Buffer.concat(many));
  for (let i = 0; i < 20; i++) assert.deepEqual(await first.side.next(), puback(100 + i), 'in order [MQTT-4.6.0-2]');
  assert.equal(journal.committed, 38);
  assert.equal(quarantine.count, 2);

  // The connection breaks; what the broker did not see acknowledged it sends again.
  first.side.socket.destroy();
  const second = await BrokerSide.accept(true);
  const again = publish(119, TOPIC, reading(119));
  again[0] = 0x3a;
  second.side.socket.write(Buffer.concat([again, publish(120, TOPIC, reading(120), 'Application/JSON; charset=utf-8')]));
  assert.deepEqual([await second.side.next(), await second.side.next()], [puback(119), puback(120)]);
  assert.equal(journal.committed, 39, 'the repeat is stored once');
  const record = decodeRecord((journal.read(38) as Buffer).subarray(1));
  assert.ok(record.ok);
  assert.deepEqual([record.value.header.door, record.value.header.contentType], ['broker', 'application/json']);
});

test('messages of a device are read no faster than its rate, and none is lost', { timeout: 120_000 }, async () => {
  const [rate, count] = [20, 40];
  const paces = new DevicePaces({ deviceRateMax: rate, deviceBytesPerSecondMax: 0 }, metrics);
  const connection = BrokerSide.accept(false);
  const slow = new BrokerDoor({ ...options, settings: { ...options.settings, clientId: 'airtight-test-2' }, paces });
  const { side } = await connection;
  const throttled = async () => (await metrics.throttled.get()).values.reduce((sum, { value }) => sum + value, 0);
  const [from, before, startedAt] = [journal.committed, await throttled(), performance.now()];
  side.socket.write(Buffer.concat(Array.from({ length: count }, (_, i) => publish(1 + i, TOPIC, reading(1000 + i)))));
  for (let i = 0; i < count; i++) assert.deepEqual(await side.next(), puback(1 + i));
  const seconds = (performance.now() - startedAt) / 1000;
  assert.equal(journal.committed, from + count);
  assert.ok(seconds > (count - rate - 2) / rate, `${count} messages at ${rate}/s took ${seconds} s`);
  assert.ok((await throttled()) > before);
  side.socket.destroy();
  await slow.close();
});
