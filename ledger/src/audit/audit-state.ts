/**
 * Audit of the ledger's own memory, `.state/ledger.sqlite`: which entry has which index, the signed checkpoint that was
 * decided last, and the entries of that commit, each held against the published files. It reads a copy, since opening a
 * database may change its files, and a running ledger holds its lock.
 */
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Checkpoint, openCheckpoint, parseVkey, readTile, splitEntries, TILE_WIDTH, tileWidth, type Vkey } from '@airtight/tlog';
import { CHECKPOINT_FILE } from '../log/checkpoint-file.ts';
import { leafHashesOf } from '../log/right-edge.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';

const HASH_BYTES = 32;
const SCHEMA_VERSION = 1;
export const STATE_FILE = '.state/ledger.sqlite';
/** A commit between the copies of its two files makes them unlike; a ledger commits once a second or so. */
const COPY_ATTEMPTS_MAX = 20;

export interface StateFinding {
  readonly code: 'LEDGER_STATE_INVALID' | 'LEDGER_BEHIND_CHECKPOINT' | 'CHECKPOINT_INVALID';
  /** Relative to the log's directory. */
  readonly file: string;
  readonly detail: string;
}

export interface StateReport {
  /** Indexes of entries that were compared with the tiles. */
  readonly rows: number;
  readonly finding?: StateFinding;
  /** False where there is no database (a copy of the published files), or it changed too fast to be copied. */
  readonly wasRead: boolean;
}

class Found extends Error {
  readonly code: StateFinding['code'];
  constructor(code: StateFinding['code'], detail: string) {
    super(detail);
    this.code = code;
  }
}

/**
 * @param dir directory of the log, whose tiles and checkpoint were audited before
 * @param vkey verifier key of the log
 */
export async function auditState(dir: string, vkey: string): Promise<StateReport> {
  const key = parseVkey(vkey);
  if (!key.ok) return { rows: 0, wasRead: false, finding: { code: 'CHECKPOINT_INVALID', file: CHECKPOINT_FILE, detail: key.detail } };
  const scratch = await mkdtemp(join(tmpdir(), 'airtight-ledger-state-'));
  try {
    // Before the copy: the database may only be ahead of it.
    const published = openOwn(await readFile(join(dir, CHECKPOINT_FILE)), [key.value], CHECKPOINT_FILE);
    if (!(await copyDatabase(dir, scratch))) return { rows: 0, wasRead: false };
    return { rows: await compare(dir, join(scratch, 'ledger.sqlite'), published, key.value), wasRead: true };
  } catch (error) {
    const found = error instanceof Found ? error : sqliteFault(error);
    return { rows: 0, wasRead: true, finding: { code: found.code, file: STATE_FILE, detail: found.message } };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What SQLite says of a file that it cannot read is a finding; anything else is not ours to judge. */
function sqliteFault(error: unknown): Found {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR')
    return new Found('LEDGER_STATE_INVALID', error.message);
  throw error;
}

/** @returns false when there is none, or no moment without a write was found */
async function copyDatabase(dir: string, to: string): Promise<boolean> {
  const main = join(dir, STATE_FILE);
  const names = ['', '-wal'];
  for (let attempt = 0; attempt < COPY_ATTEMPTS_MAX; attempt++) {
    const before = await Promise.all(names.map((name) => stampOf(main + name)));
    if (before[0] === undefined) return false;
    for (const [at, name] of names.entries()) {
      const target = join(to, `ledger.sqlite${name}`);
      await rm(target, { force: true });
      if (before[at] !== undefined) await copyFile(main + name, target).catch(() => undefined);
    }
    const after = await Promise.all(names.map((name) => stampOf(main + name)));
    if (names.every((_, at) => before[at] === after[at])) return true;
  }
  return false;
}

async function stampOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

async function compare(dir: string, path: string, published: Checkpoint, vkey: Vkey): Promise<number> {
  const db = new DatabaseSync(path);
  try {
    const { integrity_check: integrity } = db.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string };
    if (integrity !== 'ok') throw new Found('LEDGER_STATE_INVALID', integrity);
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version !== SCHEMA_VERSION) throw new Found('LEDGER_STATE_INVALID', `schema version ${version}`);
    const decided = db.prepare('SELECT note, size, staged_from AS stagedFrom, staged FROM decided').get() as
      | { note: string; size: number; stagedFrom: number; staged: Uint8Array }
      | undefined;
    if (decided === undefined) throw new Found('LEDGER_STATE_INVALID', 'no checkpoint is decided');
    checkDecided(decided, openOwn(Buffer.from(decided.note), [vkey], STATE_FILE), published);
    const staged = splitEntries(decided.staged);
    if (!staged.ok) throw new Found('LEDGER_STATE_INVALID', `the entries of the last commit: ${staged.detail}`);
    if (decided.stagedFrom + staged.value.length !== decided.size) {
      const detail = `the last commit has ${staged.value.length} entries from ${decided.stagedFrom} on, the checkpoint ${decided.size}`;
      throw new Found('LEDGER_STATE_INVALID', detail);
    }
    const expected = new ExpectedHashes(dir, published.size, decided.stagedFrom, leafHashesOf(staged.value));
    return await compareIndex(db, expected, decided.size);
  } finally {
    db.close();
  }
}

