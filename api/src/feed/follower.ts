/** Follows ingest's journal feed for ever: one chunk in work, the next one under way, patient while ingest is away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { FeedChunk, IngestClient } from '../upstream/ingest-client.ts';

/** A chunk is decoded in some 50 ms: small enough to stop and start by, large enough that HTTP does not count. */
export const FEED_MAX_BYTES = 1024 * 1024;
/** How long ingest may hold an answer when there is nothing new. */
export const FEED_WAIT_MS = 20_000;
/**
 * Between two rounds at the end of the journal. Under load ingest commits every few ms, and a request for each costs more than what
 * it brings; the stream sends at most every 100 ms, so nobody waits longer for it. A first reading after a pause comes at once.
 */
const ROUND_MIN_MS = 20;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 3000;

export interface FollowOptions {
  readonly ingest: Pick<IngestClient, 'feed'>;
  /** Position of the first record wanted. */
  readonly from: number;
  /** Takes a chunk whole or throws; returning slowly is how later stages hold the feed back. */
  readonly take: (chunk: FeedChunk) => Promise<void>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Told of every failed and every good round, for readiness. */
  readonly onRound?: (error: unknown) => void;
}

/** Returns when the signal aborts, never before. A chunk that fails is asked for again from where it began. */
export async function followFeed(options: FollowOptions): Promise<void> {
  const { signal, logger } = options;
  let next = options.from;
  let failures = 0;
  let ahead: Promise<FeedChunk> | undefined;
  while (!signal.aborted) {
    try {
      const chunk = await (ahead ?? fetchChunk(options, next));
      ahead = undefined;
      if (chunk.from !== next) throw new Error(`asked for position ${next}, the feed began at ${chunk.from}`);
      if (chunk.next > next) {
        // Asked for only when it will answer at once, so that a failing chunk leaves no long request behind.
        if (chunk.next < chunk.head) ahead = quiet(fetchChunk(options, chunk.next));
        const began = performance.now();
        await options.take(chunk);
        next = chunk.next;
        if (ahead === undefined) await sleep(Math.max(0, began + ROUND_MIN_MS - performance.now()), undefined, { signal });
      }
      failures = 0;
      options.onRound?.(undefined);
    } catch (error) {
      ahead = undefined;
      if (signal.aborted) return;
      failures++;
      options.onRound?.(error);
      if (failures === 1 || failures % 20 === 0) logger.warn({ err: error, position: next, failures }, 'feed interrupted; trying again');
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10));
      await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function fetchChunk({ ingest, signal }: FollowOptions, from: number): Promise<FeedChunk> {
  return ingest.feed({ from, waitMs: FEED_WAIT_MS, maxBytes: FEED_MAX_BYTES, signal });
}

/** A promise that is awaited later: its failure must not count as unhandled before that. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
