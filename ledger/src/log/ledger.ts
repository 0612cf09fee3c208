/**
 * One transparency log on files (c2sp.org/tlog-tiles): a commit appends entries and publishes a checkpoint over them.
 *
 * Order of a commit, so that no crash at any point makes two histories or loses an answered entry:
 *   1. compute tiles and root, sign the checkpoint (in memory; nobody sees the signature yet)
 *   2. one database transaction: the new checkpoint replaces the expected one, with the entries and their indexes.
 *      This decides the commit. It is durable before anything of it can be seen.
 *   3. write tiles and bundles durably, then replace the file `checkpoint`
 *   4. answer
 *   5. remove partial tiles whose full tile is there
 * After a crash, steps 3 and 5 are done again from what step 2 kept. A file under `tile/` is therefore never rewritten
 * with other content.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatCheckpoint, formatEntryBundle, formatNote, type Vkey } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import type { LedgerKey } from '../ledger-key.ts';
import { DurableFiles, STATE_DIRECTORY } from '../storage/durable-files.ts';
import { type FileSystem, nodeFileSystem } from '../storage/file-system.ts';
import { isDiskFull, type LedgerState, openLedgerState } from '../storage/ledger-state.ts';
import { CHECKPOINT_FILE, checkpointFile } from './checkpoint-file.ts';
import { recover } from './recover.ts';
import { advance, EMPTY_EDGE, leafHashesOf, type RightEdge, rootOfEdge } from './right-edge.ts';

const STATE_FILE = `${STATE_DIRECTORY}/ledger.sqlite`;
const HASH_BYTES = 32;

export interface LedgerOptions {
  /** Directory of the log; its parent must exist. */
  readonly dir: string;
  readonly key: LedgerKey;
  /** For tests with faults. */
  readonly fs?: FileSystem;
  readonly openState?: (path: string) => LedgerState;
}

export interface PublishedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note, as in the file `checkpoint`. */
  readonly note: string;
}

export interface Appended {
  /** One per entry, in order; of an entry that was there already, its first index. */
  readonly indexes: readonly number[];
  /** Size of the published checkpoint, which covers all of them. */
  readonly size: number;
  /** How many entries are new. */
  readonly added: number;
}

/**
 * Creates an empty log.
 * @throws LedgerError LEDGER_EXISTS when there is anything of a log in the directory; LEDGER_LOCKED
 */
export async function createLedger(options: LedgerOptions): Promise<Ledger> {
  const { dir, key, fs = nodeFileSystem } = options;
  const files = new DurableFiles(fs, dir);
  if ((await files.read(CHECKPOINT_FILE)) !== null || existsSync(join(dir, 'tile'))) throw new LedgerError('LEDGER_EXISTS', dir);
  await files.prepare();
  const state = (options.openState ?? openLedgerState)(join(dir, STATE_FILE));
  try {
    if (state.read() !== null) throw new LedgerError('LEDGER_EXISTS', dir);
    const root = rootOfEdge(EMPTY_EDGE);
    const note = signCheckpoint(key, 0, root);
    state.commit(null, { note, size: 0, stagedFrom: 0, staged: new Uint8Array(0) }, []);
    await files.writeBefore([], checkpointFile(note));
    return new Ledger(key, files, state, EMPTY_EDGE, { size: 0, root, note });
  } catch (error) {
    state.close();
    throw error;
  }
}

/**
 * Opens a log: finishes a commit that a crash interrupted, and holds the right edge against the signed checkpoint.
 * @throws LedgerError LEDGER_MISSING, LEDGER_LOCKED, LEDGER_STATE_INVALID; CHECKPOINT_INVALID, LEDGER_BEHIND_CHECKPOINT,
 *   LEDGER_TILE_MISMATCH, LEDGER_ROOT_MISMATCH when the log is not what its checkpoint says
 */
export async function loadLedger(options: LedgerOptions): Promise<Ledger> {
  const { dir, key, fs = nodeFileSystem } = options;
  if (!existsSync(join(dir, STATE_FILE))) throw new LedgerError('LEDGER_MISSING', `${join(dir, STATE_FILE)} is not there`);
  const files = new DurableFiles(fs, dir);
  const state = (options.openState ?? openLedgerState)(join(dir, STATE_FILE));
  try {
    const decided = state.read();
    if (decided === null) throw new LedgerError('LEDGER_MISSING', `no log was created in ${dir}`);
    await files.prepare();
    const { edge, root } = await recover(files, decided, key.vkey);
    return new Ledger(key, files, state, edge, { size: edge.size, root, note: decided.note });
  } catch (error) {
    state.close();
    throw error;
  }
}