function checkDecided({ size, note }: { size: number; note: string }, decided: Checkpoint, published: Checkpoint): void {
  if (size !== decided.size) throw new Found('LEDGER_STATE_INVALID', `size ${size}, but its checkpoint says ${decided.size}`);
  if (size < published.size)
    throw new Found('LEDGER_BEHIND_CHECKPOINT', `the database has size ${size}, the published checkpoint ${published.size}`);
  if (size === published.size && !Buffer.from(decided.root).equals(published.root))
    throw new Found('LEDGER_STATE_INVALID', `decided is another root at size ${size} than the published one: ${note.split('\n')[2]}`);
}

/** Leaf hashes as the published tiles have them, and as the entries of the last commit give them. */
class ExpectedHashes {
  readonly #dir: string;
  readonly #size: number;
  readonly #stagedFrom: number;
  readonly #staged: Uint8Array;
  #tile: { readonly index: number; readonly bytes: Uint8Array } | undefined;

  constructor(dir: string, size: number, stagedFrom: number, staged: Uint8Array) {
    this.#dir = dir;
    this.#size = size;
    this.#stagedFrom = stagedFrom;
    this.#staged = staged;
  }

  /** The one hash, or the two that must be the same. */
  async at(position: number): Promise<readonly Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    if (position < this.#size) {
      const index = Math.floor(position / TILE_WIDTH);
      if (this.#tile?.index !== index) {
        const source = { read: (path: string) => readFile(join(this.#dir, path)) };
        this.#tile = { index, bytes: await readTile(source, 0, index, tileWidth(0, index, this.#size)) };
      }
      hashes.push(hashAt(this.#tile.bytes, position % TILE_WIDTH));
    }
    if (position >= this.#stagedFrom) hashes.push(hashAt(this.#staged, position - this.#stagedFrom));
    return hashes;
  }
}

async function compareIndex(db: DatabaseSync, expected: ExpectedHashes, size: number): Promise<number> {
  let next = 0;
  for (const row of db.prepare('SELECT leaf_hash AS leafHash, position FROM entry_index ORDER BY position').iterate()) {
    const { leafHash, position } = row as { leafHash: Uint8Array; position: number };
    if (position !== next || position >= size)
      throw new Found('LEDGER_STATE_INVALID', `index ${position} stands where ${next} of ${size} is due`);
    for (const hash of await expected.at(position)) {
      if (Buffer.compare(hash, leafHash) === 0) continue;
      throw new Found('LEDGER_STATE_INVALID', `entry ${position} has hash ${hex(hash)}, the database says ${hex(leafHash)}`);
    }
    next++;
  }
  if (next !== size) throw new Found('LEDGER_STATE_INVALID', `${next} indexes of ${size} entries`);
  return next;
}

function openOwn(note: Uint8Array, vkeys: readonly Vkey[], name: string): Checkpoint {
  const opened = openCheckpoint(note, vkeys, nodeAlgorithms);
  if (!opened.ok) throw new Found('CHECKPOINT_INVALID', `${name}: ${opened.code}: ${opened.detail}`);
  return opened.value;
}

function hashAt(hashes: Uint8Array, slot: number): Uint8Array {
  return hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
