/**
 * One transparency log on files (c2sp.org/tlog-tiles): a commit appends entries and publishes a checkpoint over them.
 *
 * Order of a commit, so that no crash at any point makes two histories or loses an answered entry:
 *   1. compute tiles and root, sign the checkpoint (in memory; nobody sees the signature yet)
 *   2. one database transaction: the new checkpoint replaces the expected one, with the entries and their indexes.
 *      This decides the commit. It is durable before anything of it can be seen. Beside it the contents of tiles and
 *      bundles are synced under names that nobody reads.
 *   3. give tiles and bundles their names durably, then replace the file `checkpoint`
 *   4. answer
 *   5. remove partial tiles whose full tile is there
 * Cosignatures come later: they are added to the published checkpoint while it is the newest, and once there are enough
 * of them it becomes the final one. Neither is decided in the database: witnesses give them again.
 *
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
import { type Decided, isDiskFull, type LedgerState, openLedgerState } from '../storage/ledger-state.ts';
import { CHECKPOINT_FILE, checkpointFile, FINAL_CHECKPOINT_FILE } from './checkpoint-file.ts';
import { openOwnCheckpoint, recover } from './recover.ts';
import { advance, EMPTY_EDGE, leafHashesOf, type RightEdge, rootOfEdge } from './right-edge.ts';

const STATE_FILE = `${STATE_DIRECTORY}/ledger.sqlite`;
const HASH_BYTES = 32;

export interface LedgerOptions {
  /** Directory of the log; its parent must exist. */
  readonly dir: string;
  readonly key: LedgerKey;
  /** The key that is to take over: while both are in use, every checkpoint carries both signatures. */
  readonly nextKey?: LedgerKey;
  /** For tests with faults. */
  readonly fs?: FileSystem;
  readonly openState?: (path: string) => LedgerState;
}

export interface PublishedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note, with the cosignatures that have come. */
  readonly note: string;
}

/** What a ledger is opened with. */
interface LedgerContent {
  readonly edge: RightEdge;
  /** Signed note of the decided checkpoint, without cosignatures. */
  readonly decidedNote: string;
  readonly published: PublishedCheckpoint;
  readonly final: PublishedCheckpoint | null;
}

export interface Appended {
  /** One per entry, in order; of an entry that was there already, its first index. */
  readonly indexes: readonly number[];
  /** Size of the published checkpoint, which covers all of them. */
  readonly size: number;
  /** How many entries are new. */
  readonly added: number;
}

/** An open log, as those who use it see it. */
export interface OpenLog {
  readonly vkey: Vkey;
  /** All keys that sign: two while one takes over from the other. */
  readonly vkeys: readonly Vkey[];
  readonly published: PublishedCheckpoint;
  /** The newest checkpoint with enough cosignatures; null when there is none yet. */
  readonly final: PublishedCheckpoint | null;
  /**
   * Appends entries of at most 65,535 bytes and publishes a checkpoint over them.
   * @throws LedgerError OVERLOADED when the disk is full: nothing was appended. Any other error is the end: part of the
   *   commit may be durable, and only loading the log again tells.
   */
  append(entries: readonly Uint8Array[]): Promise<Appended>;
  /**
   * Publishes a checkpoint of this log again, with cosignatures after the log's signatures: in the file `checkpoint` if
   * there is no newer one, and in `checkpoint.final` if it has enough of them. A failure leaves the former files.
   */
  publishCosigned(cosigned: PublishedCheckpoint, isFinal: boolean): Promise<void>;
  /** The final checkpoint of an earlier run does not fulfil the policy of today: another one will take its place. */
  forgetFinal(): void | Promise<void>;
  /** Removes partial tiles that full ones have replaced. Nobody waits for this. */
  removeObsolete(): Promise<void>;
  close(): void | Promise<void>;
}

/**
 * Creates an empty log.
 * @throws LedgerError LEDGER_EXISTS when there is anything of a log in the directory; LEDGER_LOCKED
 */
