/**
 * What happens when a log is opened. The database says what was decided; the files may lack the end of it, never more.
 * The last commit is computed again from the tiles before it and its kept entries, and must lead to the signed root.
 * Files of it that are missing are written; files that differ were changed by somebody, and the log is refused.
 */
import {
  type Checkpoint,
  entryBundlePath,
  formatEntryBundle,
  oldRootFromTiles,
  openCheckpoint,
  parseEntryBundle,
  readCheckpoint,
  readTile,
  rightEdgeTiles,
  rootFromTiles,
  splitEntries,
  TILE_WIDTH,
  type TileSource,
  tilePath,
  type Vkey,
} from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import type { DurableFiles, LedgerFile } from '../storage/durable-files.ts';
import type { Decided } from '../storage/ledger-state.ts';
import { CHECKPOINT_FILE, checkpointFile, FINAL_CHECKPOINT_FILE } from './checkpoint-file.ts';
import type { PublishedCheckpoint } from './ledger.ts';
import { advance, EMPTY_EDGE, leafHashesOf, type RightEdge, rootOfEdge } from './right-edge.ts';
import { nodeSha256 } from './sha256.ts';

/** Removal is at most one commit behind; two commits of 1,024 entries complete no more tiles than these on a level. */
const SWEPT_TILES = 10;

export interface Recovered {
  readonly edge: RightEdge;
  readonly root: Uint8Array;
  /** The published checkpoint: the decided one, with the cosignatures that had come. */
  readonly note: string;
  /** The newest final checkpoint; null when there is none, or none that the keys of today signed. */
  readonly final: PublishedCheckpoint | null;
}

/**
 * @param vkeys keys of the log; two while one takes over from the other
 * @throws LedgerError CHECKPOINT_INVALID, LEDGER_BEHIND_CHECKPOINT, LEDGER_TILE_MISMATCH, LEDGER_ROOT_MISMATCH
 */
export async function recover(files: DurableFiles, decided: Decided, vkeys: readonly Vkey[]): Promise<Recovered> {
  const checkpoint = openOwnCheckpoint(decided.note, vkeys, 'the decided checkpoint');
  const source = tileSource(files);
  const published = await files.read(CHECKPOINT_FILE);
  if (published !== null) await checkPublished(source, openOwnCheckpoint(published, vkeys, CHECKPOINT_FILE), checkpoint);
  const before = await readEdge(files, source, decided.stagedFrom);
  const staged = splitEntries(decided.staged);
  if (!staged.ok) throw new LedgerError('LEDGER_STATE_INVALID', staged.detail);
  const entries = staged.value;
  const after =
    entries.length === 0
      ? { edge: before, root: rootOfEdge(before), files: [], completed: [] }
      : advance(before, entries, leafHashesOf(entries));
  if (after.edge.size !== checkpoint.size || !Buffer.from(after.root).equals(checkpoint.root)) {
    const [is, says] = [Buffer.from(after.root).toString('hex'), Buffer.from(checkpoint.root).toString('hex')];
    throw new LedgerError(
      'LEDGER_ROOT_MISMATCH',
      `the tiles lead to size ${after.edge.size}, root ${is}; the checkpoint says ${checkpoint.size}, ${says}`,
    );
  }
  const missing = await missingFiles(files, after.files);
  const publishedNote = published === null ? '' : Buffer.from(published).toString();
  // Cosignatures are lines after the log's own.
  const isPublished = publishedNote.startsWith(decided.note);
  if (missing.length > 0 || !isPublished) await files.write(missing, checkpointFile(decided.note));
  for (const folder of obsoleteFolders(after.edge.size)) await files.removeDirectory(folder);
  const final = await readFinal(files, source, checkpoint, vkeys);
  return { edge: after.edge, root: after.root, note: isPublished ? publishedNote : decided.note, final };
}

/** Folders of partial tiles that full ones have replaced, as far back as a crash may have left any. */
function obsoleteFolders(size: number): string[] {
  return rightEdgeTiles(size).flatMap(({ level, index, width }) => {
    const full = width === TILE_WIDTH ? index + 1 : index;
    const swept = Array.from({ length: Math.min(full, SWEPT_TILES) }, (_, i) => full - 1 - i);
    return swept.flatMap((at) => [`${tilePath(level, at)}.p`, ...(level === 0 ? [`${entryBundlePath(at)}.p`] : [])]);
  });
}

