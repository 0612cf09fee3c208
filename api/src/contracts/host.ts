/**
 * Hosts the contracts engine: gives it the journal in order, sends its effects back in by the one way, and keeps its state
 * on disk. The state on disk is never ahead of effects that are not in the journal yet, so a crash loses none: what was
 * folded since is folded again, and an effect that is written twice is stored once.
 *
 * Without a usable state the journal is folded from its beginning. Where payloads were removed meanwhile, what comes out
 * need not be what came out before: so after the first such gap nothing that belongs before the head of that moment is
 * written; what was raised then stands on record already.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineCounters } from '@airtight/contracts-engine';
import type { AlertEffect } from '@airtight/protocol';
import type { Logger } from 'pino';
import type { JournalEvent } from '../decode/decoder.ts';
import type { EffectOutbox } from './effect-outbox.ts';
import type { ContractsEngine } from './engine.ts';
import { type ContractsSnapshot, snapshotText, writeSnapshot } from './snapshot-file.ts';

/** So often the state is saved: after a crash what came since is folded again for the contracts. */
const SNAPSHOT_INTERVAL_MS = 5000;
/** Making its text takes no more than this part of the time: a large state is saved slowly, beside what comes in. */
const SNAPSHOT_SHARE_MAX = 0.04;

export interface HostOptions {
  readonly engine: ContractsEngine;
  /** Position of the first event it wants. */
  readonly next: number;
  readonly unwritten?: ContractsSnapshot['unwritten'];
  readonly blindThrough?: ContractsSnapshot['blindThrough'];
  readonly outbox: EffectOutbox;
  readonly snapshotPath: string;
  readonly logger: Logger;
}

export class ContractsHost {
  readonly #engine: ContractsEngine;
  readonly #outbox: EffectOutbox;
  readonly #options: HostOptions;
  /** Raised while the journal was folded again across a gap, and not seen on record. */
  readonly #unwritten: Set<string>;
  /** Effects of records below are not written. */
  #blindThrough: number;
  #next: number;
  #saved: number;
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #timer: NodeJS.Timeout | undefined;
  /** Saving takes no pauses any more. */
  readonly #closing = new AbortController();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#engine = options.engine;
    this.#outbox = options.outbox;
    this.#next = options.next;
    this.#saved = options.next;
    this.#unwritten = new Set(options.unwritten);
    this.#blindThrough = options.blindThrough ?? 0;
  }

  /** Position of the next event it wants. */
  get next(): number {
    return this.#next;
  }

  get counters(): EngineCounters {
    return this.#engine.counters;
  }

  /**
   * Takes the next event; one before `next` is known already.
   * @param head committed end of the journal
   */
  take(event: JournalEvent, head: number): void {
    if (event.position < this.#next) return;
    if (event.kind === 'expired' && this.#blindThrough === 0) this.#blindThrough = head;
    if (event.kind === 'alert') this.#unwritten.delete(event.transition.alert);
    for (const transition of this.#engine.apply(event)) {
      if (this.#isWritten(transition, event.position)) this.#outbox.push(transition);
    }
    this.#next = event.position + 1;
  }

  #isWritten({ alert, type }: AlertEffect, position: number): boolean {
    const isBlind = position < this.#blindThrough;
    if (type === 'raise' && isBlind) this.#unwritten.add(alert);
    // Nobody was told of it, so nobody is told what becomes of it.
    return !isBlind && !this.#unwritten.has(alert);
  }

  room(): Promise<void> {
    return this.#outbox.room();
  }

  start(): void {
    this.#outbox.start();
    this.#timer = setInterval(() => {
      if (!this.#isSaving) this.#saving = this.#save();
    }, SNAPSHOT_INTERVAL_MS);
  }

  /** Saves the state once more when all effects are out, and stops. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    if (this.#outbox.written === this.#outbox.taken) this.#saving = this.#saving.then(() => this.#save());
    // A save that waits for effects ends when the outbox does.
    await Promise.all([this.#outbox.close(), this.#saving]);
  }

  async #save(): Promise<void> {
    if (this.#next === this.#saved) return;
    this.#isSaving = true;
    const next = this.#next;
    const parts = this.#snapshotParts();
    try {
      if (!(await this.#outbox.whenWritten(this.#outbox.taken))) return;
      await writeSnapshot(this.#options.snapshotPath, parts, (heldMs) => this.#pause(heldMs));
      this.#saved = next;
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the state of the contracts could not be saved');
    } finally {
      this.#isSaving = false;
    }
  }

  async #pause(heldMs: number): Promise<void> {
    const { signal } = this.#closing;
    await sleep(heldMs / SNAPSHOT_SHARE_MAX - heldMs, undefined, { signal }).catch(() => undefined);
  }

  #snapshotParts(): Iterable<string> {
    const gaps = this.#blindThrough === 0 ? {} : { blindThrough: this.#blindThrough, unwritten: [...this.#unwritten] };
    return snapshotText({ next: this.#next, ...gaps }, this.#engine.snapshotParts());
  }
}
