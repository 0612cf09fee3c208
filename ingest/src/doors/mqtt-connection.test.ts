/** The cutting of the byte stream in front of the broker, against whatever may come over a socket. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { mutate, type Random, seededRandom } from '../testing/mutations.ts';
import type { ByteStream } from './byte-stream.ts';
import type { DevicePace } from './device-pace.ts';
import type { DevicePublisher } from './device-publisher.ts';
import { type ConnectionHooks, MqttConnection } from './mqtt-connection.ts';

const INPUTS = 30_000;
const CONNECT = Buffer.from('100f00044d5154540402003c0003646576', 'hex');

function packet(first: number, ...parts: (string | readonly number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? text(part) : Buffer.from(part))));
  const length: number[] = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/** A UTF-8 string with its length in front, MQTT 3.1.1 §1.5.3. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

const PAYLOAD = [...Buffer.from('{"t":1735689600000,"m":{"pm25":35.4}}')];
const QOS_1 = packet(0x32, 'v1/bj/air/dev', [0, 7], PAYLOAD);
const STREAMS: readonly Buffer[] = [
  Buffer.concat([QOS_1, QOS_1, packet(0x30, 'v1/bj/air/dev', PAYLOAD)]),
  Buffer.concat([packet(0x82, [0, 1], 'v1/bj/air/dev/receipt', [1]), QOS_1, packet(0xc0)]),
  Buffer.concat([packet(0x34, 'v1/bj/air/dev', [0, 9], PAYLOAD), packet(0x62, [0, 9]), packet(0x3a, 'v1/bj/空气/dev', [0, 8], PAYLOAD)]),
  Buffer.concat([packet(0x32, 'v1/bj/air/dev', [0, 1], new Array<number>(20_000).fill(0x61)), packet(0xe0)]),
];

interface Published {
  readonly topic: string;
  readonly payload: Buffer;
}

/** Gives a connected device's bytes in the pieces the cuts make. */
function run(input: Buffer, cuts: readonly number[]) {
  const written: Buffer[] = [];
  const socket = Object.assign(new EventEmitter(), {
    ...{ writableLength: 0, pause() {}, resume() {}, end() {}, destroy() {}, destroySoon() {} },
    write: (bytes: Buffer) => written.push(bytes) > 0,
  }) as unknown as ByteStream;
  const published: Published[] = [];
  const passed: Buffer[] = [];
  let violation: string | undefined;
  const intake = { full: false, group: 1, join: () => undefined, whenRoom: (): void => assert.fail('there is room') };
  const hooks = {
    ...{ peer: undefined, remoteAddress: '127.0.0.1', intake, onActivity: () => undefined, onShareTaken: () => undefined },
    onViolation: (reason: string) => {
      assert.equal(violation, undefined, 'one violation ends it');
      violation = reason;
    },
  } as unknown as ConnectionHooks;
  const connection = new MqttConnection(socket, hooks);
  Object.assign(connection, { push: (bytes: Buffer) => passed.push(bytes) > 0 });
  socket.emit('data', CONNECT);
  const publisher = {
    publish(topic: string, payload: Buffer) {
      assert.equal(violation, undefined, 'nothing is taken after a violation');
      published.push({ topic, payload });
    },
  } as unknown as DevicePublisher;
  connection.open(publisher, { hasShare: () => false, add: () => undefined, spend: () => 0 } as unknown as DevicePace);
  for (const [i, from] of [0, ...cuts].entries()) {
    const piece = input.subarray(from, cuts[i] ?? input.length);
    if (piece.length > 0) socket.emit('data', Buffer.from(piece));
  }
  connection.onCommitStart();
  if (violation === undefined) connection.onCommitted();
  connection.destroy(new Error('over'));
  connection.on('error', () => undefined);
  return { published, passed, violation, acknowledged: Buffer.concat(written).length / 4 };
}

function cutsIn(input: Buffer, random: Random): number[] {
  return Array.from({ length: Math.floor(random() * 6) }, () => Math.floor(random() * input.length)).sort((a, b) => a - b);
}

test('right streams give the same messages however they are cut', async () => {
  const random = seededRandom(7);
  for (const stream of STREAMS) {
    const whole = run(stream, []);
    assert.equal(whole.violation, undefined);
    for (let round = 0; round < 200; round++) {
      const { published, passed, acknowledged, violation } = run(stream, cutsIn(stream, random));
      assert.equal(violation, undefined);
      assert.deepEqual(Buffer.concat(passed), Buffer.concat(whole.passed));
      assert.deepEqual(published, whole.published);
      assert.equal(acknowledged, whole.acknowledged);
    }
    await turn();
  }
});

test(`${INPUTS} changed streams: no throw, nothing taken that was not sent, nothing after a violation`, async () => {
  const random = seededRandom(20_261_123);
  let [taken, refused] = [0, 0];
  for (let i = 0; i < INPUTS; i++) {
    const [seed, other] = [0, 1].map(() => STREAMS[Math.floor(random() * STREAMS.length)] as Buffer) as [Buffer, Buffer];
    const input = mutate(seed, other, random);
    const { published, passed, violation, acknowledged } = run(input, cutsIn(input, random));
    for (const { topic, payload } of published) {
      assert.ok(isUtf8(Buffer.from(topic)) && !/[\0#+]/.test(topic), topic);
      assert.ok(payload.length === 0 || input.includes(payload), `message of input ${i}`);
    }
    const bytes = published.reduce((sum, { topic, payload }) => sum + Buffer.byteLength(topic) + payload.length, 0);
    assert.ok(bytes + Buffer.concat(passed).length <= CONNECT.length + input.length, `input ${i} gave more than came`);
    assert.ok(acknowledged <= published.length, 'each acknowledgement is of a message that was taken');
    if (published.length > 0) taken++;
    if (violation !== undefined) refused++;
    if (i % 200 === 0) await turn();
  }
  assert.ok(taken > INPUTS / 20 && refused > INPUTS / 20, `${taken} gave messages, ${refused} were ended`);
});
