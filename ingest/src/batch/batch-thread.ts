/**
 * Hashing costs as much as taking a message in, so it is done on a thread of its own: what a group commit has written is
 * copied to it, and closed batches come back. Copies are gathered, because waking a thread costs more than copying.
 */
import { Worker } from 'node:worker_threads';
import type { GapRecord } from '@airtight/protocol';
import type { SequenceGapsState } from '../gaps/sequence-gaps.ts';
import type { ClosedBatch } from './batcher.ts';

/** Frames are handed over when so many bytes have gathered, or after GATHER_MS. */
const GATHER_BYTES = 256 * 1024;
const GATHER_MS = 20;

/** What the thread begins with. */
export interface ThreadStart {
  /** Position of the first record of the next batch. */
  readonly first: number;
  /** Position of the first record that will be handed over: at or before `first`. */
  readonly from: number;
  /** How long a number may come late before it is missing. */
  readonly gapWindowMs: number;
  /** Where the watch over devices' numbers was; absent: it begins at `from`. */
  readonly sequences?: SequenceGapsState | undefined;
}

export type ThreadAnswer =
  | { readonly closed: ClosedBatch[] }
  | { readonly gaps: readonly GapRecord[]; readonly unrecorded: number }
  | { readonly state: SequenceGapsState };

export interface BatchThreadOptions extends ThreadStart {
  readonly onClosed: (batches: ClosedBatch[]) => void;
  readonly onGaps: (gaps: readonly GapRecord[], unrecorded: number) => void;
  /** From time to time, to be kept over a restart. */
  readonly onState: (state: SequenceGapsState) => void;
  /** The thread ended by an error: nothing is batched any more. */
  readonly onFatal: (error: Error) => void;
}

export class BatchThread {
  readonly #worker: Worker;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatchThreadOptions) {
    const { first, from, gapWindowMs, sequences } = options;
    const start: ThreadStart = { first, from, gapWindowMs, sequences };
    // No arguments of the process: what `--import` brings is for the main thread.
    this.#worker = new Worker(new URL('./batch-worker.ts', import.meta.url), { workerData: start, execArgv: [] });
    this.#worker.on('message', (answer: ThreadAnswer) => {
      if ('closed' in answer) options.onClosed(answer.closed);
      else if ('gaps' in answer) options.onGaps(answer.gaps, answer.unrecorded);
      else options.onState(answer.state);
    });
    this.#worker.on('error', options.onFatal);
  }

  /** Takes whole frames in order of position; copies them. */
  add(frames: Uint8Array): void {
    if (frames.length === 0) return;
    this.#gathered.push(Uint8Array.from(frames));
    this.#gatheredBytes += frames.length;
    if (this.#gatheredBytes >= GATHER_BYTES) this.#handOver();
    else this.#timer ??= setTimeout(() => this.#handOver(), GATHER_MS);
  }

  /** Ends the thread; records that are in no closed batch are hashed again at the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#worker.terminate();
  }

  #handOver(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const frames = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    // A buffer of the pool is shared with others and cannot be given away; a large one is our own.
    const own = frames.buffer.byteLength === frames.byteLength ? frames : Uint8Array.from(frames);
    this.#worker.postMessage(own, [own.buffer as ArrayBuffer]);
  }
}