async function readFinal(
  files: DurableFiles,
  source: TileSource,
  decided: Checkpoint,
  vkeys: readonly Vkey[],
): Promise<PublishedCheckpoint | null> {
  const note = await files.read(FINAL_CHECKPOINT_FILE);
  if (note === null) return null;
  const opened = openCheckpoint(note, vkeys, nodeAlgorithms);
  // Signed by a key that is no longer in use: nothing is wrong, but it is of no more use either.
  if (!opened.ok && opened.code === 'NOTE_UNSIGNED' && isOf(note, decided.origin)) return null;
  const checkpoint = openOwnCheckpoint(note, vkeys, FINAL_CHECKPOINT_FILE);
  if (checkpoint.size > decided.size) throw behind(FINAL_CHECKPOINT_FILE, checkpoint.size, decided.size);
  const root = await asMismatch(oldRootFromTiles(source, checkpoint.size, decided.size, nodeSha256));
  if (!Buffer.from(root).equals(checkpoint.root)) throw otherRoot(FINAL_CHECKPOINT_FILE, checkpoint.size);
  return { size: checkpoint.size, root: checkpoint.root, note: Buffer.from(note).toString() };
}

function isOf(note: Uint8Array, origin: string): boolean {
  const checkpoint = readCheckpoint(note);
  return checkpoint.ok && checkpoint.value.origin === origin;
}

/** @throws LedgerError CHECKPOINT_INVALID */
export function openOwnCheckpoint(note: string | Uint8Array, vkeys: readonly Vkey[], name: string): Checkpoint {
  const checkpoint = openCheckpoint(Buffer.from(note), vkeys, nodeAlgorithms);
  if (!checkpoint.ok) throw new LedgerError('CHECKPOINT_INVALID', `${name}: ${checkpoint.code}: ${checkpoint.detail}`);
  return checkpoint.value;
}

function tileSource(files: DurableFiles): TileSource {
  return {
    async read(path) {
      const bytes = await files.read(path);
      if (bytes === null) throw new LedgerError('LEDGER_TILE_MISMATCH', `${path} is not there`);
      return bytes;
    },
  };
}

/** The published checkpoint is the decided one, or the one before it. A newer one means that the database is an old copy. */
async function checkPublished(source: TileSource, published: Checkpoint, decided: Checkpoint): Promise<void> {
  const { size } = published;
  if (size > decided.size) throw behind(CHECKPOINT_FILE, size, decided.size);
  const root = size === decided.size ? decided.root : await asMismatch(rootFromTiles(source, size, nodeSha256));
  if (!Buffer.from(root).equals(published.root)) throw otherRoot(CHECKPOINT_FILE, size);
}

function behind(name: string, size: number, decidedSize: number): LedgerError {
  return new LedgerError('LEDGER_BEHIND_CHECKPOINT', `${name} has size ${size}, the database ${decidedSize}`);
}

function otherRoot(name: string, size: number): LedgerError {
  return new LedgerError('LEDGER_ROOT_MISMATCH', `${name}: another root at size ${size} than the tiles or the database have`);
}

/** The right edge of the first `size` entries, from the files; the last bundle is held against its tile. */
async function readEdge(files: DurableFiles, source: TileSource, size: number): Promise<RightEdge> {
  if (size === 0) return EMPTY_EDGE;
  const partialTiles = await Promise.all(
    rightEdgeTiles(size).map(({ level, index, width }) =>
      width === TILE_WIDTH ? new Uint8Array(0) : asMismatch(readTile(source, level, index, width)),
    ),
  );
  const width = size % TILE_WIDTH;
  if (width === 0) return { size, partialTiles, partialBundle: new Uint8Array(0) };
  const entries = await readBundle(files, Math.floor(size / TILE_WIDTH), width);
  if (!Buffer.from(leafHashesOf(entries)).equals(partialTiles[0] as Uint8Array)) {
    const index = Math.floor(size / TILE_WIDTH);
    throw new LedgerError(
      'LEDGER_TILE_MISMATCH',
      `${tilePath(0, index, width)} does not hold the hashes of ${entryBundlePath(index, width)}`,
    );
  }
  return { size, partialTiles, partialBundle: formatEntryBundle(entries) };
}

/** The first `width` entries of a bundle: from the partial one, or from the full one that replaced it. */
async function readBundle(files: DurableFiles, index: number, width: number): Promise<readonly Uint8Array[]> {
  const path = entryBundlePath(index, width);
  const partial = await files.read(path);
  const bytes = partial ?? (await files.read(entryBundlePath(index)));
  if (bytes === null) throw new LedgerError('LEDGER_TILE_MISMATCH', `${path} is not there`);
  const entries = parseEntryBundle(bytes, partial === null ? TILE_WIDTH : width);
  if (!entries.ok) throw new LedgerError('LEDGER_TILE_MISMATCH', `${path}: ${entries.detail}`);
  return entries.value.slice(0, width);
}

/** A tile that is missing or too short, as what it is for a log: a mismatch. */
async function asMismatch<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('LEDGER_TILE_MISMATCH', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

async function missingFiles(files: DurableFiles, expected: readonly LedgerFile[]): Promise<LedgerFile[]> {
  const missing: LedgerFile[] = [];
  for (const file of expected) {
    const there = await files.read(file.path);
    if (there === null) missing.push(file);
    else if (!Buffer.from(there).equals(file.bytes)) throw new LedgerError('LEDGER_TILE_MISMATCH', `${file.path} was changed`);
  }
  return missing;
}
