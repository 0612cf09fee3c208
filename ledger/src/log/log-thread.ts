/**
 * The log on a thread of its own: hashing, signing, the database and the files of a commit would keep whoever asks for a
 * tile or a checkpoint waiting. Here is what the service's thread holds: calls go over, answers come back with the
 * checkpoints as they are then. What is under way is bounded by the callers: the sequencer has one commit at a time.
 */
import { Worker } from 'node:worker_threads';
import { formatEntryBundle, type Vkey } from '@airtight/tlog';
import { LedgerError, type LedgerErrorCode } from '../ledger-error.ts';
import type { Appended, OpenLog, PublishedCheckpoint } from './ledger.ts';

/** Where the log and its keys lie. */
export interface LogPlace {
  /** Directory of the log, in an existing or creatable data directory. */
  readonly dir: string;
  readonly origin: string;
  readonly keyFile: string;
  /** The key that is to take over; empty: none. */
  readonly nextKeyFile: string;
}

export type LogCall =
  | { readonly type: 'open'; readonly place: LogPlace }
  /** Entries with their lengths before them. */
  | { readonly type: 'append'; readonly bundle: Uint8Array }
  | { readonly type: 'publishCosigned'; readonly cosigned: PublishedCheckpoint; readonly isFinal: boolean }
  | { readonly type: 'forgetFinal' | 'removeObsolete' | 'close' };

/** What anybody may read of the log without asking its thread. */
export interface LogView {
  readonly vkeys: readonly Vkey[];
  readonly published: PublishedCheckpoint;
  readonly final: PublishedCheckpoint | null;
}

export interface LogAnswer {
  /** Number of the call. */
  readonly call: number;
  /** The log after it; null when it could not be opened. */
  readonly view: LogView | null;
  /** Syncs since the answer before. */
  readonly syncs: number;
  readonly appended?: Appended;
  /** An error loses its class and its code between threads. */
  readonly failure?: { readonly error: unknown; readonly code?: LedgerErrorCode; readonly detail?: string };
}

export interface LogThreadEvents {
  readonly onSyncs: (count: number) => void;
  /** The thread ended by an error: nothing can be appended any more. */
  readonly onFatal: (error: Error) => void;
}

export class LogThread implements OpenLog {
  readonly #worker: Worker;
  readonly #events: LogThreadEvents;
  readonly #waiting = new Map<number, PromiseWithResolvers<LogAnswer>>();
  #calls = 0;
  #view: LogView | undefined;
  #failure: Error | undefined;
  #isClosing = false;

  private constructor(events: LogThreadEvents) {
    this.#events = events;
    // No arguments of the process: what `--import` brings is for the main thread.
    this.#worker = new Worker(new URL('./log-worker.ts', import.meta.url), { execArgv: [] });
    this.#worker.on('message', (answer: LogAnswer) => this.#take(answer));
    this.#worker.on('error', (error: Error) => this.#end(error));
    this.#worker.on('exit', (code) => this.#end(new Error(`the thread of the log ended with ${code}`)));
  }

  /**
   * Opens the log, or creates it for a key that has never signed.
   * @throws LedgerError as createLedger and loadLedger; LEDGER_KEY_INVALID
   */
  static async start(place: LogPlace, events: LogThreadEvents): Promise<LogThread> {
    const thread = new LogThread(events);
    try {
      await thread.#call({ type: 'open', place });
      return thread;
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  get vkey(): Vkey {
    return this.vkeys[0] as Vkey;
  }

  get vkeys(): readonly Vkey[] {
    return this.#opened.vkeys;
  }

  get published(): PublishedCheckpoint {
    return this.#opened.published;
  }

  get final(): PublishedCheckpoint | null {
    return this.#opened.final;
  }

  async append(entries: readonly Uint8Array[]): Promise<Appended> {
    const bundle = formatEntryBundle(entries);
    const { appended } = await this.#call({ type: 'append', bundle }, [bundle.buffer as ArrayBuffer]);
    return appended as Appended;
  }

  async publishCosigned(cosigned: PublishedCheckpoint, isFinal: boolean): Promise<void> {
    await this.#call({ type: 'publishCosigned', cosigned, isFinal });
  }

  async forgetFinal(): Promise<void> {
    await this.#call({ type: 'forgetFinal' });
  }

  async removeObsolete(): Promise<void> {
    await this.#call({ type: 'removeObsolete' });
  }

  /** Ends the thread when it has answered what it was asked before. */
  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
    if (this.#failure === undefined) await this.#post({ type: 'close' }).catch(() => undefined);
    await this.#worker.terminate();
  }

  get #opened(): LogView {
    if (this.#view === undefined) throw new Error('the log is not open');
    return this.#view;
  }

  #call(call: LogCall, transfer?: readonly ArrayBuffer[]): Promise<LogAnswer> {
    if (this.#isClosing) return Promise.reject(new LedgerError('SERVICE_UNAVAILABLE', 'the ledger stops'));
    return this.#failure === undefined ? this.#post(call, transfer) : Promise.reject(this.#failure);
  }

  #post(call: LogCall, transfer: readonly ArrayBuffer[] = []): Promise<LogAnswer> {
    const waiting = Promise.withResolvers<LogAnswer>();
    const number = this.#calls++;
    this.#waiting.set(number, waiting);
    this.#worker.postMessage({ number, call }, transfer);
    return waiting.promise;
  }

  #take(answer: LogAnswer): void {
    if (answer.view !== null) this.#view = answer.view;
    if (answer.syncs > 0) this.#events.onSyncs(answer.syncs);
    const waiting = this.#waiting.get(answer.call);
    this.#waiting.delete(answer.call);
    if (answer.failure === undefined) waiting?.resolve(answer);
    else waiting?.reject(errorOf(answer.failure));
  }

  #end(error: Error): void {
    const isFirst = this.#failure === undefined;
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    if (isFirst && !this.#isClosing) this.#events.onFatal(error);
  }
}

function errorOf({ error, code, detail = '' }: NonNullable<LogAnswer['failure']>): unknown {
  return code === undefined ? error : new LedgerError(code, detail, { cause: error });
}
