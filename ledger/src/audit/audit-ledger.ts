/**
 * Audit of a log on disk: every entry is hashed again, every tile compared, and the root held against the signed
 * checkpoint. Reads plain files only, so it works on a copy, on a mirror, and beside the running service.
 *
 * When two files disagree, the one above decides: a tile that the tile above (at last the signed checkpoint) vouches for
 * is right, and the other one was changed.
 */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Checkpoint,
  entryBundlePath,
  LENGTH_PREFIX_BYTES,
  oldRootFromTiles,
  openCheckpoint,
  openNote,
  type Policy,
  parseVkey,
  rightEdgeTiles,
  rootOfLeafHashes,
  rootOfRightEdge,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  verifyQuorum,
} from '@airtight/tlog';
import { CHECKPOINT_FILE, FINAL_CHECKPOINT_FILE } from '../log/checkpoint-file.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';

const HASH_BYTES = 32;
/** Bundles that are read before their turn, so that hashing does not wait for the disk. At most 256 × 64 KiB each. */
const READ_AHEAD = 8;

export interface AuditFinding {
  readonly code: 'CHECKPOINT_INVALID' | 'LEDGER_TILE_MISMATCH' | 'LEDGER_ROOT_MISMATCH';
  /** Relative to the log's directory. */
  readonly file: string;
  /** First byte of the entry, hash or line that is wrong. */
  readonly offset: number;
  readonly detail: string;
}

export interface AuditReport {
  readonly ok: boolean;
  /** As the checkpoint says, when its signature holds. */
  readonly checkpoint?: Checkpoint;
  /** Entries whose hash was checked, and files that were read. */
  readonly entries: number;
  readonly files: number;
  /** The first thing that is wrong. */
  readonly finding?: AuditFinding;
}

export interface AuditProgress {
  readonly entries: number;
  readonly size: number;
}

/**
 * Audits the log in `dir`.
 * @param vkey verifier key of the log, from a source other than the log itself
 * @param onProgress called after each bundle of entries
 * @param policy whose witnesses' cosignatures are checked too, and whose quorum the final checkpoint must have; the
 *   cosignatures of other keys are nobody's
 * @returns ok, or the first finding: CHECKPOINT_INVALID, LEDGER_TILE_MISMATCH, LEDGER_ROOT_MISMATCH
 */
export async function auditLedger(
  dir: string,
  vkey: string,
  onProgress: (progress: AuditProgress) => void = () => undefined,
  policy?: Policy,
): Promise<AuditReport> {
  const audit = new LedgerAudit(dir, onProgress, policy);
  try {
    return { ok: true, checkpoint: await audit.run(vkey), ...audit.counts };
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    const { checkpoint } = audit;
    return { ok: false, ...(checkpoint === undefined ? {} : { checkpoint }), ...audit.counts, finding: error.finding };
  }
}

/** Ends the audit at the first finding; never leaves this file. */
class Found extends Error {
  readonly finding: AuditFinding;
  constructor(code: AuditFinding['code'], file: string, offset: number, detail: string) {
    super(detail);
    this.finding = { code, file, offset, detail };
  }
}

interface TileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface BundleFiles {
  readonly index: number;
  readonly width: number;
  readonly bundle: TileFile;
  /** The tile with the hashes of the bundle's entries. */
  readonly tile: TileFile;
}

class LedgerAudit {
  readonly #dir: string;
  readonly #onProgress: (progress: AuditProgress) => void;
  readonly #policy: Policy | undefined;
  /** Recomputed hashes of each level from 1 on that are not yet compared with a tile. */
  readonly #rows: Uint8Array[][] = [];
  /** Of `tile/entries` and of each level, the folder that was looked into last. */
  readonly #foldersAbove = new Map<string, { readonly path: string; readonly names: ReadonlySet<string> }>();
  /** Recomputed hashes of the bundle under way, and the offset after each of its entries, from index 1. */
  readonly #hashes = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
  readonly #ends = new Float64Array(TILE_WIDTH + 1);
  #entries = 0;
  #files = 0;
  checkpoint: Checkpoint | undefined;

  constructor(dir: string, onProgress: (progress: AuditProgress) => void, policy: Policy | undefined) {
    this.#dir = dir;
    this.#policy = policy;
    this.#onProgress = onProgress;
  }

