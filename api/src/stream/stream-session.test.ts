import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameMessage, GapMessage, StreamMessage } from '@airtight/protocol';
import { ALERTS_DATASET, DatasetRegistry } from '@airtight/protocol';
import { ManualFlags } from '../control/manual-flags.ts';
import type { JournalEvent } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import { journalEvent } from '../testing/journal-event.ts';
import { Ring } from './ring.ts';
import type { StreamFilter } from './stream-items.ts';
import {
  BUFFERED_MAX_BYTES,
  CONFLATE_FROM_RECORDS,
  frameText,
  STALLED_MAX_MS,
  StreamSession,
  type StreamSocket,
} from './stream-session.ts';

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
  return journalEvent(position, { dataset: 'x' }, { t: position, m: { a: position } }, registry);
}

const FRAME_BYTES = eventAt(100, new DatasetRegistry()).frame.body.length;

function alertAt(position: number, registry: DatasetRegistry): JournalEvent {
  const acknowledge = { v: 1, at: 1, contract: 'k', agency: 'a', type: 'acknowledge', alert: 'b', by: 'lin' };
  return journalEvent(position, { dataset: ALERTS_DATASET, door: 'internal' }, acknowledge, registry);
}

const datasetOf = (): undefined => undefined;

function setUp(ringMaxBytes: number, filter: StreamFilter = {}) {
  const registry = new DatasetRegistry();
  const context = { datasets: registry, flags: new ManualFlags(), datasetOf };
  const ring = new Ring(0, context, ringMaxBytes);
  const clock = { ms: 0 };
  const socket = new Socket();
  const ingest = { feed: () => Promise.reject(new Error('not asked here')) };
  const session = new StreamSession(socket, 0, filter, {
    ring,
    context,
    decided: () => Promise.resolve(new Map()),
    ingest,
    births: new Births(ingest),
    head: () => ring.next,
    now: () => clock.ms,
    allowed: () => true,
    frameOf: (stretch) => frameText(stretch, ring.next),
  });
  const push = (count: number) => {
    for (let i = 0; i < count; i++) ring.push(eventAt(ring.next, registry), [], false);
  };
  const pushAlert = () => ring.push(alertAt(ring.next, registry), [], false);
  return { ring, clock, socket, session, push, pushAlert };
}

test('a slow client is not written to, is told the gap after it drains, and goes on live', () => {
  const { ring, socket, session, push } = setUp(50_000);
  push(10);
  session.turn(false);
  socket.bufferedAmount = BUFFERED_MAX_BYTES + 1;
  push(2000);
  session.turn(false);
  assert.equal(socket.sent.length, 2, 'hello and one frame: nothing while it does not read');
  assert.ok(ring.base > 10, 'the ring has moved on');
  socket.bufferedAmount = 0;
  session.turn(false);
  const gap = socket.sent.at(-1) as GapMessage;
  assert.deepEqual(gap, { type: 'gap', from: 10, next: 2010 });
  push(1);
  session.turn(false);
  const frame = socket.sent.at(-1) as FrameMessage;
  assert.deepEqual([frame.type, frame.from, frame.next, frame.events.length], ['frame', 2010, 2011, 1]);
});

test('a slow client whose place is still in the ring loses nothing', () => {
  const { socket, session, push } = setUp(10_000_000);
  push(10);
  session.turn(false);
  socket.bufferedAmount = BUFFERED_MAX_BYTES + 1;
  push(2000);
  session.turn(false);
  socket.bufferedAmount = 0;
  session.turn(false);
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
  session.turn(false);
  clock.ms = STALLED_MAX_MS + 1;
  session.turn(false);
  assert.equal(socket.terminated, true);
});

const readingsOf = ({ events }: FrameMessage) =>
  events.map((event) => (event.type === 'observation' ? event.values['a']?.result : event.type));

test('a conflating client gets little at once, and much at the beat: of each producer the newest, and what was left out by number', () => {
  const { socket, session, push } = setUp(10_000_000, { conflate: true });
  push(3);
  session.turn(false);
  const frames = () => socket.sent.filter((message) => message.type === 'frame');
  assert.deepEqual(
    frames().map(({ from, next, skipped }) => [from, next, skipped]),
    [[0, 3, undefined]],
  );
  push(CONFLATE_FROM_RECORDS + 1);
  session.turn(false);
  assert.equal(frames().length, 1, 'held until the beat');
  session.turn(true);
  const [, frame] = frames();
  assert.ok(frame !== undefined);
  assert.deepEqual([frame.from, frame.next, frame.skipped], [3, 104, { 'x/p': CONFLATE_FROM_RECORDS }]);
  assert.deepEqual(readingsOf(frame), [103]);
});

test('what would leave the ring is not held', () => {
  const { ring, socket, session, push } = setUp(150 * FRAME_BYTES, { conflate: true });
  push(CONFLATE_FROM_RECORDS + 1);
  session.turn(false);
  assert.equal(socket.sent.at(-1)?.type, 'frame');
  assert.equal(ring.base, 0);
});

test('an alert goes ahead of what is held, once, and stands in the frame too', () => {
  const { ring, socket, session, push, pushAlert } = setUp(10_000_000, { conflate: true });
  push(CONFLATE_FROM_RECORDS + 1);
  pushAlert();
  session.turn(false);
  push(1);
  session.turn(false);
  const sent = socket.sent.slice(1);
  assert.deepEqual(
    sent.map(({ type }) => type),
    ['ahead'],
  );
  session.turn(true);
  const frame = socket.sent.at(-1);
  assert.ok(frame?.type === 'frame' && sent[0]?.type === 'ahead');
  assert.deepEqual(frame.next, ring.next);
  assert.deepEqual(
    frame.events.map(({ type }) => type),
    ['alert', 'observation'],
  );
  assert.deepEqual(sent[0].events, frame.events.slice(0, 1));
});
