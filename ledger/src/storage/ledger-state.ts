/**
 * The ledger's own memory, `.state/ledger.sqlite`: the latest signed checkpoint, the entries of the commit that made
 * it, and which entry has which index. One transaction decides a commit; tiles and bundles follow from it and can
 * always be made again from the entries kept here. While the database is open it is locked: the lock of the operating
 * system ends with the process, kill -9 included.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { LedgerError } from '../ledger-error.ts';

/** The decided state after the latest commit. */
export interface Decided {
  /** Signed checkpoint note. */
  readonly note: string;
  readonly size: number;
  /** Index of the first entry of the latest commit, and its entries as a bundle (more than 256 are possible). */
  readonly stagedFrom: number;
  readonly staged: Uint8Array;
}

export interface LedgerState {
  /** Null when no log was created here. */
  read(): Decided | null;
  /** Index of the entry with this leaf hash. */
  indexOf(leafHash: Uint8Array): number | undefined;
  /**
   * Replaces the checkpoint `before` by `next` and notes the indexes of the new entries, durably or not at all.
   * @param before signed note of the checkpoint that is there; null for the first one of a new log
   * @throws LedgerError LEDGER_STATE_INVALID when another checkpoint is there: another writer was here
   */
  commit(before: string | null, next: Decided, leafHashes: readonly Uint8Array[]): void;
  close(): void;
}

const SCHEMA_VERSION = 1;
/**
 * Leaf hashes are random, so every entry changes another page of the index. Pages of a million entries stay in memory, and
 * some commits share a page before it goes back from the write-ahead log (16 MiB): a third less time for a large commit.
 */
const CACHE_KIB = 64 * 1024;
const WAL_PAGES = 4000;
/** SQLITE_BUSY, SQLITE_LOCKED: somebody else has it. */
const LOCKED_CODES: readonly unknown[] = [5, 6];
const SQLITE_FULL = 13;

/** @throws LedgerError LEDGER_LOCKED, LEDGER_STATE_INVALID */
export function openLedgerState(path: string): LedgerState {
  const db = new DatabaseSync(path);
  try {
    prepareDatabase(db);
  } catch (error) {
    db.close();
    if (LOCKED_CODES.includes(sqliteCode(error))) throw new LedgerError('LEDGER_LOCKED', path, { cause: error });
    throw error instanceof LedgerError ? error : new LedgerError('LEDGER_STATE_INVALID', `${path}: ${error}`, { cause: error });
  }
  return new SqliteLedgerState(db);
}

/** True when the disk was full and the transaction was rolled back: nothing has changed. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL;
}

function sqliteCode(error: unknown): unknown {
  return error instanceof Error && 'errcode' in error ? error.errcode : undefined;
}

function prepareDatabase(db: DatabaseSync): void {
  // EXCLUSIVE: the lock taken by the first transaction is kept until the database is closed.
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA wal_autocheckpoint = ${WAL_PAGES}; BEGIN IMMEDIATE`);
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version !== 0 && version !== SCHEMA_VERSION) throw new LedgerError('LEDGER_STATE_INVALID', `schema version ${version}`);
  if (version === 0) {
    db.exec(`
      CREATE TABLE decided (id INTEGER PRIMARY KEY CHECK (id = 1), note TEXT NOT NULL, size INTEGER NOT NULL,
                            staged_from INTEGER NOT NULL, staged BLOB NOT NULL) STRICT;
      CREATE TABLE entry_index (leaf_hash BLOB PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      PRAGMA user_version = ${SCHEMA_VERSION}`);
  }
  db.exec('COMMIT');
}

class SqliteLedgerState implements LedgerState {
  readonly #db: DatabaseSync;
  readonly #select: StatementSync;
  readonly #insert: StatementSync;
  readonly #swap: StatementSync;
  readonly #find: StatementSync;
  readonly #index: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#select = db.prepare('SELECT note, size, staged_from, staged FROM decided');
    this.#insert = db.prepare('INSERT INTO decided (id, note, size, staged_from, staged) VALUES (1, ?, ?, ?, ?)');
    this.#swap = db.prepare('UPDATE decided SET note = ?, size = ?, staged_from = ?, staged = ? WHERE id = 1 AND note = ?');
    this.#find = db.prepare('SELECT position FROM entry_index WHERE leaf_hash = ?');
    this.#index = db.prepare('INSERT INTO entry_index (leaf_hash, position) VALUES (?, ?)');
  }

  read(): Decided | null {
    const row = this.#select.get() as { note: string; size: number; staged_from: number; staged: Uint8Array } | undefined;
    return row === undefined ? null : { note: row.note, size: row.size, stagedFrom: row.staged_from, staged: row.staged };
  }

  indexOf(leafHash: Uint8Array): number | undefined {
    return (this.#find.get(leafHash) as { position: number } | undefined)?.position;
  }

  commit(before: string | null, next: Decided, leafHashes: readonly Uint8Array[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const values = [next.note, next.size, next.stagedFrom, next.staged] as const;
      const { changes } = before === null ? this.#insert.run(...values) : this.#swap.run(...values, before);
      if (changes !== 1) throw new LedgerError('LEDGER_STATE_INVALID', 'the checkpoint was replaced by another writer');
      for (const [at, leafHash] of leafHashes.entries()) this.#index.run(leafHash, next.stagedFrom + at);
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#db.close();
  }
}
