import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectPacket, type PacketHandlers, publishSize, readPackets, writePublish } from './packets.ts';

test('CONNECT: 3.1.1, clean session, user name and password', () => {
  const packet = connectPacket({ clientId: 'c1', username: 'u', password: 'pw' }, 30);
  // §3.1: fixed header, "MQTT", level 4, flags, keep alive, then client id, user name, password.
  assert.equal(packet.toString('hex'), '101500044d51545404c2001e00026331000175000270' + '77');
});

test('PUBLISH QoS 1 (§3.3)', () => {
  const topic = Buffer.from('a/b');
  const packet = Buffer.alloc(publishSize(topic, 5));
  assert.equal(writePublish(packet, 0, topic, 10, 'hello', 5), packet.length);
  assert.equal(packet.toString('hex'), '320c0003612f62000a68656c6c6f');
});

test('Remaining Length at its borders (§2.2.3, table 2.4)', () => {
  const topic = Buffer.from('t');
  for (const [remaining, field] of [
    [127, '7f'],
    [128, '8001'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2_097_151, 'ffff7f'],
    [2_097_152, '80808001'],
  ] as const) {
    const payload = 'x'.repeat(remaining - 5);
    const packet = Buffer.alloc(publishSize(topic, payload.length));
    assert.equal(writePublish(packet, 0, topic, 1, payload, payload.length), packet.length);
    assert.equal(packet.toString('hex', 1, 1 + field.length / 2), field);
  }
});

test('answers are read whole, however the network cuts them', () => {
  const bytes = Buffer.from('20020000' + '40020001' + 'd000' + '4002ffff', 'hex');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const seen: string[] = [];
    const handlers: PacketHandlers = {
      onConnack: (code) => seen.push(`connack ${code}`),
      onPuback: (id) => seen.push(`puback ${id}`),
      onPingresp: () => seen.push('pingresp'),
    };
    const rest = readPackets(bytes.subarray(0, cut), handlers);
    assert.equal(readPackets(Buffer.concat([rest, bytes.subarray(cut)]), handlers).length, 0);
    assert.deepEqual(seen, ['connack 0', 'puback 1', 'pingresp', 'puback 65535']);
  }
});

test('what a server may not send to a publisher is refused', () => {
  const handlers: PacketHandlers = { onConnack: () => {}, onPuback: () => {}, onPingresp: () => {} };
  assert.throws(() => readPackets(Buffer.from('3003000161', 'hex'), handlers), RangeError);
  assert.throws(() => readPackets(Buffer.from('4003000161', 'hex'), handlers), RangeError);
});
