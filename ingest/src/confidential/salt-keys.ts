/**
 * Keys of the salts of confidential records: for each producer and UTC day of receipt one of 32 random bytes, so that what
 * one subject sent on one day can be erased. They lie wrapped in `keys/salts/`, a file a day; the master key beside them is
 * made with the first.
 *
 * - A key is durable before a record that uses it is written (`flush`): no record can be without its key.
 * - A key is used by one run of the service alone: a crash leaves positions that are used again, and no salt is used twice.
 * - Once the day is over, a record that comes late gets a key of its own for the segment it lies in: so from the keys
 *   follows in which segments a day's records are (`placesOf`).
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AirtightError } from '@airtight/protocol';
import { type Disk, errnoOf, nodeDisk, writeFaultOf } from '../journal/disk.ts';
import type { StorageHealth } from '../storage/storage-health.ts';
import { appendKeys, readKeyFile, removeKeys, syncFolder, writeWhole } from './key-file.ts';
import { SaltStream } from './salt-stream.ts';
import { KEY_BYTES, unwrapKey, type WrappedKey, wrapKey } from './wrapped-key.ts';

const DAY_MS = 86_400_000;
/** Keys in use that are kept at hand, 10 MB; a producer whose key is forgotten gets another. */
const IN_USE_MAX = 65_536;
/** Days whose keys are kept at hand for reading. */
const READ_DAYS_MAX = 4;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1000;

export interface SaltKeysOptions {
  /** Told of writes that fail and are tried again. */
  readonly health?: StorageHealth;
  /** For tests with faults. */
  readonly disk?: Disk;
  /** Epoch ms. */
  readonly now?: () => number;
}

interface KeyInUse {
  readonly stream: SaltStream;
  readonly segment: number;
}

interface NewKey {
  readonly producer: string;
  readonly from: number;
  readonly key: Buffer;
}

/** UTC day of a receipt, YYYY-MM-DD. */
export function utcDay(receivedAt: number): string {
  return new Date(receivedAt).toISOString().slice(0, 10);
}

export class SaltKeys {
  readonly #dir: string;
  readonly #options: SaltKeysOptions;
  readonly #disk: Disk;
  readonly #now: () => number;
  #master: Buffer | undefined;
  /** By number of the day and producer; least recently made first. */
  readonly #inUse = new Map<string, KeyInUse>();
  /** Not durable yet, by day. */
  #pending = new Map<string, NewKey[]>();
  #latestMs = 0;
  readonly #read = new Map<string, readonly WrappedKey[]>();

  private constructor(dir: string, options: SaltKeysOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#disk = options.disk ?? nodeDisk;
    this.#now = options.now ?? Date.now;
  }

  /**
   * @param dir the folder `keys/salts`; it is made with the first key
   * @throws AirtightError SALTS_UNREADABLE when there are keys and no master key: what they hide could never be shown
   */
  static open(dir: string, options: SaltKeysOptions = {}): SaltKeys {
    const keys = new SaltKeys(dir, options);
    const path = keys.#masterPath;
    if (existsSync(path)) {
      keys.#master = Buffer.from(readFileSync(path, 'latin1').trim(), 'base64');
      if (keys.#master.length !== KEY_BYTES) throw new AirtightError('SALTS_UNREADABLE', `${path} holds no key of ${KEY_BYTES} bytes`);
    } else if (existsSync(dir) && readdirSync(dir).some((name) => name.endsWith('.keys'))) {
      throw new AirtightError('SALTS_UNREADABLE', `${path} is missing, but there are keys that it has wrapped`);
    }
    return keys;
  }

  /** Whether a key was made that is not durable yet. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * The salts for a record that is about to be appended; their key is durable only after the next `flush`.
   * @param position of the record; @param segment first position of the segment that it will lie in
   */
  streamFor(producer: string, receivedAt: number, position: number, segment: number): SaltStream {
    this.#latestMs = Math.max(this.#latestMs, this.#now());
    const dayNumber = Math.floor(receivedAt / DAY_MS);
    const name = `${dayNumber} ${producer}`;
    const known = this.#inUse.get(name);
    const isOver = this.#latestMs >= (dayNumber + 1) * DAY_MS;
    if (known !== undefined && (!isOver || known.segment === segment)) return known.stream;
    const key = randomBytes(KEY_BYTES);
    const day = utcDay(receivedAt);
    const made = { producer, from: position, key };
    const pending = this.#pending.get(day);
    if (pending === undefined) this.#pending.set(day, [made]);
    else pending.push(made);
    this.#inUse.delete(name);
    if (this.#inUse.size >= IN_USE_MAX) this.#inUse.delete(this.#inUse.keys().next().value as string);
    const stream = new SaltStream(key);
    this.#inUse.set(name, { stream, segment });
    return stream;
  }

  /**
   * Makes every key durable that was made so far; while the disk is full or fails, it goes on trying.
   * @throws when writing fails by what waiting does not mend
   */
  async flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Map();
    for (const [day, keys] of pending) {
      for (let failures = 0; !this.#tryAppend(day, keys, failures); failures++)
        await delay(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 10)));
    }
  }

