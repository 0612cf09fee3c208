/**
 * Brings checkpoints to the sinks, each sink at its own pace. The log never waits for them: what a sink does not take is
 * tried again until it does, and only then comes the next checkpoint, which covers all that came in between. So of each
 * sink one checkpoint at most is on its way.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { AnchorKind } from '@airtight/tlog';
import type { Logger } from 'pino';
import type { PublishedCheckpoint } from '../log/ledger.ts';
import { type AnchorSink, type AnchorTarget, anchorTarget, type Submission } from './anchor-sink.ts';
import type { AnchorStore, Taken } from './anchor-store.ts';

/** How often it is looked whether a checkpoint is due. */
const TICK_MS = 200;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 5 * 60_000;

export interface AnchorerOptions {
  readonly sinks: readonly AnchorSink[];
  readonly store: AnchorStore;
  /** The checkpoint that may be anchored now: the final one, where there is a policy; null: none yet. */
  readonly newest: () => PublishedCheckpoint | null;
  /** Wall clock, epoch ms. */
  readonly nowMs: () => number;
  readonly logger: Logger;
  readonly onAnchored: (sink: string) => void;
  readonly onFailure: (sink: string) => void;
  /** First pause after a failure; it doubles up to five minutes. */
  readonly retryFirstMs?: number;
}

export interface SinkStatus {
  readonly id: string;
  readonly kind: AnchorKind;
  readonly intervalMs: number;
  /** The newest receipt. */
  readonly latest: {
    readonly size: number;
    readonly anchoredAt: string;
    /** What the authority says, RFC 3339; null when nobody vouches for a time. */
    readonly time: string | null;
    readonly authority: string;
  } | null;
  /** The checkpoint that is on its way. */
  readonly pending: { readonly size: number; readonly since: string } | null;
  /** What went wrong since, the latest time. */
  readonly error: { readonly at: string; readonly detail: string } | null;
}

interface SinkState {
  latest: SinkStatus['latest'];
  pending: SinkStatus['pending'];
  error: SinkStatus['error'];
}

export class Anchorer {
  readonly #options: AnchorerOptions;
  readonly #abort = new AbortController();
  readonly #states = new Map<string, SinkState>();
  readonly #workers: readonly Promise<void>[];
  readonly #startedMs = performance.now();

  constructor(options: AnchorerOptions) {
    this.#options = options;
    for (const { id } of options.sinks) this.#states.set(id, { latest: null, pending: null, error: null });
    this.#workers = options.sinks.map((sink) => this.#serve(sink));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#workers);
  }

  status(): readonly SinkStatus[] {
    return this.#options.sinks.map(({ id, kind, intervalMs }) => ({ id, kind, intervalMs, ...(this.#states.get(id) as SinkState) }));
  }

  /** Seconds since the newest receipt of a sink while the log has grown beyond it; 0: it has the newest checkpoint. */
  lagSeconds(id: string): number {
    const { store, newest, nowMs } = this.#options;
    const latest = store.latest(id);
    const size = newest()?.size ?? 0;
    if (size === (latest?.size ?? 0)) return 0;
    return latest === undefined ? this.#sinceStart() : Math.max(0, (nowMs() - latest.anchoredAtMs) / 1000);
  }

  #sinceStart(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  async #serve(sink: AnchorSink): Promise<void> {
    const { signal } = this.#abort;
    const { retryFirstMs = RETRY_FIRST_MS } = this.#options;
    let retryMs = retryFirstMs;
    let isRead = false;
    while (!signal.aborted) {
      try {
        if (!isRead) await this.#readLatest(sink);
        isRead = true;
        await this.#anchorNext(sink);
        retryMs = retryFirstMs;
        await pause(TICK_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#noteFailure(sink.id, describe(error));
        await pause(retryMs, signal);
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
    }
  }

  /** Finishes what is on its way, or takes the next checkpoint when it is due. */
  async #anchorNext(sink: AnchorSink): Promise<void> {
    const { store, nowMs } = this.#options;
    const taken = await store.taken(sink.id);
    if (taken !== null && (store.latest(sink.id)?.size ?? 0) < taken.size) {
      return this.#bring(sink, await store.target(taken.size), taken);
    }
    const target = this.#nextTarget(sink, taken);
    if (target === null) return;
    const next = { size: target.size, takenAtMs: nowMs(), pending: null };
    await store.take(sink.id, target, next);
    await this.#bring(sink, target, next);
  }

