/**
 * Stops taking before the disk is really full: quarantine, batches, control data, the ledger and the store need room
 * too, and a fault can be put on record only while there is some.
 */
import { statfs } from 'node:fs/promises';
import type { StorageHealth } from './storage-health.ts';

/** At 100 MB/s, more than any door takes, a default reserve lasts five looks. */
const LOOK_INTERVAL_MS = 1000;
/** Taking goes on when so much more than the reserve is free: at the very edge it would go on and off all the time. */
const REOPEN_FACTOR = 1.1;

export type FreeBytes = (dir: string) => Promise<number>;

export class DiskReserve {
  readonly #dir: string;
  readonly #reserveBytes: number;
  readonly #health: StorageHealth;
  readonly #freeBytes: FreeBytes;
  #timer: NodeJS.Timeout | undefined;
  #touched = false;

  /** @param dir a folder on the disk that is watched; @param reserveBytes 0: not watched */
  constructor(dir: string, reserveBytes: number, health: StorageHealth, freeBytes: FreeBytes = freeBytesOf) {
    this.#dir = dir;
    this.#reserveBytes = reserveBytes;
    this.#health = health;
    this.#freeBytes = freeBytes;
  }

  /** Looks once, then at a steady pace. */
  async start(): Promise<void> {
    if (this.#reserveBytes === 0) return;
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    // A disk that does not answer is told by the writes that fail.
    const free = await this.#freeBytes(this.#dir).catch(() => Number.NaN);
    if (Number.isNaN(free)) return;
    this.#touched = free < this.#reserveBytes * (this.#touched ? REOPEN_FACTOR : 1);
    this.#health.reserve(this.#touched ? `${free} bytes free; the reserve is ${this.#reserveBytes}` : undefined);
  }
}

async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
