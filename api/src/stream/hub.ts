/** All clients of the live stream: one steady pace for frames, one for heartbeats. */
import { type LedgerStatus, STREAM_HEARTBEAT_MS, type SystemFault } from '@airtight/protocol';
import type { JournalEvent } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import type { Verdict } from '../quality/verdict.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { Ring, type Stretch } from './ring.ts';
import type { StreamContext, StreamFilter } from './stream-items.ts';
import { CLOSE_POLICY, CLOSE_TRY_LATER, frameText, type SessionDeps, StreamSession, type StreamSocket } from './stream-session.ts';

/** At most ten frames a second per client: the kernel's send is the cost, whatever the size of a frame. */
export const TURN_INTERVAL_MS = 100;
/** Every so manyth turn is a beat: a conflating client gets a frame a second where much comes in. */
const TURNS_A_BEAT = 10;
/**
 * An alert brings the next turn forward, to so long after the last one at the soonest; and turns that take long, because there
 * are many clients, are not made more of than this part of the time.
 */
const ALERT_TURN_MIN_MS = 20;
const ALERT_TURNS_SHARE_MAX = 0.1;
/** Each costs a socket, a cursor and at most BUFFERED_MAX_BYTES and one frame of memory when it stops reading. */
export const CLIENTS_MAX = 500;

export interface HubOptions {
  readonly from: number;
  readonly ingest: Pick<IngestClient, 'feed' | 'status'>;
  readonly context: StreamContext;
  /** What the records in [from, next) decided of the quality of values; undefined: not known yet. */
  readonly decided: SessionDeps['decided'];
  readonly ledger: () => LedgerStatus;
  readonly faults: () => readonly SystemFault[];
  readonly ringMaxBytes?: number | undefined;
}

export class StreamHub {
  readonly #ring: Ring;
  readonly #options: HubOptions;
  readonly #births: Births;
  readonly #sessions = new Set<StreamSession>();
  /** Clients that are sent every reading: its text is made as it comes. */
  #wholeSessions = 0;
  #head = 0;
  #turns: NodeJS.Timeout | undefined;
  /** The turn that an alert has brought forward. */
  #prompt: NodeJS.Timeout | undefined;
  /** Of the last turn: when it was over, by performance.now(), and how long it took. */
  #turned = { at: 0, tookMs: 0 };
  #heartbeats: NodeJS.Timeout | undefined;
  /** The last unfiltered frame of each kind of client: those that are level share its text. */
  readonly #shared = new Map<string, { readonly from: number; readonly next: number; readonly text: string }>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#births = new Births(options.ingest);
    this.#ring = new Ring(options.from, options.context, options.ringMaxBytes);
  }

  get clients(): number {
    return this.#sessions.size;
  }

  start(): void {
    let count = 0;
    this.#turns = setInterval(() => this.#turn(++count % TURNS_A_BEAT === 0), TURN_INTERVAL_MS);
    this.#heartbeats = setInterval(() => {
      const faults = this.#options.faults();
      for (const session of this.#sessions) session.heartbeat(this.#options.ledger(), faults);
    }, STREAM_HEARTBEAT_MS);
  }

  close(): void {
    clearInterval(this.#turns);
    clearTimeout(this.#prompt);
    clearInterval(this.#heartbeats);
    for (const session of this.#sessions) session.close(CLOSE_TRY_LATER, 'restarting');
    this.#sessions.clear();
    this.#wholeSessions = 0;
  }

  /** Takes the next event; one before the ring's end is known already. */
  take(event: JournalEvent, verdicts: readonly Verdict[], head: number): void {
    this.#head = Math.max(this.#head, head);
    if (event.position < this.#ring.next) return;
    this.#ring.push(event, verdicts, this.#wholeSessions > 0);
    if (event.kind === 'alert' && this.#sessions.size > 0) this.#bringForward();
  }

  /**
   * Serves a socket until it closes.
   * @param allowed asked at every heartbeat: may this person still see the stream
   * @returns to be called when the socket has closed
   */
  serve(socket: StreamSocket, since: number | undefined, filter: StreamFilter, allowed: () => boolean): () => void {
    if (this.#sessions.size >= CLIENTS_MAX) {
      socket.close(CLOSE_TRY_LATER, 'OVERLOADED');
      return () => undefined;
    }
    const session = new StreamSession(socket, since, filter, {
      ring: this.#ring,
      context: this.#options.context,
      decided: this.#options.decided,
      births: this.#births,
      ingest: this.#options.ingest,
      head: () => this.#head,
      now: () => performance.now(),
      allowed,
      frameOf: (stretch, wanted) => this.#frameOf(stretch, wanted),
    });
    this.#sessions.add(session);
    const whole = filter.conflate === true || filter.dataset !== undefined || filter.producer !== undefined ? 0 : 1;
    this.#wholeSessions += whole;
    if (since !== undefined && since > Math.max(this.#head, this.#ring.next)) void this.#checkCursor(session, since);
    return () => {
      session.close();
      if (this.#sessions.delete(session)) this.#wholeSessions -= whole;
    };
  }

  /** After a restart a client may know more of the journal than this process does yet; ingest knows. */
  async #checkCursor(session: StreamSession, since: number): Promise<void> {
    const status = await this.#options.ingest.status().catch(() => undefined);
    if (status !== undefined && since > status.head) session.close(CLOSE_POLICY, 'CURSOR_BEYOND_HEAD');
  }

  #bringForward(): void {
    if (this.#turns === undefined || this.#prompt !== undefined) return;
    const { at, tookMs } = this.#turned;
    const pauseMs = Math.max(ALERT_TURN_MIN_MS, tookMs / ALERT_TURNS_SHARE_MAX);
    this.#prompt = setTimeout(() => this.#turn(false), Math.max(0, at + pauseMs - performance.now()));
  }

  #turn(isBeat: boolean): void {
    clearTimeout(this.#prompt);
    this.#prompt = undefined;
    const began = performance.now();
    for (const session of this.#sessions) session.turn(isBeat);
    this.#turned = { at: performance.now(), tookMs: performance.now() - began };
  }

  #frameOf(stretch: Stretch, filter: StreamFilter): string {
    if (filter.dataset !== undefined || filter.producer !== undefined) return frameText(stretch, this.#head);
    const { from, next } = stretch;
    const kind = `visitor ${filter.isVisitor === true}, conflate ${filter.conflate === true}`;
    const shared = this.#shared.get(kind);
    if (shared?.from === from && shared.next === next) return shared.text;
    const text = frameText(stretch, this.#head);
    this.#shared.set(kind, { from, next, text });
    return text;
  }
}
