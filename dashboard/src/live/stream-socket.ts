/** Joins the stream's pure core to a WebSocket, the clock and the screen's frames. */
import type { LedgerStatus, StreamEvent, StreamMessage, SystemFault } from '@airtight/protocol';
import { type Step, type StreamInput, type StreamState, stepStream } from './stream-core.ts';

export interface StreamSink {
  readonly state: (state: StreamState) => void;
  /** `skipped`: producers, as `{dataset}/{producer}`, of which other readings have come in too. */
  readonly events: (events: readonly StreamEvent[], skipped: ReadonlySet<string>) => void;
  readonly heartbeat: (at: number, ledger: LedgerStatus, faults: readonly SystemFault[]) => void;
  readonly refetch: () => void;
  /** End of the server's journal, undefined when it cannot be asked. */
  readonly head: () => Promise<number | undefined>;
}

const TICK_MS = 250;
/** Numbers change at most ten times a second: more cannot be read, and slow machines must keep up. */
const FLUSH_MS = 100;
/** Events waiting for the next frame; a hidden tab gets no frames, so beyond this they are applied at once. */
const QUEUE_MAX = 5000;

export class StreamSocket {
  #state: StreamState;
  #socket: WebSocket | undefined;
  readonly #sink: StreamSink;
  #queue: StreamEvent[] = [];
  #skipped = new Set<string>();
  #flushPlanned = false;

  constructor(first: Step, sink: StreamSink) {
    this.#sink = sink;
    this.#state = first.state;
    this.#run(first);
    setInterval(() => this.#take({ type: 'tick', at: Date.now(), random: Math.random() }), TICK_MS);
    const awake = () => document.visibilityState === 'visible' && this.#take({ type: 'tick', at: Date.now(), random: Math.random() });
    document.addEventListener('visibilitychange', awake);
    window.addEventListener('online', () => this.retry());
  }

  retry(): void {
    this.#take({ type: 'retry', at: Date.now() });
  }

  #take(input: StreamInput): void {
    const before = this.#state;
    const step = stepStream(before, input);
    this.#state = step.state;
    this.#run(step, step.state.phase !== before.phase || step.state.attempt !== before.attempt);
  }

  #run(step: Step, tell = true): void {
    for (const effect of step.effects) {
      if (effect.type === 'connect') void this.#connect(effect.since);
      if (effect.type === 'close') this.#drop();
      if (effect.type === 'apply') this.#enqueue(effect.events, effect.skipped);
      if (effect.type === 'heartbeat') this.#sink.heartbeat(effect.at, effect.ledger, effect.faults);
      if (effect.type === 'refetch') this.#sink.refetch();
    }
    if (tell) this.#sink.state(this.#state);
    else this.#planFlush();
  }

  async #connect(since: number): Promise<void> {
    this.#drop();
    if (this.#state.attempt >= 2) {
      // A data directory that was set up anew has a shorter journal: our cursor would be refused for ever.
      const head = await this.#sink.head();
      if (head !== undefined && head < since) {
        this.#take({ type: 'reset', cursor: head });
        this.#open(head);
        return;
      }
    }
    this.#open(since);
  }

  #open(since: number): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/stream?since=${since}&conflate=true`);
    this.#socket = socket;
    const lost = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#take({ type: 'lost', at: Date.now(), random: Math.random() });
    };
    socket.addEventListener('message', (event: MessageEvent<string>) => {
      if (this.#socket === socket) this.#take({ type: 'message', message: JSON.parse(event.data) as StreamMessage, at: Date.now() });
    });
    socket.addEventListener('close', lost);
    socket.addEventListener('error', lost);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #enqueue(events: readonly StreamEvent[], skipped: readonly string[]): void {
    for (const event of events) this.#queue.push(event);
    for (const key of skipped) this.#skipped.add(key);
    if (this.#queue.length > QUEUE_MAX) this.#flush();
    else this.#planFlush();
  }

  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setTimeout(() => {
      if (document.hidden) this.#flush();
      else requestAnimationFrame(() => this.#flush());
    }, FLUSH_MS);
  }

  #flush(): void {
    this.#flushPlanned = false;
    const events = this.#queue;
    const skipped = this.#skipped;
    this.#queue = [];
    this.#skipped = new Set();
    if (events.length > 0 || skipped.size > 0) this.#sink.events(events, skipped);
    this.#sink.state(this.#state);
  }
}
