/**
 * One client of the live stream. It holds no queue, only a cursor: each turn it is sent what lies between its cursor and
 * the end, from the ring or, further back, from the journal feed. A client that reads too slowly is not written to; when the
 * ring has moved past its cursor meanwhile, it is told the gap and goes on live.
 */
import type { AheadMessage, FrameMessage, GapMessage, HeartbeatMessage, HelloMessage, LedgerStatus, SystemFault } from '@airtight/protocol';
import { decodeFrame } from '../decode/decoder.ts';
import type { Births } from '../feed/births.ts';
import type { Verdict } from '../quality/verdict.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { conflate } from './conflate.ts';
import type { Ring, Stretch } from './ring.ts';
import { passes, type StreamContext, type StreamFilter, type StreamItem, streamItemOf } from './stream-items.ts';

/** The part of a WebSocket that is needed here. */
export interface StreamSocket {
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** Text in one frame: some 4,000 readings, so ten frames a second carry more than ingest takes. */
export const FRAME_MAX_CHARS = 2 * 1024 * 1024;
/** Bytes the socket may hold back before the client counts as slow. */
export const BUFFERED_MAX_BYTES = 1024 * 1024;
/** A client that has taken nothing for so long is cut off. */
export const STALLED_MAX_MS = 30_000;
/**
 * Where no more than this has come in since the last frame, a conflating client gets all of it at the next turn; more waits for
 * the beat, so that ten readings of a device in a second are one on its screen.
 */
export const CONFLATE_FROM_RECORDS = 100;
/** Journal bytes fetched per turn while a client catches up from history. */
const CATCH_UP_BYTES = 1024 * 1024;
/** WebSocket close codes, RFC 6455 §7.4.1. */
export const CLOSE_POLICY = 1008;
export const CLOSE_INTERNAL = 1011;
export const CLOSE_TRY_LATER = 1013;

export interface SessionDeps {
  readonly ring: Ring;
  readonly context: StreamContext;
  /** What the records in [from, next) decided of the quality of values, by position; undefined: the tables do not have them yet. */
  readonly decided: (from: number, next: number) => Promise<ReadonlyMap<number, readonly Verdict[]> | undefined>;
  readonly births: Births;
  readonly ingest: Pick<IngestClient, 'feed'>;
  readonly head: () => number;
  readonly now: () => number;
  /** Whether the person may still see it: an account can be disabled while the stream is open. */
  readonly allowed: () => boolean;
  /** Frames made for other clients in this turn. */
  readonly frameOf: (stretch: Stretch, filter: StreamFilter) => string;
}

export class StreamSession {
  readonly #socket: StreamSocket;
  readonly #filter: StreamFilter;
  readonly #deps: SessionDeps;
  #cursor: number;
  /** Alerts below were told ahead. */
  #aheadThrough = 0;
  /** The last conflated frame ended at its limit: the rest goes with the next turn. */
  #hasMore = false;
  /** True once it has been served from the ring: from then on falling behind is its own slowness. */
  #live = false;
  #catchingUp = false;
  #stalledSince: number | undefined;
  #closed = false;

  /** @param since the client's cursor; undefined: live from now on */
  constructor(socket: StreamSocket, since: number | undefined, filter: StreamFilter, deps: SessionDeps) {
    this.#socket = socket;
    this.#filter = filter;
    this.#deps = deps;
    this.#cursor = since ?? deps.ring.next;
    const hello: HelloMessage = { type: 'hello', from: this.#cursor, head: Math.max(deps.head(), this.#cursor) };
    socket.send(JSON.stringify(hello));
  }

  /**
   * Sends what is due, at most one frame. Called at a steady pace.
   * @param isBeat conflating clients get their frames at beats, which are common to all, so that they share its text
   */
  turn(isBeat: boolean): void {
    if (this.#closed || this.#catchingUp || this.#isStalled()) return;
    const { ring, frameOf } = this.#deps;
    if (this.#cursor >= ring.next) {
      // Beyond: after a restart the client is ahead of this process for a moment.
      this.#live = this.#cursor === ring.next;
      return;
    }
    if (this.#cursor >= ring.base) {
      this.#live = true;
      if (this.#isHeld(isBeat)) return this.#sendAhead();
      const stretch = this.#stretch();
      this.#socket.send(frameOf(stretch, this.#filter));
      this.#cursor = stretch.next;
      return;
    }
    if (!this.#live) {
      this.#catchingUp = true;
      void this.#catchUp().finally(() => {
        this.#catchingUp = false;
      });
      return;
    }
    const gap: GapMessage = { type: 'gap', from: this.#cursor, next: ring.next };
    this.#socket.send(JSON.stringify(gap));
    this.#cursor = ring.next;
  }

  /** There is so much for a client that shows the present that it gets of each producer the newest. */
  #isConflated(): boolean {
    return this.#filter.conflate === true && this.#deps.ring.next - this.#cursor > CONFLATE_FROM_RECORDS;
  }

  #isHeld(isBeat: boolean): boolean {
    return this.#isConflated() && !isBeat && !this.#hasMore && !this.#deps.ring.isHalfOf(this.#cursor);
  }

