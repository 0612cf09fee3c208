/**
 * Holds every checkpoint that this browser is shown against the last one it verified, here and at earlier visits: a ledger
 * that was rewritten in between, or shows this reader another history than before, is caught. One instance per page load.
 */
import type { LedgerStatus } from '@airtight/protocol';
import type { ForkEvidenceFile } from '@airtight/tlog';
import { type InjectionKey, inject, type ShallowRef, shallowRef, watch } from 'vue';
import { getBytes } from '../http/http-client.ts';
import type { LiveStore } from '../live/live-store.ts';
import type { Comparison } from './compare-checkpoints.ts';
import { CheckpointMemory, type RememberedCheckpoint, type TextStorage } from './remembered-checkpoint.ts';
import { trustFor, trustNextKey, vkeysOf } from './trust.ts';

/** A live ledger grows every second; one proof a minute is enough to find a rewrite. */
const CHECK_INTERVAL_MS = 60_000;
/** A ledger that is just being started again, or a tile that is just being replaced, is no ledger that lies. */
const DOUBTFUL_AGAIN_MS = 2000;
const DOUBTFUL_TRIES = 3;

export interface WatchState {
  /** How this visit's first comparison came out, and the newest one since. */
  readonly kind: Comparison['kind'] | 'pending';
  /** What this browser held when the visit began. */
  readonly from: RememberedCheckpoint | undefined;
  readonly now: RememberedCheckpoint | undefined;
  readonly detail: string;
}

export class CheckpointWatch {
  readonly state: ShallowRef<WatchState> = shallowRef({ kind: 'pending', from: undefined, now: undefined, detail: '' });
  readonly conflicts: ShallowRef<readonly ForkEvidenceFile[]>;
  /** Those after which the reader has not started anew. */
  readonly open: ShallowRef<readonly ForkEvidenceFile[]>;
  readonly #memory: CheckpointMemory;
  /** Epoch ms. */
  readonly #now: () => number;
  #checkedAt = -CHECK_INTERVAL_MS;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(now: () => number, storage: TextStorage | undefined = browserStorage()) {
    this.#now = now;
    this.#memory = new CheckpointMemory(storage);
    this.conflicts = shallowRef(this.#memory.conflicts);
    this.open = shallowRef(this.#memory.open);
  }

  /** False: this browser forbids storage, and the next visit will know nothing of this one. */
  get isKept(): boolean {
    return this.#memory.isKept;
  }

  start(live: Pick<LiveStore, 'ledger'>): void {
    watch(live.ledger, (ledger) => ledger !== undefined && this.#seeStatus(ledger), { immediate: true });
  }

  /** Checkpoints under which proofs stand: the history they prove must be the one that this browser knows. */
  seeProven(notes: readonly string[]): void {
    for (const note of new Set(notes)) void this.#inTurn(() => this.#see(note, true));
  }

  /**
   * The checkpoint of a proof that a person opened: compared where it is of the ledger that this server runs, since the way
   * from one checkpoint to another is proven by that ledger's files.
   */
  seeGiven(note: string, ledger: LedgerStatus | undefined): void {
    if (ledger !== undefined && firstLine(note) === firstLine(ledger.checkpoint)) this.seeProven([note]);
  }

  /** After a conflict, by the reader's decision: the next checkpoint is remembered as at the first visit. The evidence stays. */
  startAnew(): void {
    this.#memory.startAnew();
    this.#tellConflicts();
    this.state.value = { kind: 'pending', from: undefined, now: undefined, detail: '' };
    this.#checkedAt = -CHECK_INTERVAL_MS;
  }

  #tellConflicts(): void {
    this.conflicts.value = this.#memory.conflicts;
    this.open.value = this.#memory.open;
  }

  #seeStatus(ledger: LedgerStatus): void {
    // By this machine's own clock: the server's may stand still.
    const at = performance.now();
    if (ledger.checkpoint === '' || at - this.#checkedAt < CHECK_INTERVAL_MS) return;
    this.#checkedAt = at;
    trustFor(ledger.vkey, this.#now());
    void this.#inTurn(async () => {
      await this.#see(ledger.checkpoint, false);
      await this.#seeNextKey(ledger);
    });
  }

  /** One at a time: each goes on from what the one before has found. */
  #inTurn(job: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(job);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async #see(note: string, mayBeEarlier: boolean, tries = DOUBTFUL_TRIES): Promise<void> {
    const trusted = trustFor(undefined, this.#now());
    if (trusted === undefined) return;
    const { compareCheckpoints, Unreachable } = await import('./compare-checkpoints.ts');
    const read = async (path: string): Promise<Uint8Array> => {
      const answer = await getBytes(`/ledger/${path}`);
      if (answer.ok) return answer.value;
      throw answer.problem.status === 404 ? new Error(`${path}: ${answer.problem.code}`) : new Unreachable(answer.problem.code);
    };
    const seen = { note, seenAt: this.#now(), mayBeEarlier };
    const found = await compareCheckpoints((origin) => this.#memory.of(origin), seen, vkeysOf(trusted.policy), { read });
    if (found.kind === 'conflict' && found.conflict.proven === null && tries > 1) {
      await new Promise((resolve) => setTimeout(resolve, DOUBTFUL_AGAIN_MS));
      return this.#see(note, mayBeEarlier, tries - 1);
    }
    this.#take(found);
  }

  #take(found: Comparison): void {
    const { from, now } = this.state.value;
    // A contradiction stays on the screen: what comes after it does not undo it.
    if (this.state.value.kind === 'conflict') return;
    switch (found.kind) {
      case 'conflict':
        this.#memory.keep(found.conflict);
        this.#tellConflicts();
        this.state.value = { kind: 'conflict', from, now, detail: found.conflict.detail };
        return;
      case 'untrusted':
        this.state.value = { kind: 'untrusted', from, now, detail: found.detail };
        return;
      case 'unreachable':
        if (this.state.value.kind === 'pending') this.state.value = { kind: 'unreachable', from, now, detail: '' };
        return;
      case 'earlier':
        return;
      default: {
        const held = this.#memory.of(found.now.origin);
        this.#memory.remember(found.now);
        const start = from ?? held;
        const kind = start === undefined ? 'first' : start.size === found.now.size ? 'same' : 'grown';
        this.state.value = { kind, from: start ?? found.now, now: found.now, detail: '' };
      }
    }
  }

  async #seeNextKey({ checkpoint, nextVkey }: LedgerStatus): Promise<void> {
    const isGood = ['first', 'same', 'grown'].includes(this.state.value.kind);
    if (!isGood || nextVkey === null) return;
    const { isSignedBy } = await import('./compare-checkpoints.ts');
    if (isSignedBy(checkpoint, nextVkey)) trustNextKey(nextVkey);
  }
}

const firstLine = (text: string): string => text.slice(0, text.indexOf('\n'));

function browserStorage(): TextStorage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

export const CHECKPOINTS: InjectionKey<CheckpointWatch> = Symbol('checkpoints');

export function useCheckpoints(): CheckpointWatch {
  const watcher = inject(CHECKPOINTS);
  if (watcher === undefined) throw new Error('no checkpoint watch is provided');
  return watcher;
}