  get counts(): { entries: number; files: number } {
    return { entries: this.#entries, files: this.#files };
  }

  async run(vkeyText: string): Promise<Checkpoint> {
    // The final checkpoint first: the log may grow meanwhile, and the checkpoint read later covers it.
    const final = await this.#openCheckpoint(vkeyText, FINAL_CHECKPOINT_FILE);
    const checkpoint = await this.#openCheckpoint(vkeyText, CHECKPOINT_FILE);
    if (checkpoint === null) throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, 'the file is not there');
    this.checkpoint = checkpoint;
    const { size, root } = checkpoint;
    for await (const { index, width, bundle, tile } of this.#readBundles(size)) {
      await this.#checkBundle(index, width, bundle, tile);
      this.#onProgress({ entries: this.#entries, size });
    }
    for (let level = 1; level < this.#rows.length; level++) {
      const index = Math.floor(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH);
      if ((this.#rows[level]?.length ?? 0) > 0) await this.#checkRow(level, index);
    }
    const computed = await this.#rootFromFiles();
    if (!sameBytes(computed, root)) {
      throw new Found(
        'LEDGER_ROOT_MISMATCH',
        CHECKPOINT_FILE,
        0,
        `the tiles lead to root ${hex(computed)}, the checkpoint says ${hex(root)}`,
      );
    }
    if (final !== null) await this.#checkFinal(final, checkpoint);
    return checkpoint;
  }

  /** Null when the file is not there. */
  async #openCheckpoint(vkeyText: string, file: string): Promise<Checkpoint | null> {
    const vkey = parseVkey(vkeyText);
    if (!vkey.ok) throw new Found('CHECKPOINT_INVALID', file, 0, vkey.detail);
    const note = await this.#read(file);
    if (note === null) return null;
    const opened = openCheckpoint(note, [vkey.value], nodeAlgorithms);
    if (!opened.ok) throw new Found('CHECKPOINT_INVALID', file, 0, `${opened.code}: ${opened.detail}`);
    const witnesses = this.#policy?.witnesses.map((witness) => witness.vkey) ?? [];
    const cosigned = openNote(note, [vkey.value, ...witnesses], nodeAlgorithms);
    if (!cosigned.ok) throw new Found('CHECKPOINT_INVALID', file, 0, `${cosigned.code}: ${cosigned.detail}`);
    const isFinal = file === FINAL_CHECKPOINT_FILE && this.#policy !== undefined;
    const quorum = isFinal ? verifyQuorum(note, this.#policy, nodeAlgorithms) : cosigned;
    if (!quorum.ok) throw new Found('CHECKPOINT_INVALID', file, 0, `${quorum.code}: ${quorum.detail}`);
    return opened.value;
  }

  /** What the witnesses vouch for is the beginning of the log as it is. */
  async #checkFinal({ size, root }: Checkpoint, checkpoint: Checkpoint): Promise<void> {
    if (size > checkpoint.size) {
      const detail = `the final checkpoint has size ${size}, the checkpoint ${checkpoint.size}: entries are missing`;
      throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, detail);
    }
    const source = { read: async (path: string) => (await this.#read(path)) ?? Promise.reject(new Error(`${path} is not there`)) };
    const computed = await oldRootFromTiles(source, size, checkpoint.size, nodeSha256);
    if (sameBytes(computed, root)) return;
    const detail = `the tiles lead to root ${hex(computed)} at size ${size}, the final checkpoint says ${hex(root)}`;
    throw new Found('LEDGER_ROOT_MISMATCH', FINAL_CHECKPOINT_FILE, 0, detail);
  }

  /** Entries and their hashes in order; the next ones are read while these are checked. */
  async *#readBundles(size: number): AsyncGenerator<BundleFiles> {
    const read = async (index: number): Promise<BundleFiles> => {
      const width = tileWidth(0, index, size);
      const [bundle, tile] = await Promise.all([this.#readBundle(index, width), this.#readTile(0, index, width)]);
      return { index, width, bundle, tile };
    };
    const reading: Promise<BundleFiles>[] = [];
    for (let next = 0; next * TILE_WIDTH < size || reading.length > 0; ) {
      while (reading.length < READ_AHEAD && next * TILE_WIDTH < size) {
        const begun = read(next++);
        // Heard when its turn comes: an earlier finding is reported first.
        begun.catch(() => undefined);
        reading.push(begun);
      }
      yield await (reading.shift() as Promise<BundleFiles>);
    }
  }

  /** Entries against the tile of their hashes, and both against the partial files of earlier sizes. */
  async #checkBundle(index: number, width: number, bundle: TileFile, tile: TileFile): Promise<void> {
    await this.#checkEntries(bundle, tile, index, width);
    await this.#checkPartials(entryBundlePath(index), bundle.bytes, width, (w) => this.#ends[w] as number);
    await this.#checkPartials(tilePath(0, index), tile.bytes, width, (w) => w * HASH_BYTES);
    this.#entries += width;
    if (width === TILE_WIDTH) await this.#push(1, index, rootOfLeafHashes(tile.bytes, nodeSha256));
  }

  async #checkEntries(bundle: TileFile, tile: TileFile, index: number, width: number): Promise<void> {
    const hashed = this.#hashEntries(bundle.bytes, width);
    const length = hashed * HASH_BYTES;
    const isRight = this.#hashes.compare(tile.bytes, 0, length, 0, length) === 0;
    if (!isRight || hashed < width) {
      const slot = isRight ? hashed : Math.floor(firstDifference(this.#hashes.subarray(0, length), tile.bytes) / HASH_BYTES);
      const is = slot < hashed ? hex(hashAt(this.#hashes, slot)) : 'none: it is cut off';
      const what = `entry ${index * TILE_WIDTH + slot} has hash ${is}, the tile says ${hex(hashAt(tile.bytes, slot))}`;
      if (!(await this.#isVouchedFor(0, index, tile.bytes))) throw new Found('LEDGER_TILE_MISMATCH', tile.path, slot * HASH_BYTES, what);
      throw new Found('LEDGER_TILE_MISMATCH', bundle.path, this.#ends[slot] as number, what);
    }
    // The full bundle stands in for a partial one that was removed meanwhile: more may follow then.
    const isWhole = bundle.path === entryBundlePath(index, width);
    const rest = bundle.bytes.length - (this.#ends[width] as number);
    if (isWhole && rest !== 0)
      throw new Found('LEDGER_TILE_MISMATCH', bundle.path, this.#ends[width] as number, `${rest} bytes after the last entry`);
  }

  /**
   * Leaf hashes of the first entries of a bundle into `#hashes`, where each ends into `#ends`, without an allocation but a view.
   * @returns how many there are: fewer than `width` when the bundle ends in one
   */
  #hashEntries(bytes: Uint8Array, width: number): number {
    let at = 0;
    for (let i = 0; i < width; i++) {
      const low = bytes[at + 1] ?? 0;
      const end = at + LENGTH_PREFIX_BYTES + 256 * (bytes[at] ?? 0) + low;
      if (end > bytes.length) return i;
      // The length's second byte stands where the preimage of a leaf has its 0x00 (RFC 6962 §2.1): it lends its place.
      bytes[at + 1] = 0;
      this.#hashes.write(hash('sha256', bytes.subarray(at + 1, end), 'latin1'), i * HASH_BYTES, 'latin1');
      bytes[at + 1] = low;
      at = end;
      this.#ends[i + 1] = at;
    }
    return width;
  }

  /** Files of earlier, narrower states of a tile or bundle hold the beginning of it. */
  async #checkPartials(path: string, bytes: Uint8Array, width: number, endOf: (width: number) => number): Promise<void> {
    const folder = `${path}.p`;
    for (const name of await this.#listIfThere(folder)) {
      const partialWidth = /^[1-9][0-9]{0,2}$/.test(name) ? Number(name) : TILE_WIDTH;
      // Wider than the checkpoint says: not published yet, nobody's business.
      if (partialWidth > width || partialWidth === TILE_WIDTH) continue;
      const partial = await this.#read(`${folder}/${name}`);
      const expected = bytes.subarray(0, endOf(partialWidth));
      if (partial === null || sameBytes(partial, expected)) continue;
      const offset = firstDifference(partial, expected);
      throw new Found('LEDGER_TILE_MISMATCH', `${folder}/${name}`, offset, 'differs from the tile or bundle that replaced it');
    }
  }

  /** Takes the root of a full tile into the row of the level above, and compares the row when it is a full tile. */
  async #push(level: number, index: number, root: Uint8Array): Promise<void> {
    this.#rows[level] ??= [];
    const row = this.#rows[level];
    row.push(root);
    if (row.length < TILE_WIDTH) return;
    const tileIndex = Math.floor(index / TILE_WIDTH);
    const tile = await this.#checkRow(level, tileIndex);
    await this.#push(level + 1, tileIndex, rootOfLeafHashes(tile, nodeSha256));
  }

  /** Compares a recomputed row with the tile that holds it, and empties the row. */
  async #checkRow(level: number, index: number): Promise<Uint8Array> {
    const row = Buffer.concat(this.#rows[level] ?? []);
    this.#rows[level] = [];
    const width = row.length / HASH_BYTES;
    const tile = await this.#readTile(level, index, width);
    await this.#checkPartials(tilePath(level, index), tile.bytes, width, (w) => w * HASH_BYTES);
    if (sameBytes(tile.bytes, row)) return row;
    const slot = Math.floor(firstDifference(tile.bytes, row) / HASH_BYTES);
    const below = index * TILE_WIDTH + slot;
    const what = `the tile below has root ${hex(hashAt(row, slot))}, this one says ${hex(hashAt(tile.bytes, slot))}`;
    if (await this.#isVouchedFor(level, index, tile.bytes)) {
      throw new Found('LEDGER_TILE_MISMATCH', tilePath(level - 1, below), 0, `changed together with all below it: ${what}`);
    }
    throw new Found('LEDGER_TILE_MISMATCH', tile.path, slot * HASH_BYTES, what);
  }

  /** True when the tile above, or the checkpoint for a partial tile, has the root of these hashes. */
  async #isVouchedFor(level: number, index: number, bytes: Uint8Array): Promise<boolean> {
    const { size, root } = this.checkpoint as Checkpoint;
    if (bytes.length < TILE_WIDTH * HASH_BYTES) return sameBytes(await this.#rootFromFiles(level, bytes), root);
    const parentIndex = Math.floor(index / TILE_WIDTH);
    const parent = await this.#readTile(level + 1, parentIndex, tileWidth(level + 1, parentIndex, size));
    return sameBytes(hashAt(parent.bytes, index % TILE_WIDTH), rootOfLeafHashes(bytes, nodeSha256));
  }

  /** Root of the right edge as the files have it, one level's tile replaced if given. */
  async #rootFromFiles(replacedLevel?: number, replacement?: Uint8Array): Promise<Uint8Array> {
    const { size } = this.checkpoint as Checkpoint;
    const partial: Uint8Array[] = [];
    for (const { level, index, width } of rightEdgeTiles(size)) {
      if (width === TILE_WIDTH) continue;
      const isReplaced = level === replacedLevel && replacement !== undefined;
      partial.push(isReplaced ? replacement : (await this.#readTile(level, index, width)).bytes);
    }
    return rootOfRightEdge(partial, nodeSha256);
  }

  async #readTile(level: number, index: number, width: number): Promise<TileFile> {
    const file = await this.#readPartialOrFull(tilePath(level, index, width), tilePath(level, index));
    const length = width * HASH_BYTES;
    const isStandIn = file.path !== tilePath(level, index, width);
    if (file.bytes.length === length || (isStandIn && file.bytes.length > length))
      return { ...file, bytes: file.bytes.subarray(0, length) };
    throw new Found('LEDGER_TILE_MISMATCH', file.path, Math.min(file.bytes.length, length), `${file.bytes.length} bytes, not ${length}`);
  }

  #readBundle(index: number, width: number): Promise<TileFile> {
    return this.#readPartialOrFull(entryBundlePath(index, width), entryBundlePath(index));
  }

  /** The log may grow during an audit, and remove a partial tile for which the full one is there. */
  async #readPartialOrFull(path: string, fullPath: string): Promise<TileFile> {
    const bytes = await this.#read(path);
    if (bytes !== null) return { path, bytes };
    const full = await this.#read(fullPath);
    if (full !== null) return { path: fullPath, bytes: full };
    throw new Found('LEDGER_TILE_MISMATCH', path, 0, 'the file is not there');
  }

  async #read(path: string): Promise<Uint8Array | null> {
    const bytes = await readFile(join(this.#dir, path)).catch(nullIfMissing);
    if (bytes !== null) this.#files++;
    return bytes;
  }

  /**
   * Names in a folder of partial tiles; most tiles have none. Whether there is one, the folder above says, which is read
   * once: a folder that comes later belongs to a tile beyond the checkpoint.
   */
  async #listIfThere(folder: string): Promise<readonly string[]> {
    const [parent, row] = [dirname(folder), folder.split('/', 2).join('/')];
    let above = this.#foldersAbove.get(row);
    if (above?.path !== parent) {
      above = { path: parent, names: new Set(await this.#list(parent)) };
      this.#foldersAbove.set(row, above);
    }
    return above.names.has(basename(folder)) ? this.#list(folder) : [];
  }

  async #list(folder: string): Promise<readonly string[]> {
    return (await readdir(join(this.#dir, folder)).catch(nullIfMissing)) ?? [];
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
  throw error;
}

function hashAt(hashes: Uint8Array, slot: number): Uint8Array {
  return hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length : at;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
