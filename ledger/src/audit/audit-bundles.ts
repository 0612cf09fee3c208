/**
 * Audit of some of a log's entries: what a sample or a round of a running audit looks at. Each chosen bundle is hashed
 * again and held against its tile; that tile against its slot in the tile above, and so on up to the right edge, whose
 * root the signed checkpoint has. What was not chosen is not read.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  entryBundlePath,
  leafHash,
  oldRootFromTiles,
  openCheckpoint,
  parseEntryBundle,
  parseVkey,
  readTile,
  rightEdgeTiles,
  rootOfLeafHashes,
  rootOfRightEdge,
  TILE_WIDTH,
  type TileSource,
  tilePath,
  tileWidth,
} from '@airtight/tlog';
import { CHECKPOINT_FILE } from '../log/checkpoint-file.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import type { AuditFinding } from './audit-ledger.ts';

const HASH_BYTES = 32;
/** Of 8 KiB each: those above the bundles that are read in order are few. */
const TILES_KEPT_MAX = 512;

export interface BundlesReport {
  readonly entries: number;
  readonly files: number;
  readonly finding?: AuditFinding;
  /** As the log's checkpoint says, when its signature holds. */
  readonly checkpoint?: Checkpoint;
}

export interface BundlesOrder {
  readonly dir: string;
  readonly vkey: string;
  /** Which bundles of 256 entries, given the size of the log; ascending. */
  readonly choose: (size: number) => Iterable<number>;
  /** A checkpoint that was audited before: it must be the beginning of the log as it is. */
  readonly before?: { readonly size: number; readonly root: Uint8Array };
  readonly onProgress?: (entries: number) => void;
  /** Waited for after each bundle, with the bytes that were read: a bounded pace. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** @returns the first finding: CHECKPOINT_INVALID, LEDGER_TILE_MISMATCH, LEDGER_ROOT_MISMATCH */
export async function auditBundles(order: BundlesOrder): Promise<BundlesReport> {
  const audit = new BundlesAudit(order);
  try {
    await audit.run();
    return audit.report();
  } catch (error) {
    if (error instanceof Found) return { ...audit.report(), finding: error.finding };
    throw error;
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

class BundlesAudit {
  readonly #order: BundlesOrder;
  readonly #source: TileSource;
  readonly #checked = new Map<string, Uint8Array>();
  #checkpoint: Checkpoint | undefined;
  #entries = 0;
  #files = 0;

  constructor(order: BundlesOrder) {
    this.#order = order;
    this.#source = {
      read: async (path) => {
        this.#files++;
        return await readFile(join(order.dir, path));
      },
    };
  }

  report(): BundlesReport {
    const checkpoint = this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint };
    return { entries: this.#entries, files: this.#files, ...checkpoint };
  }

  async run(): Promise<void> {
    const { before, choose, onProgress, pace } = this.#order;
    const checkpoint = await this.#openCheckpoint();
    await this.#checkRightEdge(checkpoint);
    if (before !== undefined) await this.#checkGrowth(before, checkpoint);
    for (const index of choose(checkpoint.size)) {
      const bytes = await this.#checkBundle(index, tileWidth(0, index, checkpoint.size));
      onProgress?.(this.#entries);
      await pace?.(bytes);
    }
  }

  async #openCheckpoint(): Promise<Checkpoint> {
    const vkey = parseVkey(this.#order.vkey);
    if (!vkey.ok) throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, vkey.detail);
    const note = await this.#source.read(CHECKPOINT_FILE).catch(() => undefined);
    if (note === undefined) throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, 'the file is not there');
    const opened = openCheckpoint(note, [vkey.value], nodeAlgorithms);
    if (!opened.ok) throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, `${opened.code}: ${opened.detail}`);
    this.#checkpoint = opened.value;
    return opened.value;
  }