  #stretch(): Stretch {
    const { ring } = this.#deps;
    const stretch = this.#isConflated()
      ? ring.readConflated(this.#cursor, this.#filter)
      : ring.read(this.#cursor, FRAME_MAX_CHARS, this.#filter);
    this.#hasMore = stretch.next < ring.next;
    return stretch;
  }

  #sendAhead(): void {
    const { ring } = this.#deps;
    const texts = ring.alertsFrom(Math.max(this.#cursor, this.#aheadThrough), this.#filter);
    this.#aheadThrough = ring.next;
    if (texts.length > 0) this.#socket.send(aheadText(texts));
  }

  /** @param ledger how far the ledger is */
  heartbeat(ledger: LedgerStatus, faults: readonly SystemFault[]): void {
    if (!this.#deps.allowed()) return this.close(CLOSE_POLICY, 'SESSION_REQUIRED');
    if (this.#closed || this.#socket.bufferedAmount > BUFFERED_MAX_BYTES) return;
    const message: HeartbeatMessage = { type: 'heartbeat', at: Date.now(), head: this.#deps.head(), ledger, faults };
    this.#socket.send(JSON.stringify(message));
  }

  /** The socket is gone, or goes: `code` and `reason` tell the client why. */
  close(code?: number, reason?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    if (code !== undefined) this.#socket.close(code, reason ?? '');
  }

  #isStalled(): boolean {
    if (this.#socket.bufferedAmount <= BUFFERED_MAX_BYTES) {
      this.#stalledSince = undefined;
      return false;
    }
    const now = this.#deps.now();
    this.#stalledSince ??= now;
    if (now - this.#stalledSince > STALLED_MAX_MS) {
      // It does not read, so it would not read a closing frame either.
      this.#socket.terminate();
      this.close();
    }
    return true;
  }

  /** One stretch of history from the journal itself. */
  async #catchUp(): Promise<void> {
    const { ingest, births, context, decided, frameOf } = this.#deps;
    try {
      const chunk = await ingest.feed({ from: this.#cursor, waitMs: 0, maxBytes: CATCH_UP_BYTES });
      const verdicts = await decided(chunk.from, chunk.next);
      // The next turn tries again.
      if (verdicts === undefined) return;
      const items: StreamItem[] = [];
      for (const frame of await births.framesOf(chunk)) {
        const item = streamItemOf(
          decodeFrame(frame, context.datasets),
          verdicts.get(frame.position) ?? [],
          context,
          this.#filter.conflate !== true,
        );
        if (item !== undefined && passes(item, this.#filter)) items.push(item);
      }
      if (this.#closed || chunk.next === this.#cursor) return;
      const { kept, skipped } = this.#filter.conflate === true ? conflate(items, items.length) : { kept: items, skipped: undefined };
      const stretch = { from: this.#cursor, next: chunk.next, texts: kept.map((item) => item.text()), ...(skipped && { skipped }) };
      this.#socket.send(frameOf(stretch, this.#filter));
      this.#cursor = chunk.next;
    } catch (error) {
      const beyond = (error as { readonly code?: string }).code === 'CURSOR_BEYOND_HEAD';
      if (beyond) this.close(CLOSE_POLICY, 'CURSOR_BEYOND_HEAD');
      // Otherwise ingest is away for the moment: the next turn tries again.
    }
  }
}

/** The text of a frame message. */
export function frameText(stretch: Stretch, head: number): string {
  const { from, next, skipped } = stretch;
  const frame: Omit<FrameMessage, 'events'> = {
    ...{ type: 'frame', from, next, head: Math.max(head, next) },
    ...(skipped !== undefined && skipped.size > 0 && { skipped: Object.fromEntries(skipped) }),
  };
  return withEvents(frame, stretch.texts);
}

function aheadText(texts: readonly string[]): string {
  const message: Omit<AheadMessage, 'events'> = { type: 'ahead' };
  return withEvents(message, texts);
}

/** Events are texts already. */
function withEvents(message: object, texts: readonly string[]): string {
  return `${JSON.stringify(message).slice(0, -1)},"events":[${texts.join(',')}]}`;
}