  /** The salts of a stored record; undefined when its key is destroyed. @throws AirtightError SALTS_UNREADABLE */
  streamOf(producer: string, receivedAt: number, position: number): SaltStream | undefined {
    const day = utcDay(receivedAt);
    // The last that was made counts: after a crash positions are used again.
    const wrapped = this.#keysOf(day).findLast((key) => key.producer === producer && key.from <= position);
    return wrapped === undefined ? undefined : new SaltStream(unwrapKey(wrapped, day, this.#makeMaster()));
  }

  /** Positions from which on keys of this producer and day are used, of records below `end`, ascending. */
  placesOf(producer: string, day: string, end: number): number[] {
    const froms = this.#keysOf(day).filter((key) => key.producer === producer && key.from < end);
    return froms.map(({ from }) => from).sort((a, b) => a - b);
  }

  /** Days of which there are keys, ascending. */
  days(): string[] {
    const names = existsSync(this.#dir) ? readdirSync(this.#dir) : [];
    return names.flatMap((name) => (name.endsWith('.keys') ? [name.slice(0, -'.keys'.length)] : [])).sort();
  }

  /** Keys of a day without what they are. @throws AirtightError SALTS_UNREADABLE */
  keysOf(day: string): readonly Pick<WrappedKey, 'producer' | 'from'>[] {
    return this.#keysOf(day);
  }

  /** Destroys keys of a day that is over. @returns how many */
  destroyThose(day: string, isSpent: (key: Pick<WrappedKey, 'producer' | 'from'>) => boolean): number {
    this.#read.delete(day);
    return removeKeys(this.#dir, day, isSpent);
  }

  /** From now on records of this producer and day get another key. */
  retire(producer: string, day: string): void {
    this.#inUse.delete(`${Date.parse(day) / DAY_MS} ${producer}`);
  }

  /** Destroys the keys of records of this producer and day below `end`. What is retired must be durable. @returns how many */
  destroy(producer: string, day: string, end: number): number {
    this.#read.delete(day);
    return removeKeys(this.#dir, day, (key) => key.producer === producer && key.from < end);
  }

  get #masterPath(): string {
    return join(this.#dir, 'master.key');
  }

  #keysOf(day: string): readonly WrappedKey[] {
    const known = this.#read.get(day);
    if (known !== undefined) return known;
    const keys = readKeyFile(this.#dir, day);
    if (this.#read.size >= READ_DAYS_MAX) this.#read.delete(this.#read.keys().next().value as string);
    this.#read.set(day, keys);
    return keys;
  }

  /** @returns false when it is to be tried again */
  #tryAppend(day: string, keys: readonly NewKey[], failures: number): boolean {
    const { health } = this.#options;
    try {
      const master = this.#makeMaster();
      const wrapped = keys.map(({ producer, from, key }) => wrapKey(key, producer, day, from, master));
      appendKeys(this.#dir, day, wrapped, this.#disk);
    } catch (error) {
      if (writeFaultOf(error) === undefined) throw error;
      health?.stalled('salts', errnoOf(error));
      return false;
    }
    this.#read.delete(day);
    if (failures > 0) health?.resumed('salts');
    return true;
  }

  #makeMaster(): Buffer {
    if (this.#master !== undefined) return this.#master;
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    const master = randomBytes(KEY_BYTES);
    writeWhole(`${this.#masterPath}.new`, Buffer.from(`${master.toString('base64')}\n`));
    renameSync(`${this.#masterPath}.new`, this.#masterPath);
    syncFolder(this.#dir);
    syncFolder(join(this.#dir, '..'));
    this.#master = master;
    return master;
  }
}
