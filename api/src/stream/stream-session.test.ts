import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameMessage, GapMessage, StreamMessage } from '@airtight/protocol';
import { DatasetRegistry, encodeRecord } from '@airtight/protocol';
import { ManualFlags } from '../control/manual-flags.ts';
import { decodeFrame, type JournalEvent } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import { Ring } from './ring.ts';
import { BUFFERED_MAX_BYTES, frameText, STALLED_MAX_MS, StreamSession, type StreamSocket } from './stream-session.ts';

class Socket implements StreamSocket {
  bufferedAmount = 0;
  terminated = false;
  readonly sent: StreamMessage[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text) as StreamMessage);
  }
  close(): void {}
  terminate(): void {
    this.terminated = true;
  }
}

function eventAt(position: number, registry: DatasetRegistry): JournalEvent {
  const header = { v: 1, agency: 'a', dataset: 'x', producer: 'p', receivedAt: 1, door: 'mqtt', contentType: 'application/json' } as const;
  const record = encodeRecord(header, Buffer.from(JSON.stringify({ t: 1, m: { a: position } })));
  return decodeFrame({ position, body: Buffer.concat([Uint8Array.of(0), record]) }, registry);
}

const datasetOf = (): undefined => undefined;

function setUp(ringMaxBytes: number) {
  const registry = new DatasetRegistry();
  const context = { datasets: registry, flags: new ManualFlags(), datasetOf };
  const ring = new Ring(0, context, ringMaxBytes);
  const clock = { ms: 0 };
  const socket = new Socket();
  const ingest = { feed: () => Promise.reject(new Error('not asked here')) };
  const session = new StreamSession(
    socket,
    0,
    {},
    {
      ring,
      context,
      decided: () => Promise.resolve(new Map()),
      ingest,
      births: new Births(ingest),
      head: () => ring.next,
      now: () => clock.ms,
      allowed: () => true,
      frameOf: (stretch) => frameText(stretch, ring.next),
    },
  );
  const push = (count: number) => {
    for (let i = 0; i < count; i++) ring.push(eventAt(ring.next, registry), [], false);
  };
  return { ring, clock, socket, session, push };
}

test('a slow client is not written to, is told the gap after it drains, and goes on live', () => {
  const { ring, socket, session, push } = setUp(50_000);
  push(10);
  session.turn();
  socket.bufferedAmount = BUFFERED_MAX_BYTES + 1;
  push(2000);
  session.turn();
  assert.equal(socket.sent.length, 2, 'hello and one frame: nothing while it does not read');
  assert.ok(ring.base > 10, 'the ring has moved on');
  socket.bufferedAmount = 0;
  session.turn();
  const gap = socket.sent.at(-1) as GapMessage;
  assert.deepEqual(gap, { type: 'gap', from: 10, next: 2010 });
  push(1);
  session.turn();
  const frame = socket.sent.at(-1) as FrameMessage;
  assert.deepEqual([frame.type, frame.from, frame.next, frame.events.length], ['frame', 2010, 2011, 1]);
});

test('a slow client whose place is still in the ring loses nothing', () => {
  const { socket, session, push } = setUp(10_000_000);
  push(10);
  session.turn();
  socket.bufferedAmount = BUFFERED_MAX_BYTES + 1;
  push(2000);
  session.turn();
  socket.bufferedAmount = 0;
  session.turn();
  const frames = socket.sent.filter((message) => message.type === 'frame');
  assert.deepEqual(
    frames.map(({ from, next }) => [from, next]),
    [
      [0, 10],
      [10, 2010],
    ],
  );
});

test('a client that takes nothing for too long is cut off', () => {
  const { clock, socket, session } = setUp(1000);
  socket.bufferedAmount = BUFFERED_MAX_BYTES + 1;
  session.turn();
  clock.ms = STALLED_MAX_MS + 1;
  session.turn();
  assert.equal(socket.terminated, true);
});
