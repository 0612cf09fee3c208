import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerStatus, StreamEvent, StreamMessage } from '@airtight/protocol';
import {
  initialStream,
  LAG_SHOWN_MS,
  LAG_SHOWN_RECORDS,
  SILENCE_MAX_MS,
  type StreamEffect,
  type StreamState,
  stepStream,
} from './stream-core.ts';

const event = (position: number): StreamEvent => ({ type: 'observation', position }) as StreamEvent;
const frame = (from: number, next: number, positions: readonly number[] = [], head = next): StreamMessage => ({
  type: 'frame',
  from,
  next,
  head,
  events: positions.map(event),
});
const applied = (effects: readonly StreamEffect[]) =>
  effects.flatMap((effect) => (effect.type === 'apply' ? effect.events.map(({ position }) => position) : []));

function take(state: StreamState, message: StreamMessage, at = 0) {
  return stepStream(state, { type: 'message', message, at });
}
function connected(cursor: number, head = cursor): StreamState {
  return take(initialStream(cursor, 0).state, { type: 'hello', from: cursor, head }).state;
}

test('begins at the cursor of the snapshot', () => {
  assert.deepEqual(initialStream(7, 0).effects, [{ type: 'connect', since: 7 }]);
  assert.equal(connected(7).phase, 'live');
});

test('a contiguous frame is applied and moves the cursor, also when it holds nothing', () => {
  const first = take(connected(5), frame(5, 8, [5, 7]));
  assert.deepEqual(applied(first.effects), [5, 7]);
  assert.equal(first.state.cursor, 8);
  const empty = take(first.state, frame(8, 20));
  assert.equal(empty.state.cursor, 20);
  assert.equal(empty.state.holes, 0);
});

test('a hole is counted and answered by a refetch', () => {
  const { state, effects } = take(connected(5), frame(9, 12, [10]));
  assert.equal(state.holes, 1);
  assert.equal(state.cursor, 12);
  assert.deepEqual(applied(effects), [10]);
  assert.ok(effects.some(({ type }) => type === 'refetch'));
});

test('events that were taken before are left out', () => {
  const overlapping = take(connected(5), frame(3, 8, [3, 4, 5, 6]));
  assert.deepEqual(applied(overlapping.effects), [5, 6]);
  assert.equal(overlapping.state.holes, 0);
  assert.deepEqual(take(connected(8), frame(3, 8, [4])).effects, []);
});

test('a gap moves the cursor and refetches', () => {
  const { state, effects } = take(connected(5), { type: 'gap', from: 5, next: 50 });
  assert.equal(state.cursor, 50);
  assert.equal(state.holes, 1);
  assert.deepEqual(effects, [{ type: 'refetch' }]);
});

test('a hello that begins elsewhere is a hole', () => {
  const { state, effects } = take(initialStream(5, 0).state, { type: 'hello', from: 40, head: 40 });
  assert.equal(state.cursor, 40);
  assert.deepEqual(effects, [{ type: 'refetch' }]);
});

test('catching up ends at the head that the hello named', () => {
  let state = connected(0, 100);
  assert.equal(state.phase, 'catching-up');
  state = take(state, frame(0, 60, [], 130)).state;
  assert.equal(state.phase, 'catching-up');
  state = take(state, frame(60, 100, [], 130)).state;
  assert.equal(state.phase, 'live');
});

test('a loss waits, then connects with the cursor, and the attempt grows until a hello', () => {
  let state = take(connected(5), frame(5, 9)).state;
  state = stepStream(state, { type: 'lost', at: 1000, random: 0.5 }).state;
  assert.equal(state.phase, 'waiting');
  assert.equal(state.attempt, 1);
  assert.equal(state.retryAt, 2000);
  assert.deepEqual(stepStream(state, { type: 'tick', at: 1999, random: 0.5 }).effects, []);
  const again = stepStream(state, { type: 'tick', at: 2000, random: 0.5 });
  assert.deepEqual(again.effects, [{ type: 'connect', since: 9 }]);
  state = stepStream(again.state, { type: 'lost', at: 2100, random: 0.5 }).state;
  assert.equal(state.attempt, 2);
  assert.equal(state.lostAt, 1000, 'the first loss counts');
  state = take(stepStream(state, { type: 'retry', at: 2200 }).state, { type: 'hello', from: 9, head: 9 }).state;
  assert.equal(state.attempt, 0);
  assert.equal(state.lostAt, null);
});

