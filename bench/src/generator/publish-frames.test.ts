import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReadings } from '@airtight/protocol';
import { encodeConnect, PublishFrames, SEQ_MIN, TimeDigits } from './publish-frames.ts';

const TOPIC = 'v1/bench/air/station-00000';

/** Splits frames independently of the encoder, as MQTT 3.1.1 §3.3 lays them out. */
function split(bytes: Buffer): { packetId: number; topic: string; payload: string }[] {
  const packets = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(bytes[at], 0x32);
    const length = ((bytes[at + 1] ?? 0) & 0x7f) + (bytes[at + 2] ?? 0) * 128;
    const body = bytes.subarray(at + 3, at + 3 + length);
    const topicLength = body.readUInt16BE(0);
    packets.push({
      topic: body.toString('utf8', 2, 2 + topicLength),
      packetId: body.readUInt16BE(2 + topicLength),
      payload: body.toString('utf8', 4 + topicLength),
    });
    at += 3 + length;
  }
  return packets;
}

test('every message is a 200-byte reading of its own with the time it was sent', () => {
  const frames = new PublishFrames(TOPIC, 3, SEQ_MIN + 98);
  const time = new TimeDigits();
  const payloads = new Set<string>();
  for (let round = 0; round < 4; round++) {
    time.update(1_735_689_600_000 + round);
    for (let slot = 0; slot < 3; slot++) frames.patch(slot, time.digits);
    for (const [slot, { packetId, topic, payload }] of split(frames.bytes).entries()) {
      assert.equal(packetId, slot + 1);
      assert.equal(topic, TOPIC);
      assert.equal(payload.length, 200);
      const readings = parseReadings(payload, 0);
      assert.ok(readings.ok);
      assert.equal(readings.value[0]?.messageId, `seq:${SEQ_MIN + 98 + round * 3 + slot}`);
      assert.equal(readings.value[0]?.time, 1_735_689_600_000 + round);
      assert.equal(readings.value[0]?.measurements.length, 6);
      payloads.add(payload);
    }
  }
  assert.equal(payloads.size, 12);
});

test('CONNECT carries credentials only when there are some', () => {
  assert.deepEqual([...encodeConnect('c', '', '')], [0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0x02, 0, 0, 0, 1, 0x63]);
  assert.deepEqual([...encodeConnect('c', 'u', 'p')].slice(9), [0xc2, 0, 0, 0, 1, 0x63, 0, 1, 0x75, 0, 1, 0x70]);
});

test('a sequence number of another length would not fit its place', () => {
  assert.throws(() => new PublishFrames(TOPIC, 1, 1), RangeError);
  assert.throws(() => new PublishFrames(TOPIC, 1, SEQ_MIN * 10), RangeError);
});
