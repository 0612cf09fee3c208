/**
 * A copy of another party's log, brought up to date from its published files. Entries are all that is taken over: hashes
 * and tiles are computed here, on top of what the copy held, and must lead to the root that the log has signed. So a copy
 * that was extended is consistent with everything it held before, and a log that contradicts itself is caught.
 */
import {
  type Checkpoint,
  entryBundlePath,
  hashesOnLevel,
  oldRootFromTiles,
  openCheckpoint,
  parseEntryBundle,
  parseVkey,
  rightEdgeTiles,
  rootOfLeafHashes,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  type Vkey,
} from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { CHECKPOINT_FILE, FINAL_CHECKPOINT_FILE } from '../log/checkpoint-file.ts';
import { advance, leafHashesOf, type RightEdge, rootOfEdge } from '../log/right-edge.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { DurableFiles } from '../storage/durable-files.ts';
import { nodeFileSystem } from '../storage/file-system.ts';

/** Bundles asked for at the same time: enough to hide the way to the other side. */
const BUNDLES_AHEAD = 8;

/** Where the log is published: a web address, or a directory. */
export interface LogSource {
  /** A file by its path relative to the log's prefix; null when it is not there. */
  read(path: string): Promise<Uint8Array | null>;
}

/** What a log shows that it cannot show without contradicting what it showed before. */
export interface LogContradiction {
  /** `signature`: not signed by the log; `rollback`: entries are gone; `fork`: another history; `entries`: they are not what is signed. */
  readonly kind: 'signature' | 'rollback' | 'fork' | 'entries';
  readonly held: string | null;
  readonly offered: string;
  readonly detail: string;
}

export type Extension =
  | { readonly ok: true; readonly checkpoint: Checkpoint; readonly added: number }
  | { readonly ok: false; readonly contradiction: LogContradiction };

/** Ends an extension; never leaves this file. */
class Contradicted extends Error {
  readonly kind: LogContradiction['kind'];
  constructor(kind: LogContradiction['kind'], detail: string) {
    super(detail);
    this.kind = kind;
  }
}

interface Held {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

export class LogCopy {
  readonly #files: DurableFiles;
  readonly #vkey: Vkey;
  #held: Held | null = null;

  private constructor(files: DurableFiles, vkey: Vkey) {
    this.#files = files;
    this.#vkey = vkey;
  }

  /**
   * @param dir of the copy; made when it is not there, its parent must be
   * @param vkey verifier key of the log, from elsewhere than the log
   * @throws LedgerError CHECKPOINT_INVALID when what the copy holds is not signed by that key
   */
  static async open(dir: string, vkey: string): Promise<LogCopy> {
    const key = parseVkey(vkey);
    if (!key.ok) throw new LedgerError('CHECKPOINT_INVALID', key.detail);
    const copy = new LogCopy(new DurableFiles(nodeFileSystem, dir), key.value);
    await copy.#files.prepare();
    const note = await copy.#files.read(CHECKPOINT_FILE);
    if (note !== null) {
      const opened = openCheckpoint(note, [key.value], nodeAlgorithms);
      if (!opened.ok) throw new LedgerError('CHECKPOINT_INVALID', `${CHECKPOINT_FILE}: ${opened.code}: ${opened.detail}`);
      copy.#held = { checkpoint: opened.value, note: Buffer.from(note).toString() };
    }
    return copy;
  }

  /** Entries that the copy holds under a signed checkpoint. */
  get size(): number {
    return this.#held?.checkpoint.size ?? 0;
  }