export async function createLedger(options: LedgerOptions): Promise<Ledger> {
  const { dir, fs = nodeFileSystem } = options;
  const keys = keysOf(options);
  const files = new DurableFiles(fs, dir);
  if ((await files.read(CHECKPOINT_FILE)) !== null || existsSync(join(dir, 'tile'))) throw new LedgerError('LEDGER_EXISTS', dir);
  await files.prepare();
  const state = (options.openState ?? openLedgerState)(join(dir, STATE_FILE));
  try {
    if (state.read() !== null) throw new LedgerError('LEDGER_EXISTS', dir);
    const root = rootOfEdge(EMPTY_EDGE);
    const note = signCheckpoint(keys, 0, root);
    state.commit(null, { note, size: 0, stagedFrom: 0, staged: new Uint8Array(0) }, []);
    await files.write([], checkpointFile(note));
    return new Ledger(keys, files, state, { edge: EMPTY_EDGE, decidedNote: note, published: { size: 0, root, note }, final: null });
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
  const { dir, fs = nodeFileSystem } = options;
  const keys = keysOf(options);
  if (!existsSync(join(dir, STATE_FILE))) throw new LedgerError('LEDGER_MISSING', `${join(dir, STATE_FILE)} is not there`);
  const files = new DurableFiles(fs, dir);
  const state = (options.openState ?? openLedgerState)(join(dir, STATE_FILE));
  try {
    const read = state.read();
    if (read === null) throw new LedgerError('LEDGER_MISSING', `no log was created in ${dir}`);
    await files.prepare();
    const decided = signedByAll(keys, read, state);
    const { edge, root, note, final } = await recover(
      files,
      decided,
      keys.map(({ vkey }) => vkey),
    );
    return new Ledger(keys, files, state, { edge, decidedNote: decided.note, published: { size: edge.size, root, note }, final });
  } catch (error) {
    state.close();
    throw error;
  }
}

type LedgerKeys = readonly [LedgerKey, ...LedgerKey[]];

function keysOf({ key, nextKey }: LedgerOptions): LedgerKeys {
  return nextKey === undefined ? [key] : [key, nextKey];
}

function signCheckpoint(keys: LedgerKeys, size: number, root: Uint8Array): string {
  const text = formatCheckpoint({ origin: keys[0].vkey.name, size, root });
  return formatNote(
    text,
    keys.map((key) => key.signNote(text)),
  );
}

/**
 * The decided checkpoint with the signatures of the keys that are in use now. One of them must have signed it before: a
 * key takes over only from one that vouched for it by signing beside it.
 * @throws LedgerError CHECKPOINT_INVALID
 */
function signedByAll(keys: LedgerKeys, decided: Decided, state: LedgerState): Decided {
  const vkeys = keys.map(({ vkey }) => vkey);
  const { size, root } = openOwnCheckpoint(decided.note, vkeys, 'the decided checkpoint');
  const note = signCheckpoint(keys, size, root);
  if (note === decided.note) return decided;
  const signed = { ...decided, note };
  state.commit(decided.note, signed, []);
  return signed;
}

/** An open log. One change at a time: commits and cosignatures take turns. */
export class Ledger implements OpenLog {
  readonly #keys: LedgerKeys;
  readonly #files: DurableFiles;
  readonly #state: LedgerState;
  #edge: RightEdge;
  #decidedNote: string;
  #published: PublishedCheckpoint;
  #final: PublishedCheckpoint | null;
  /** The change that goes on; the next one begins after it. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Folders of partial tiles that are no longer needed. */
  #obsolete: readonly string[] = [];
  #failure: unknown;

  constructor(keys: LedgerKeys, files: DurableFiles, state: LedgerState, { edge, decidedNote, published, final }: LedgerContent) {
    this.#keys = keys;
    this.#files = files;
    this.#state = state;
    this.#edge = edge;
    this.#decidedNote = decidedNote;
    this.#published = published;
    this.#final = final;
  }

  get vkey(): Vkey {
    return this.#keys[0].vkey;
  }

  get vkeys(): readonly Vkey[] {
    return this.#keys.map(({ vkey }) => vkey);
  }

  get published(): PublishedCheckpoint {
    return this.#published;
  }

  get final(): PublishedCheckpoint | null {
    return this.#final;
  }

  async append(entries: readonly Uint8Array[]): Promise<Appended> {
    if (this.#failure !== undefined) throw new LedgerError('SERVICE_UNAVAILABLE', 'an earlier commit failed', { cause: this.#failure });
    try {
      return await this.#inTurn(() => this.#commit(entries));
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'OVERLOADED') throw error;
      this.#failure = error;
      throw error;
    }
  }

  publishCosigned(cosigned: PublishedCheckpoint, isFinal: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure !== undefined) return;
      if (cosigned.size === this.#published.size && cosigned.note !== this.#published.note) {
        await this.#files.write([], checkpointFile(cosigned.note));
        this.#published = cosigned;
      }
      if (!isFinal || cosigned.size < (this.#final?.size ?? 0)) return;
      await this.#files.write([], checkpointFile(cosigned.note, FINAL_CHECKPOINT_FILE));
      this.#final = cosigned;
    });
  }

  forgetFinal(): void {
    this.#final = null;
  }

  async removeObsolete(): Promise<void> {
    const folders = this.#obsolete;
    this.#obsolete = [];
    for (const folder of folders) await this.#files.removeDirectory(folder);
  }

  close(): void {
    this.#state.close();
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(change);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #commit(entries: readonly Uint8Array[]): Promise<Appended> {
    const { indexes, fresh } = this.#assignIndexes(entries);
    if (fresh.length === 0) return { indexes, size: this.#published.size, added: 0 };
    const leafHashes = fresh.map((at) => at.leafHash);
    const staged = fresh.map((at) => at.entry);
    const next = advance(this.#edge, staged, Buffer.concat(leafHashes));
    const note = signCheckpoint(this.#keys, next.edge.size, next.root);
    const decided = { note, size: next.edge.size, stagedFrom: this.#edge.size, staged: formatEntryBundle(staged) };
    const begun = this.#files.begin(next.files, checkpointFile(note));
    try {
      this.#state.commit(this.#decidedNote, decided, leafHashes);
    } catch (error) {
      await begun.discard();
      throw isDiskFull(error) ? new LedgerError('OVERLOADED', 'the disk is full', { cause: error }) : error;
    }
    await begun.publish();
    this.#edge = next.edge;
    this.#decidedNote = note;
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
