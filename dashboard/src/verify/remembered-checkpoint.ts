/**
 * The last checkpoint of each ledger that this browser verified, and what contradicted one. Kept per web origin, as the
 * browser keeps everything; where storage is forbidden it holds until the page is closed, and the screens say so.
 */
import type { ForkEvidenceFile } from '@airtight/tlog';

export interface RememberedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The signed note. */
  readonly note: string;
  /** Epoch ms. */
  readonly seenAt: number;
}

interface Memory {
  readonly checkpoints: { readonly [origin: string]: RememberedCheckpoint };
  /** Oldest first: what was found first is never overwritten. */
  readonly conflicts: readonly ForkEvidenceFile[];
  /** Ids of conflicts after which the reader chose to start anew. */
  readonly settled?: readonly string[];
}

const KEY = 'airtight.checkpoints';
/** One proves as much as a hundred, and storage is small. */
const CONFLICTS_MAX = 16;
const NOTHING: Memory = { checkpoints: {}, conflicts: [] };

/** Where it is kept: the browser's storage, or a stand-in for a test. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem'>;

export class CheckpointMemory {
  readonly #storage: TextStorage | undefined;
  #memory: Memory;
  /** False: nothing outlasts this page. */
  isKept = true;

  /** @param storage undefined: there is none */
  constructor(storage: TextStorage | undefined) {
    this.#storage = storage;
    this.#memory = this.#read();
    // Some browsers give a storage that takes nothing.
    this.#write();
  }

  of(origin: string): RememberedCheckpoint | undefined {
    return this.#memory.checkpoints[origin];
  }

  get conflicts(): readonly ForkEvidenceFile[] {
    return this.#memory.conflicts;
  }

  /** The checkpoint from which the next visit goes on. The caller has proven that it follows from the one before. */
  remember(checkpoint: RememberedCheckpoint): void {
    this.#memory = { ...this.#memory, checkpoints: { ...this.#memory.checkpoints, [checkpoint.origin]: checkpoint } };
    this.#write();
  }

  /** Conflicts after which the reader has not started anew. */
  get open(): readonly ForkEvidenceFile[] {
    return this.#memory.conflicts.filter(({ id }) => this.#memory.settled?.includes(id) !== true);
  }

  /** Forgets the checkpoints that were contradicted; the evidence stays. */
  startAnew(): void {
    const contradicted = this.open.map(({ origin }) => origin);
    const checkpoints = Object.fromEntries(Object.entries(this.#memory.checkpoints).filter(([origin]) => !contradicted.includes(origin)));
    this.#memory = { ...this.#memory, checkpoints, settled: this.#memory.conflicts.map(({ id }) => id) };
    this.#write();
  }

  keep(conflict: ForkEvidenceFile): void {
    const { conflicts, settled = [] } = this.#memory;
    if (settled.includes(conflict.id)) this.#memory = { ...this.#memory, settled: settled.filter((id) => id !== conflict.id) };
    if (conflicts.length >= CONFLICTS_MAX || conflicts.some(({ id }) => id === conflict.id)) return this.#write();
    this.#memory = { ...this.#memory, conflicts: [...conflicts, conflict] };
    this.#write();
  }

  #read(): Memory {
    try {
      const memory = JSON.parse(this.#storage?.getItem(KEY) ?? 'null') as Partial<Memory> | null;
      const isMemory = typeof memory?.checkpoints === 'object' && memory.checkpoints !== null && Array.isArray(memory.conflicts);
      return isMemory ? (memory as Memory) : NOTHING;
    } catch {
      return NOTHING;
    }
  }

  #write(): void {
    try {
      if (this.#storage === undefined) throw new Error('no storage');
      this.#storage.setItem(KEY, JSON.stringify(this.#memory));
      this.isKept = this.#storage.getItem(KEY) !== null;
    } catch {
      this.isKept = false;
    }
  }
}