  /** @param onProgress how many entries there are now, of how many */
  async extend(source: LogSource, onProgress: (done: number, total: number) => void): Promise<Extension> {
    const note = await source.read(CHECKPOINT_FILE);
    if (note === null) throw new LedgerError('LEDGER_MISSING', 'the source has no checkpoint');
    const before = this.size;
    try {
      const checkpoint = await this.#follow(source, note, onProgress);
      await this.#takeFinal(source, checkpoint);
      return { ok: true, checkpoint, added: checkpoint.size - before };
    } catch (error) {
      if (!(error instanceof Contradicted)) throw error;
      const offered = Buffer.from(note).toString();
      return { ok: false, contradiction: { kind: error.kind, held: this.#held?.note ?? null, offered, detail: error.message } };
    }
  }

  /** The entries from an index on, up to the checkpoint. */
  async *entries(from: number): AsyncGenerator<{ readonly index: number; readonly entry: Uint8Array }> {
    for (let bundle = Math.floor(from / TILE_WIDTH); bundle * TILE_WIDTH < this.size; bundle++) {
      const entries = await this.#readBundle(bundle, tileWidth(0, bundle, this.size));
      for (const [at, entry] of entries.entries()) {
        const index = bundle * TILE_WIDTH + at;
        if (index >= from) yield { index, entry };
      }
    }
  }

  async #follow(source: LogSource, note: Uint8Array, onProgress: (done: number, total: number) => void): Promise<Checkpoint> {
    const opened = openCheckpoint(note, [this.#vkey], nodeAlgorithms);
    if (!opened.ok) throw new Contradicted('signature', `${opened.code}: ${opened.detail}`);
    const checkpoint = opened.value;
    const held = this.#held?.checkpoint;
    if (held !== undefined && checkpoint.size <= held.size) {
      await this.#checkOlder(checkpoint, held);
      // The same size: more cosignatures may have come.
      await this.#files.write([{ path: CHECKPOINT_FILE, bytes: note }]);
    } else {
      const edge = await this.#fetch(source, checkpoint, onProgress);
      if (Buffer.compare(rootOfEdge(edge), checkpoint.root) !== 0) {
        await this.#discard(checkpoint.size);
        const kind = this.size === 0 ? 'entries' : 'fork';
        throw new Contradicted(
          kind,
          `what is held and the entries from ${this.size} on lead to another root at size ${checkpoint.size} than it has signed`,
        );
      }
      await this.#files.write(this.#partialFiles(edge), { path: CHECKPOINT_FILE, bytes: note });
      await this.#dropPartials(checkpoint.size);
    }
    this.#held = { checkpoint, note: Buffer.from(note).toString() };
    return checkpoint;
  }

  /** A checkpoint that is not larger: the same tree, or one that is contradicted by what is held. */
  async #checkOlder({ size, root }: Checkpoint, held: Checkpoint): Promise<void> {
    const source = { read: async (path: string) => (await this.#files.read(path)) ?? Promise.reject(new Error(`${path} is not there`)) };
    const own = size === held.size ? held.root : await oldRootFromTiles(source, size, held.size, nodeSha256);
    if (Buffer.compare(own, root) !== 0) throw new Contradicted('fork', `another root at size ${size} than what is held has`);
    if (size < held.size) throw new Contradicted('rollback', `it has ${size} entries now, ${held.size} are held`);
  }

  /** Takes the entries from the held size, or from where an interrupted run was, up to the checkpoint's. */
  async #fetch(source: LogSource, { size }: Checkpoint, onProgress: (done: number, total: number) => void): Promise<RightEdge> {
    let edge = await this.#edgeAt(await this.#resumeAt(size));
    while (edge.size < size) {
      const first = Math.floor(edge.size / TILE_WIDTH);
      const count = Math.min(BUNDLES_AHEAD, Math.ceil(size / TILE_WIDTH) - first);
      const bundles = await Promise.all(
        Array.from({ length: count }, (_, i) => fetchBundle(source, first + i, tileWidth(0, first + i, size))),
      );
      for (const entries of bundles) {
        const known = edge.size % TILE_WIDTH;
        if (known > 0) await this.#checkKnown(entries, edge.size);
        const added = entries.slice(known);
        const next = advance(edge, added, leafHashesOf(added));
        await this.#files.write(next.files.filter(({ path }) => !path.includes('.p/')));
        edge = next.edge;
      }
      onProgress(edge.size, size);
    }
    return edge;
  }

  /** The source's last bundle begins with the entries that are held of it. */
  async #checkKnown(offered: readonly Uint8Array[], size: number): Promise<void> {
    const bundle = Math.floor(size / TILE_WIDTH);
    const held = await this.#readBundle(bundle, size % TILE_WIDTH);
    const wrong = held.findIndex((entry, i) => Buffer.compare(entry, offered[i] ?? new Uint8Array(0)) !== 0);
    if (wrong >= 0) throw new Contradicted('fork', `entry ${bundle * TILE_WIDTH + wrong} is another one than is held`);
  }

  /** Full bundles of an interrupted run are taken as they are, but the last one: its tiles may be missing. */
  async #resumeAt(size: number): Promise<number> {
    let bundle = Math.floor(this.size / TILE_WIDTH);
    while ((bundle + 1) * TILE_WIDTH <= size && (await this.#files.read(tilePath(0, bundle))) !== null) bundle++;
    return Math.max(this.size, (bundle - 1) * TILE_WIDTH);
  }

  /** The right edge at a size whose full tiles are there. */
  async #edgeAt(size: number): Promise<RightEdge> {
    const partialTiles: Uint8Array[] = [];
    for (const { level, index, width } of rightEdgeTiles(size)) {
      if (width === TILE_WIDTH) partialTiles.push(new Uint8Array(0));
      else if (level === 0) partialTiles.push(leafHashesOf(await this.#readBundle(index, width)));
      else partialTiles.push(await this.#rootsBelow(level, index, width));
    }
    const width = size % TILE_WIDTH;
    const partialBundle = width === 0 ? new Uint8Array(0) : await this.#bundleBytes(Math.floor(size / TILE_WIDTH), width);
    return { size, partialTiles, partialBundle };
  }

  async #rootsBelow(level: number, index: number, width: number): Promise<Uint8Array> {
    const roots: Uint8Array[] = [];
    for (let slot = 0; slot < width; slot++) {
      const below = tilePath(level - 1, index * TILE_WIDTH + slot);
      const tile = await this.#files.read(below);
      if (tile === null) throw new LedgerError('LEDGER_TILE_MISMATCH', `${below} is not there`);
      roots.push(rootOfLeafHashes(tile, nodeSha256));
    }
    return Buffer.concat(roots);
  }

  #partialFiles({ size, partialTiles, partialBundle }: RightEdge): { path: string; bytes: Uint8Array }[] {
    const files = partialTiles.flatMap((bytes, level) => {
      const width = bytes.length / 32;
      const index = Math.floor(hashesOnLevel(level, size) / TILE_WIDTH);
      return width === 0 ? [] : [{ path: tilePath(level, index, width), bytes }];
    });
    const width = size % TILE_WIDTH;
    return width === 0 ? files : [...files, { path: entryBundlePath(Math.floor(size / TILE_WIDTH), width), bytes: partialBundle }];
  }

  async #readBundle(index: number, width: number): Promise<readonly Uint8Array[]> {
    const entries = parseEntryBundle(await this.#bundleBytes(index, width), width);
    if (!entries.ok) throw new LedgerError('LEDGER_TILE_MISMATCH', `${entryBundlePath(index, width)}: ${entries.detail}`);
    return entries.value;
  }

  /** Of the first `width` entries, from the partial bundle or the full one. */
  async #bundleBytes(index: number, width: number): Promise<Uint8Array> {
    const partial = await this.#files.read(entryBundlePath(index, width));
    if (partial !== null) return partial;
    const full = await this.#files.read(entryBundlePath(index));
    if (full === null) throw new LedgerError('LEDGER_TILE_MISMATCH', `${entryBundlePath(index, width)} is not there`);
    let end = 0;
    for (let i = 0; i < width; i++) end += 2 + 256 * (full[end] ?? 0) + (full[end + 1] ?? 0);
    return full.subarray(0, end);
  }

  /** Partial tiles and bundles of the size that was held, where the full ones are under a checkpoint now. */
  async #dropPartials(size: number): Promise<void> {
    for (const { level, index, width } of rightEdgeTiles(this.size)) {
      if (width === TILE_WIDTH || tileWidth(level, index, size) < TILE_WIDTH) continue;
      await this.#files.removeDirectory(`${tilePath(level, index)}.p`);
      if (level === 0) await this.#files.removeDirectory(`${entryBundlePath(index)}.p`);
    }
  }

  /** Tiles and bundles beyond the held size that did not lead to a signed root. */
  async #discard(size: number): Promise<void> {
    for (let level = 0; hashesOnLevel(level, size) > 0; level++) {
      const end = Math.floor(hashesOnLevel(level, size) / TILE_WIDTH);
      for (let index = Math.floor(hashesOnLevel(level, this.size) / TILE_WIDTH); index < end; index++) {
        await this.#files.removeDirectory(tilePath(level, index));
        if (level === 0) await this.#files.removeDirectory(entryBundlePath(index));
      }
    }
  }

