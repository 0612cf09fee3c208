/**
 * The stream client's core, without socket, clock or random: `(state, input) → (state, effects)`.
 *
 * The cursor is the journal position (protocol/stream.ts). A frame is taken only where it continues the cursor; a
 * frame that begins later shows a hole, which is counted and answered by fetching the present state anew; events
 * before the cursor were taken already and are left out, so every event is applied once and in order (I4).
 */
import { type LedgerStatus, STREAM_HEARTBEAT_MS, type StreamEvent, type StreamMessage, type SystemFault } from '@airtight/protocol';
import { backoffMs } from './backoff.ts';

export interface StreamState {
  readonly phase: 'connecting' | 'catching-up' | 'live' | 'waiting';
  /** Every record below has been applied. */
  readonly cursor: number;
  /** Committed end of the journal, as last heard. */
  readonly head: number;
  /** Reaching this position ends the catching up. */
  readonly catchUpTo: number;
  /** An end of the journal that has not been reached since `at`, epoch ms; null: nothing is behind. */
  readonly owed: { readonly head: number; readonly at: number } | null;
  /** Reconnects since the connection was lost. */
  readonly attempt: number;
  /** Epoch ms; null while no retry is planned. */
  readonly retryAt: number | null;
  /** Epoch ms of the loss; null while connected. */
  readonly lostAt: number | null;
  /** Epoch ms of the last message or of the begin of connecting. */
  readonly heardAt: number;
  /** Holes and gaps seen so far. */
  readonly holes: number;
}

export type StreamInput =
  | { readonly type: 'message'; readonly message: StreamMessage; readonly at: number }
  | { readonly type: 'lost'; readonly at: number; readonly random: number }
  | { readonly type: 'tick'; readonly at: number; readonly random: number }
  | { readonly type: 'retry'; readonly at: number }
  /** The journal is another one than before (its end lies before our cursor): begin anew at its end. */
  | { readonly type: 'reset'; readonly cursor: number };

export type StreamEffect =
  | { readonly type: 'connect'; readonly since: number }
  | { readonly type: 'close' }
  | { readonly type: 'apply'; readonly events: readonly StreamEvent[]; readonly skipped: readonly string[] }
  | { readonly type: 'heartbeat'; readonly at: number; readonly ledger: LedgerStatus; readonly faults: readonly SystemFault[] }
  | { readonly type: 'refetch' };

export interface Step {
  readonly state: StreamState;
  readonly effects: readonly StreamEffect[];
}

/** Heartbeats come every 2 s: after two and a half of them in silence the connection is dead, whatever the socket says. */
export const SILENCE_MAX_MS = 2.5 * STREAM_HEARTBEAT_MS;
/** A connection that does not open in this time is given up. */
const CONNECT_MAX_MS = 10_000;
/** Falling so far behind for so long while live is shown as catching up. Where much comes in frames come once a second. */
export const LAG_SHOWN_RECORDS = 2000;
export const LAG_SHOWN_MS = 2500;

/** @param cursor projected end of the journal when the snapshot was taken */
export function initialStream(cursor: number, at: number): Step {
  const state: StreamState = {
    phase: 'connecting',
    cursor,
    head: cursor,
    catchUpTo: cursor,
    owed: null,
    attempt: 0,
    retryAt: null,
    lostAt: null,
    heardAt: at,
    holes: 0,
  };
  return { state, effects: [{ type: 'connect', since: cursor }] };
}

export function stepStream(state: StreamState, input: StreamInput): Step {
  switch (input.type) {
    case 'message':
      return onMessage({ ...state, heardAt: input.at }, input.message);
    case 'lost':
      return state.phase === 'waiting' ? still(state) : onLost(state, input.at, input.random);
    case 'tick':
      return onTick(state, input.at, input.random);
    case 'retry':
      return state.phase === 'waiting' ? connect(state, input.at) : still(state);
    case 'reset':
      return { state: { ...state, cursor: input.cursor, holes: state.holes + 1 }, effects: [{ type: 'refetch' }] };
  }
}

function onMessage(state: StreamState, message: StreamMessage): Step {
  switch (message.type) {
    case 'hello': {
      const connected = { ...state, attempt: 0, retryAt: null, lostAt: null, head: message.head, catchUpTo: message.head };
      const moved = moveTo(connected, message.from, message.head);
      return message.from === state.cursor ? { state: moved, effects: [] } : hole(moved);
    }
    case 'frame':
      return onFrame(state, message);
    case 'ahead':
      return { state, effects: [{ type: 'apply', events: message.events, skipped: [] }] };
    case 'gap':
      return message.next <= state.cursor ? still(state) : hole(moveTo(state, message.next, state.head));
    case 'heartbeat': {
      const head = Math.max(state.head, message.head);
      return {
        state: moveTo(state, state.cursor, head),
        effects: [{ type: 'heartbeat', at: message.at, ledger: message.ledger, faults: message.faults }],
      };
    }
  }
}

function onFrame(state: StreamState, frame: Extract<StreamMessage, { type: 'frame' }>): Step {
  if (frame.next <= state.cursor) return still(state);
  const moved = moveTo(state, frame.next, frame.head);
  const events = frame.events.filter((event) => event.position >= state.cursor);
  const apply: StreamEffect = { type: 'apply', events, skipped: Object.keys(frame.skipped ?? {}) };
  if (frame.from > state.cursor) return { state: { ...moved, holes: moved.holes + 1 }, effects: [apply, { type: 'refetch' }] };
  return { state: moved, effects: [apply] };
}

function onLost(state: StreamState, at: number, random: number): Step {
  const attempt = state.attempt + 1;
  const retryAt = at + backoffMs(attempt, random);
  return { state: { ...state, phase: 'waiting', attempt, retryAt, lostAt: state.lostAt ?? at }, effects: [] };
}

function onTick(state: StreamState, at: number, random: number): Step {
  if (state.phase === 'waiting') return state.retryAt !== null && at >= state.retryAt ? connect(state, at) : still(state);
  const silence = state.phase === 'connecting' ? CONNECT_MAX_MS : SILENCE_MAX_MS;
  if (at - state.heardAt <= silence) return still(state);
  const lost = onLost(state, at, random);
  return { state: lost.state, effects: [{ type: 'close' }] };
}

function connect(state: StreamState, at: number): Step {
  return { state: { ...state, phase: 'connecting', retryAt: null, heardAt: at }, effects: [{ type: 'connect', since: state.cursor }] };
}

function moveTo(state: StreamState, cursor: number, head: number): StreamState {
  const owed = owedOf(state, cursor, head);
  const isLate = owed !== null && state.heardAt - owed.at > LAG_SHOWN_MS && head - cursor > LAG_SHOWN_RECORDS;
  const catchUpTo = isLate ? head : state.catchUpTo;
  return { ...state, cursor, head, owed, catchUpTo, phase: cursor < catchUpTo ? 'catching-up' : 'live' };
}

function owedOf({ owed, heardAt }: StreamState, cursor: number, head: number): StreamState['owed'] {
  if (cursor >= head) return null;
  return owed === null || cursor >= owed.head ? { head, at: heardAt } : owed;
}

function hole(state: StreamState): Step {
  return { state: { ...state, holes: state.holes + 1 }, effects: [{ type: 'refetch' }] };
}

function still(state: StreamState): Step {
  return { state, effects: [] };
}
