/**
 * Can what is taken be stored? One place for all journals and for the free space of their disk. While there is a fault
 * no door reads on, nothing is acknowledged, and `/readyz` says why; when it is over, everything goes on by itself.
 */
import type { Code } from '@airtight/protocol';

export interface StorageFault {
  readonly code: Extract<Code, 'JOURNAL_UNWRITABLE' | 'DISK_RESERVE_REACHED'>;
  readonly detail: string;
  /** Epoch ms. */
  readonly since: number;
}

export interface StorageEvents {
  readonly onFault: (fault: StorageFault) => void;
  /** Storing works again. @param fault the worst that was told meanwhile */
  readonly onCleared: (fault: StorageFault) => void;
}

export class StorageHealth {
  /** Journals whose last write failed, with the errno. */
  readonly #stalled = new Map<string, string>();
  readonly #events: StorageEvents;
  readonly #now: () => number;
  #reserve: string | undefined;
  #fault: StorageFault | undefined;
  #worst: StorageFault | undefined;

  constructor(events: StorageEvents, now: () => number = Date.now) {
    this.#events = events;
    this.#now = now;
  }

  /** Why nothing is taken, if so. */
  get fault(): StorageFault | undefined {
    return this.#fault;
  }

  /** True while not even our own control data can be stored. */
  get unwritable(): boolean {
    return this.#stalled.size > 0;
  }

  /** A write of a journal failed and will be tried again. @param errno e.g. ENOSPC */
  stalled(journal: string, errno: string): void {
    if (this.#stalled.get(journal) === errno) return;
    this.#stalled.set(journal, errno);
    this.#judge();
  }

  /** The write that had failed is durable. */
  resumed(journal: string): void {
    if (this.#stalled.delete(journal)) this.#judge();
  }

  /** The reserve of free space is (no longer) touched. @param detail undefined: there is room */
  reserve(detail: string | undefined): void {
    if ((this.#reserve === undefined) === (detail === undefined)) return;
    this.#reserve = detail;
    this.#judge();
  }

  #judge(): void {
    const fault = this.#current(this.#fault?.since ?? this.#now());
    const worst = this.#worst;
    this.#fault = fault;
    if (fault !== undefined) {
      if (worst?.code !== 'JOURNAL_UNWRITABLE' || fault.code === 'JOURNAL_UNWRITABLE') this.#worst = fault;
      this.#events.onFault(fault);
    } else if (worst !== undefined) {
      this.#worst = undefined;
      this.#events.onCleared(worst);
    }
  }

  #current(since: number): StorageFault | undefined {
    if (this.#stalled.size > 0) {
      const detail = [...this.#stalled].map(([journal, errno]) => `${journal}: ${errno}`).join(', ');
      return { code: 'JOURNAL_UNWRITABLE', detail, since };
    }
    return this.#reserve === undefined ? undefined : { code: 'DISK_RESERVE_REACHED', detail: this.#reserve, since };
  }
}