  /** The checkpoint that enough witnesses have cosigned, where the log has one: it must be of this history. */
  async #takeFinal(source: LogSource, checkpoint: Checkpoint): Promise<void> {
    const note = await source.read(FINAL_CHECKPOINT_FILE);
    if (note === null) return;
    const opened = openCheckpoint(note, [this.#vkey], nodeAlgorithms);
    // It may have grown past the checkpoint that was read before it; the next run takes it.
    if (!opened.ok || opened.value.size > checkpoint.size) return;
    await this.#checkOlder(opened.value, { ...checkpoint, size: checkpoint.size }).catch((error: unknown) => {
      if (error instanceof Contradicted && error.kind === 'rollback') return;
      throw error;
    });
    await this.#files.write([{ path: FINAL_CHECKPOINT_FILE, bytes: note }]);
  }
}

async function fetchBundle(source: LogSource, index: number, width: number): Promise<readonly Uint8Array[]> {
  // A partial bundle goes when the full one is there.
  const partial = await source.read(entryBundlePath(index, width));
  const bytes = partial ?? (await source.read(entryBundlePath(index)));
  if (bytes === null) throw new Contradicted('entries', `${entryBundlePath(index, width)} is not there`);
  const entries = parseEntryBundle(bytes, partial === null ? TILE_WIDTH : width);
  if (!entries.ok) throw new Contradicted('entries', `${entryBundlePath(index, width)}: ${entries.detail}`);
  return entries.value.slice(0, width);
}