test('a loss while waiting counts once', () => {
  const waiting = stepStream(connected(5), { type: 'lost', at: 0, random: 0 }).state;
  assert.equal(stepStream(waiting, { type: 'lost', at: 1, random: 0 }).state, waiting);
});

test('silence is a loss, whatever the socket says', () => {
  const state = connected(5);
  assert.deepEqual(stepStream(state, { type: 'tick', at: SILENCE_MAX_MS, random: 0 }).effects, []);
  const silent = stepStream(state, { type: 'tick', at: SILENCE_MAX_MS + 1, random: 0 });
  assert.deepEqual(silent.effects, [{ type: 'close' }]);
  assert.equal(silent.state.phase, 'waiting');
});

test('a heartbeat keeps the connection and tells the ledger', () => {
  const ledger = { size: 3 } as LedgerStatus;
  const { state, effects } = take(connected(5), { type: 'heartbeat', at: 77, head: 6, ledger, faults: [] }, 9000);
  assert.equal(state.heardAt, 9000);
  assert.equal(state.head, 6);
  assert.deepEqual(effects, [{ type: 'heartbeat', at: 77, ledger, faults: [] }]);
});

test('a journal that was set up anew begins at its end', () => {
  const { state, effects } = stepStream(connected(500), { type: 'reset', cursor: 3 });
  assert.equal(state.cursor, 3);
  assert.deepEqual(effects, [{ type: 'refetch' }]);
});

test('dropped a hundred times at random, every event is applied once and in order', () => {
  let seed = 42;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  let state = initialStream(0, 0).state;
  const seen: number[] = [];
  for (let drop = 0; drop < 100; drop++) {
    state = take(state, { type: 'hello', from: state.cursor, head: 1000 }).state;
    for (let frames = Math.floor(random() * 4); frames > 0; frames--) {
      // A server may begin a frame before the cursor; it must not be taken twice.
      const from = Math.max(0, state.cursor - Math.floor(random() * 3));
      const next = state.cursor + 1 + Math.floor(random() * 5);
      const step = take(
        state,
        frame(
          from,
          next,
          Array.from({ length: next - from }, (_, i) => from + i),
        ),
      );
      seen.push(...applied(step.effects));
      state = step.state;
    }
    state = stepStream(state, { type: 'lost', at: drop, random: random() }).state;
    state = stepStream(state, { type: 'retry', at: drop }).state;
  }
  assert.ok(seen.length > 100);
  assert.deepEqual(
    seen,
    Array.from({ length: seen.length }, (_, i) => i),
  );
  assert.equal(state.holes, 0);
});

test('alerts ahead of their frame are applied, and the cursor stays', () => {
  const message: StreamMessage = { type: 'ahead', events: [event(9)] };
  const { state, effects } = take(connected(5), message);
  assert.deepEqual(applied(effects), [9]);
  assert.deepEqual([state.cursor, state.holes], [5, 0]);
});

test('producers of whom something was left out are told with the frame', () => {
  const message = { ...frame(5, 900, [899]), skipped: { 'air/a': 7, 'air/b': 1 } } as StreamMessage;
  const { effects } = take(connected(5), message);
  assert.deepEqual(effects, [{ type: 'apply', events: [event(899)], skipped: ['air/a', 'air/b'] }]);
});

test('a second that waits for its frame is no catching up, several seconds are', () => {
  const heartbeat = (head: number): StreamMessage => ({ type: 'heartbeat', at: 0, head, ledger: {} as LedgerStatus, faults: [] });
  const far = LAG_SHOWN_RECORDS + 1;
  let state = take(connected(5), heartbeat(5 + far), 1000).state;
  assert.equal(state.phase, 'live');
  state = take(state, frame(5, 5 + far, [], 5 + 2 * far), 2000).state;
  assert.equal(state.phase, 'live', 'each end of the journal is reached in time, though there is always another');
  state = take(state, heartbeat(5 + 3 * far), 3000).state;
  assert.equal(state.phase, 'live');
  state = take(state, heartbeat(5 + 4 * far), 2001 + LAG_SHOWN_MS).state;
  assert.equal(state.phase, 'catching-up');
  state = take(state, frame(5 + far, 5 + 4 * far), 6000).state;
  assert.equal(state.phase, 'live');
});