  #nextTarget({ id, intervalMs }: AnchorSink, taken: Taken | null): AnchorTarget | null {
    const { store, newest, nowMs } = this.#options;
    const checkpoint = newest();
    if (checkpoint === null || checkpoint.size <= (store.latest(id)?.size ?? 0)) return null;
    const ageMs = taken === null ? intervalMs : nowMs() - taken.takenAtMs;
    // A clock that was set back must not stop the anchoring for as long.
    return ageMs >= 0 && ageMs < intervalMs ? null : anchorTarget(checkpoint.note);
  }

  async #bring(sink: AnchorSink, target: AnchorTarget, taken: Taken): Promise<void> {
    const { store, nowMs, logger, onAnchored } = this.#options;
    const { signal } = this.#abort;
    const state = this.#states.get(sink.id) as SinkState;
    state.pending = { size: target.size, since: rfc3339(taken.takenAtMs) };
    const submission =
      (await this.#received(sink, target)) ??
      (taken.pending === null ? await sink.submit(target, signal) : await sink.poll(taken.pending, target, signal));
    if (submission.kind === 'pending') return store.take(sink.id, target, { ...taken, pending: submission.pending });
    const { receipt } = submission;
    const reading = sink.verify(receipt, target);
    const entry = { size: target.size, sink: sink.id, kind: sink.kind, anchoredAtMs: nowMs() };
    // Before the receipt can be seen: who finds it in a proof finds no error of an earlier attempt beside it.
    if (state.error !== null) logger.info({ sink: sink.id }, 'the sink takes checkpoints again');
    state.error = null;
    await store.complete(entry, receipt);
    state.latest = latestOf(entry.size, entry.anchoredAtMs, reading);
    state.pending = null;
    onAnchored(sink.id);
    logger.debug({ sink: sink.id, size: target.size, ...reading }, 'checkpoint anchored');
  }

  /** The receipt that came before a crash, if it is whole. */
  async #received(sink: AnchorSink, target: AnchorTarget): Promise<Submission | null> {
    const receipt = await this.#options.store.receipt({ size: target.size, sink: sink.id });
    if (receipt === null) return null;
    try {
      sink.verify(receipt, target);
      return { kind: 'receipt', receipt };
    } catch {
      return null;
    }
  }

  async #readLatest(sink: AnchorSink): Promise<void> {
    const { store } = this.#options;
    const latest = store.latest(sink.id);
    const receipt = latest === undefined ? null : await store.receipt(latest);
    if (latest === undefined || receipt === null) return;
    const target = await store.target(latest.size);
    try {
      const reading = sink.verify(receipt, target);
      (this.#states.get(sink.id) as SinkState).latest = latestOf(latest.size, latest.anchoredAtMs, reading);
    } catch (error) {
      // The roots that are trusted may be others now; the next checkpoints must not wait for that.
      this.#noteFailure(sink.id, describe(error));
    }
  }

  #noteFailure(id: string, detail: string): void {
    const { nowMs, logger, onFailure } = this.#options;
    const state = this.#states.get(id) as SinkState;
    if (state.error?.detail !== detail) logger.warn({ sink: id, detail }, 'the sink takes no checkpoint; trying again');
    state.error = { at: rfc3339(nowMs()), detail };
    onFailure(id);
  }
}

function latestOf(size: number, anchoredAtMs: number, reading: { timeMs: number | null; authority: string }): SinkState['latest'] {
  const { timeMs, authority } = reading;
  return { size, anchoredAt: rfc3339(anchoredAtMs), time: timeMs === null ? null : rfc3339(timeMs), authority };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

const DETAIL_MAX_LENGTH = 300;

/** fetch hides the reason in the cause, git tells it on stderr. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, DETAIL_MAX_LENGTH);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`.slice(0, DETAIL_MAX_LENGTH);
}
