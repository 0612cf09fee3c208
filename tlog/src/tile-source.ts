/**
 * Roots and proofs from the tiles of a log. What a source returns is not believed: a root or a proof made here is worth
 * what its verification against a signed checkpoint says.
 */
import { concatBytes } from '@noble/hashes/utils.js';
import { EMPTY_ROOT, nodeHash, rootOfLeafHashes } from './merkle.ts';
import { consistencyRanges, inclusionRanges, isPowerOfTwo, type LeafRange, splitPoint } from './proof-ranges.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import { hashesOnLevel, rightEdgeTiles, TILE_WIDTH, tilePath, tileWidth } from './tile.ts';

export interface TileSource {
  /** The file at a path such as `tile/0/000.p/5`, relative to the log's prefix; rejects when it is not there. */
  read(path: string): Promise<Uint8Array>;
}

/**
 * Reads a tile of the given width. A log may delete a partial tile once the full one exists, so the full one is asked
 * for next and cut short. Rejects with the reason of the first attempt when neither is there, and when one is too short.
 */
export async function readTile(source: TileSource, level: number, index: number, width: number): Promise<Uint8Array> {
  const path = tilePath(level, index, width);
  let bytes: Uint8Array;
  try {
    bytes = await source.read(path);
  } catch (error) {
    if (width === TILE_WIDTH) throw error;
    const full = await source.read(tilePath(level, index)).catch(() => {
      throw error;
    });
    if (full.length !== TILE_WIDTH * HASH_BYTES) throw new Error(`${tilePath(level, index)}: ${full.length} bytes`);
    bytes = full.subarray(0, width * HASH_BYTES);
  }
  if (bytes.length !== width * HASH_BYTES) throw new Error(`${path}: ${bytes.length} bytes, not ${width * HASH_BYTES}`);
  return bytes;
}

/** Root hash of the first `size` entries, from the right edge tiles alone. */
export async function rootFromTiles(source: TileSource, size: number, sha: Sha256 = nobleSha256): Promise<Uint8Array> {
  const partial = rightEdgeTiles(size).filter(({ width }) => width < TILE_WIDTH);
  return rootOfRightEdge(await Promise.all(partial.map(({ level, index, width }) => readTile(source, level, index, width))), sha);
}

/**
 * Root hash from the partial tiles of a log, lowest level first. A full last tile adds nothing: its root stands in the
 * level above, and the top level is never full. The root over one partial tile stands beside the hashes of the next one
 * as an incomplete last subtree.
 */
export function rootOfRightEdge(partialTiles: readonly Uint8Array[], sha: Sha256 = nobleSha256): Uint8Array {
  let root: Uint8Array = new Uint8Array(0);
  for (const hashes of partialTiles) root = rootOfLeafHashes(concatBytes(hashes, root), sha);
  return root.length > 0 ? root : rootOfLeafHashes(root, sha);
}

/** PATH(index, D[size]) of RFC 6962 §2.1.1. Rejects with RangeError when there is no such leaf. */
export async function inclusionFromTiles(
  source: TileSource,
  index: number,
  size: number,
  sha: Sha256 = nobleSha256,
): Promise<Uint8Array[]> {
  return subtreeRoots(source, inclusionRanges(index, size), size, sha);
}

/** PROOF(oldSize, D[newSize]) of RFC 6962 §2.1.2. */
export async function consistencyFromTiles(
  source: TileSource,
  oldSize: number,
  newSize: number,
  sha: Sha256 = nobleSha256,
): Promise<Uint8Array[]> {
  return subtreeRoots(source, consistencyRanges(oldSize, newSize), newSize, sha);
}

/** MTH(D[oldSize]) from the tiles of a larger tree, which need not have been published at that size. */
export async function oldRootFromTiles(
  source: TileSource,
  oldSize: number,
  newSize: number,
  sha: Sha256 = nobleSha256,
): Promise<Uint8Array> {
  if (oldSize === 0) return EMPTY_ROOT.slice();
  const [root] = await subtreeRoots(source, [{ from: 0, to: oldSize }], newSize, sha);
  return root as Uint8Array;
}

/** Roots of subtrees of a log of this size, in the order of the ranges; a tile is read once. */
export function subtreeRoots(source: TileSource, ranges: readonly LeafRange[], size: number, sha: Sha256): Promise<Uint8Array[]> {
  const fetched = new Map<string, Promise<Uint8Array>>();
  const tile = (level: number, index: number): Promise<Uint8Array> => {
    const width = tileWidth(level, index, size);
    const key = `${level}/${index}`;
    const known = fetched.get(key) ?? readTile(source, level, index, width);
    fetched.set(key, known);
    return known;
  };
  const rootOf = async (from: number, to: number): Promise<Uint8Array> => {
    const leaves = to - from;
    if (isPowerOfTwo(leaves)) return perfectSubtree(tile, from, leaves, sha);
    const middle = from + splitPoint(leaves);
    return nodeHash(await rootOf(from, middle), await rootOf(middle, to), sha);
  };
  return Promise.all(ranges.map(({ from, to }) => rootOf(from, to)));
}

/** A perfect subtree stands in one tile: on the highest level whose hashes are not larger than it. */
async function perfectSubtree(
  tile: (level: number, index: number) => Promise<Uint8Array>,
  from: number,
  leaves: number,
  sha: Sha256,
): Promise<Uint8Array> {
  let level = 0;
  while (TILE_WIDTH ** (level + 1) <= leaves) level++;
  const first = hashesOnLevel(level, from);
  const count = hashesOnLevel(level, leaves);
  const hashes = await tile(level, Math.floor(first / TILE_WIDTH));
  const start = (first % TILE_WIDTH) * HASH_BYTES;
  return rootOfLeafHashes(hashes.subarray(start, start + count * HASH_BYTES), sha);
}