function signCheckpoint(key: LedgerKey, size: number, root: Uint8Array): string {
  const text = formatCheckpoint({ origin: key.vkey.name, size, root });
  return formatNote(text, [key.signNote(text)]);
}

/** An open log. One commit at a time: the sequencer sees to that. */
export class Ledger {
  readonly #key: LedgerKey;
  readonly #files: DurableFiles;
  readonly #state: LedgerState;
  #edge: RightEdge;
  #published: PublishedCheckpoint;
  /** Folders of partial tiles that are no longer needed. */
  #obsolete: readonly string[] = [];
  #failure: unknown;

  constructor(key: LedgerKey, files: DurableFiles, state: LedgerState, edge: RightEdge, published: PublishedCheckpoint) {
    this.#key = key;
    this.#files = files;
    this.#state = state;
    this.#edge = edge;
    this.#published = published;
  }

  get vkey(): Vkey {
    return this.#key.vkey;
  }

  get published(): PublishedCheckpoint {
    return this.#published;
  }

  /**
   * Appends entries of at most 65,535 bytes and publishes a checkpoint over them.
   * @throws LedgerError OVERLOADED when the disk is full: nothing was appended. Any other error is the end: part of the
   *   commit may be durable, and only loading the log again tells.
   */
  async append(entries: readonly Uint8Array[]): Promise<Appended> {
    if (this.#failure !== undefined) throw new LedgerError('SERVICE_UNAVAILABLE', 'an earlier commit failed', { cause: this.#failure });
    try {
      return await this.#commit(entries);
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'OVERLOADED') throw error;
      this.#failure = error;
      throw error;
    }
  }

  /** Removes partial tiles that full ones have replaced. Nobody waits for this. */
  async removeObsolete(): Promise<void> {
    const folders = this.#obsolete;
    this.#obsolete = [];
    for (const folder of folders) await this.#files.removeDirectory(folder);
  }

  close(): void {
    this.#state.close();
  }

  async #commit(entries: readonly Uint8Array[]): Promise<Appended> {
    const { indexes, fresh } = this.#assignIndexes(entries);
    if (fresh.length === 0) return { indexes, size: this.#published.size, added: 0 };
    const leafHashes = fresh.map((at) => at.leafHash);
    const staged = fresh.map((at) => at.entry);
    const next = advance(this.#edge, staged, Buffer.concat(leafHashes));
    const note = signCheckpoint(this.#key, next.edge.size, next.root);
    const decided = { note, size: next.edge.size, stagedFrom: this.#edge.size, staged: formatEntryBundle(staged) };
    try {
      this.#state.commit(this.#published.note, decided, leafHashes);
    } catch (error) {
      throw isDiskFull(error) ? new LedgerError('OVERLOADED', 'the disk is full', { cause: error }) : error;
    }
    await this.#files.writeBefore(next.files, checkpointFile(note));
    this.#edge = next.edge;
    this.#published = { size: next.edge.size, root: next.root, note };
    this.#obsolete = next.completed;
    return { indexes, size: next.edge.size, added: fresh.length };
  }

  /** Entries that are in the log, or earlier in the list, get their first index; the others the next free ones. */
  #assignIndexes(entries: readonly Uint8Array[]): { indexes: number[]; fresh: { entry: Uint8Array; leafHash: Uint8Array }[] } {
    const flat = leafHashesOf(entries);
    const fresh: { entry: Uint8Array; leafHash: Uint8Array }[] = [];
    const assigned = new Map<string, number>();
    const indexes = entries.map((entry, at) => {
      const leafHash = flat.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      const key = Buffer.from(leafHash).toString('latin1');
      const known = assigned.get(key) ?? this.#state.indexOf(leafHash);
      if (known !== undefined) return known;
      const index = this.#edge.size + fresh.length;
      assigned.set(key, index);
      fresh.push({ entry, leafHash });
      return index;
    });
    return { indexes, fresh };
  }
}
