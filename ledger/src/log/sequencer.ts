/**
 * Group commit. Requests gather while a commit runs and go into the next one together: under load many share one set
 * of syncs, without load none waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerError } from '../ledger-error.ts';
import type { Appended, OpenLog } from './ledger.ts';

/** Waiting entries; beyond it, or beyond the bytes, requests are refused. Some seconds of commits. */
export const PENDING_MAX_ENTRIES = 4096;
export const PENDING_MAX_BYTES = 32 * 1024 * 1024;
/** One commit takes whole requests up to this, so that its time and its memory stay bounded. */
export const COMMIT_MAX_ENTRIES = 1024;
export const COMMIT_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Writers that were answered by the commit before are about to send again. Without this moment between two commits they
 * fall into two groups that take turns, each commit takes half of what it could, and costs the same.
 */
const GATHER_MS = 2;

interface Pending {
  readonly entries: readonly Uint8Array[];
  readonly bytes: number;
  resolve(answer: Sequenced): void;
  reject(error: unknown): void;
}

export interface Sequenced {
  readonly indexes: readonly number[];
  readonly size: number;
}

export interface SequencerEvents {
  /** After each commit. */
  onCommit(commit: { entries: number; added: number; durationMs: number }): void;
  /** A commit failed for good: the ledger must be loaded again. Called once. */
  onFailure(error: unknown): void;
}

export class Sequencer {
  readonly #ledger: OpenLog;
  readonly #events: SequencerEvents;
  #pending: Pending[] = [];
  #pendingEntries = 0;
  #pendingBytes = 0;
  #running: Promise<void> | undefined;
  /** Removing a file can take a disk longer than writing one, so it goes on beside the next commit, but not beside two. */
  #removal: Promise<void> = Promise.resolve();
  #stopped: LedgerError | undefined;

  constructor(ledger: OpenLog, events: SequencerEvents) {
    this.#ledger = ledger;
    this.#events = events;
  }

  get pendingEntries(): number {
    return this.#pendingEntries;
  }

  /** Why nothing is taken any more, if so. */
  get stopped(): LedgerError | undefined {
    return this.#stopped;
  }

  /**
   * Resolves when the entries are in the log and a published checkpoint covers them.
   * @throws LedgerError OVERLOADED when too much waits already; SERVICE_UNAVAILABLE when the ledger stops or has failed:
   *   the entries may be in the log or not, and can safely be sent again
   */
  add(entries: readonly Uint8Array[]): Promise<Sequenced> {
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    if (this.#pendingEntries + entries.length > PENDING_MAX_ENTRIES || this.#pendingBytes + bytes > PENDING_MAX_BYTES) {
      return Promise.reject(new LedgerError('OVERLOADED', `${this.#pendingEntries} entries wait`));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Sequenced>();
    this.#pending.push({ entries, bytes, resolve, reject });
    this.#pendingEntries += entries.length;
    this.#pendingBytes += bytes;
    this.#running ??= this.#run();
    return promise;
  }

  /** Takes nothing more, commits what waits, and resolves when that is done. */
  async close(): Promise<void> {
    this.#stopped ??= new LedgerError('SERVICE_UNAVAILABLE', 'the ledger stops');
    await this.#running;
    await this.#removal;
  }

  async #run(): Promise<void> {
    // The requests of one turn of the event loop go together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#commit(batch);
      } catch (error) {
        this.#refuse(batch, error);
      }
      if (this.#pending.length > 0 && this.#pendingEntries < COMMIT_MAX_ENTRIES) await sleep(GATHER_MS);
    }
    this.#running = undefined;
  }

  #takeBatch(): Pending[] {
    let count = 0;
    let entries = 0;
    let bytes = 0;
    for (const next of this.#pending) {
      if (count > 0 && (entries + next.entries.length > COMMIT_MAX_ENTRIES || bytes + next.bytes > COMMIT_MAX_BYTES)) break;
      count++;
      entries += next.entries.length;
      bytes += next.bytes;
    }
    this.#pendingEntries -= entries;
    this.#pendingBytes -= bytes;
    return this.#pending.splice(0, count);
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const started = performance.now();
    const appended: Appended = await this.#ledger.append(batch.flatMap(({ entries }) => entries));
    let at = 0;
    for (const { entries, resolve } of batch) {
      resolve({ indexes: appended.indexes.slice(at, at + entries.length), size: appended.size });
      at += entries.length;
    }
    this.#events.onCommit({ entries: at, added: appended.added, durationMs: performance.now() - started });
    await this.#removal;
    this.#removal = this.#ledger.removeObsolete().catch(() => undefined);
  }

  /** A full disk concerns these requests; any other error stops the sequencer. An answered request stays answered. */
  #refuse(batch: readonly Pending[], error: unknown): void {
    const isFull = error instanceof LedgerError && error.code === 'OVERLOADED';
    const answer = isFull ? error : new LedgerError('SERVICE_UNAVAILABLE', 'the commit failed; send again', { cause: error });
    for (const { reject } of batch) reject(answer);
    if (isFull) return;
    this.#stopped = answer;
    const waiting = this.#pending.splice(0);
    this.#pendingEntries = 0;
    this.#pendingBytes = 0;
    for (const { reject } of waiting) reject(answer);
    this.#events.onFailure(error);
  }
}