  async #checkRightEdge({ size, root }: Checkpoint): Promise<void> {
    const partial: Uint8Array[] = [];
    for (const { level, index, width } of rightEdgeTiles(size)) {
      if (width === TILE_WIDTH) continue;
      const tile = await this.#readTile(level, index, width);
      partial.push(tile);
      this.#keep(`${level}/${index}`, tile);
    }
    const computed = rootOfRightEdge(partial, nodeSha256);
    if (Buffer.compare(computed, root) === 0) return;
    const detail = `the tiles lead to root ${hex(computed)}, the checkpoint says ${hex(root)}`;
    throw new Found('LEDGER_ROOT_MISMATCH', CHECKPOINT_FILE, 0, detail);
  }

  async #checkGrowth(before: { readonly size: number; readonly root: Uint8Array }, { size }: Checkpoint): Promise<void> {
    if (before.size > size) {
      const detail = `the checkpoint has size ${size}, one that was audited before ${before.size}: entries are missing`;
      throw new Found('CHECKPOINT_INVALID', CHECKPOINT_FILE, 0, detail);
    }
    const root = await oldRootFromTiles(this.#source, before.size, size, nodeSha256);
    if (Buffer.compare(root, before.root) === 0) return;
    const detail = `the tiles lead to root ${hex(root)} at size ${before.size}, where ${hex(before.root)} was audited before`;
    throw new Found('LEDGER_ROOT_MISMATCH', CHECKPOINT_FILE, 0, detail);
  }

  /** @returns the bytes of the bundle */
  async #checkBundle(index: number, width: number): Promise<number> {
    const tile = await this.#tile(0, index, width);
    const { path, bytes } = await this.#readBundle(index, width);
    const entries = parseEntryBundle(bytes, path === entryBundlePath(index) ? TILE_WIDTH : width);
    if (!entries.ok) throw new Found('LEDGER_TILE_MISMATCH', path, 0, entries.detail);
    let offset = 0;
    for (const [i, entry] of entries.value.slice(0, width).entries()) {
      const [is, says] = [leafHash(entry, nodeSha256), hashAt(tile, i)];
      if (Buffer.compare(is, says) !== 0) {
        const what = `entry ${index * TILE_WIDTH + i} has hash ${hex(is)}, the tile says ${hex(says)}`;
        throw new Found('LEDGER_TILE_MISMATCH', path, offset, what);
      }
      offset += 2 + entry.length;
    }
    this.#entries += width;
    return bytes.length;
  }

  /** A tile that the tile above, and at last the checkpoint, vouches for. */
  async #tile(level: number, index: number, width: number): Promise<Uint8Array> {
    const key = `${level}/${index}`;
    const known = this.#checked.get(key);
    if (known !== undefined) return known;
    const tile = await this.#readTile(level, index, width);
    const parentIndex = Math.floor(index / TILE_WIDTH);
    const { size } = this.#checkpoint as Checkpoint;
    const parent = await this.#tile(level + 1, parentIndex, tileWidth(level + 1, parentIndex, size));
    const [is, says] = [rootOfLeafHashes(tile, nodeSha256), hashAt(parent, index % TILE_WIDTH)];
    if (Buffer.compare(is, says) !== 0) {
      const detail = `it has root ${hex(is)}, the tile above says ${hex(says)}`;
      throw new Found('LEDGER_TILE_MISMATCH', tilePath(level, index, width), 0, detail);
    }
    this.#keep(key, tile);
    return tile;
  }

  #keep(key: string, tile: Uint8Array): void {
    this.#checked.set(key, tile);
    if (this.#checked.size <= TILES_KEPT_MAX) return;
    // Partial tiles were checked by the right edge alone: they stay.
    const oldest = [...this.#checked].find(([, { length }]) => length === TILE_WIDTH * HASH_BYTES);
    if (oldest !== undefined) this.#checked.delete(oldest[0]);
  }

  async #readTile(level: number, index: number, width: number): Promise<Uint8Array> {
    try {
      return await readTile(this.#source, level, index, width);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new Found('LEDGER_TILE_MISMATCH', tilePath(level, index, width), 0, detail);
    }
  }

  async #readBundle(index: number, width: number): Promise<{ readonly path: string; readonly bytes: Uint8Array }> {
    // The log may grow meanwhile, and the full bundle take the partial one's place.
    for (const path of [entryBundlePath(index, width), entryBundlePath(index)]) {
      const bytes = await this.#source.read(path).catch(() => undefined);
      if (bytes !== undefined) return { path, bytes };
    }
    throw new Found('LEDGER_TILE_MISMATCH', entryBundlePath(index, width), 0, 'the file is not there');
  }
}

function hashAt(hashes: Uint8Array, slot: number): Uint8Array {
  return hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
