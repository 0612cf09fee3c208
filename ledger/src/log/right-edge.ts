/**
 * The growing edge of the tree: what is needed to append, and nothing more. Per level the hashes of the partial tile,
 * and the partial entry bundle: some tens of kilobytes for any size of log.
 */
import {
  entryBundlePath,
  formatEntryBundle,
  hashesOnLevel,
  leafHash,
  rootOfLeafHashes,
  rootOfRightEdge,
  TILE_WIDTH,
  tilePath,
} from '@airtight/tlog';
import type { LedgerFile } from '../storage/durable-files.ts';
import { nodeSha256 } from './sha256.ts';

const HASH_BYTES = 32;
const NOTHING = new Uint8Array(0);

export interface RightEdge {
  readonly size: number;
  /** Hashes of the partial tile of each level, from level 0; empty where the last tile is full. */
  readonly partialTiles: readonly Uint8Array[];
  /** Bytes of the partial entry bundle; empty when the last bundle is full. */
  readonly partialBundle: Uint8Array;
}

export interface Advance {
  readonly edge: RightEdge;
  readonly root: Uint8Array;
  /** New tiles and bundles. None of these paths was written before. */
  readonly files: readonly LedgerFile[];
  /** Folders of partial tiles and bundles whose full form is among the files. */
  readonly completed: readonly string[];
}

export const EMPTY_EDGE: RightEdge = { size: 0, partialTiles: [], partialBundle: NOTHING };

export function rootOfEdge(edge: RightEdge): Uint8Array {
  return rootOfRightEdge(
    edge.partialTiles.filter((hashes) => hashes.length > 0),
    nodeSha256,
  );
}

/** Leaf hashes of entries, concatenated. */
export function leafHashesOf(entries: readonly Uint8Array[]): Uint8Array {
  const flat = new Uint8Array(entries.length * HASH_BYTES);
  for (const [at, entry] of entries.entries()) flat.set(leafHash(entry, nodeSha256), at * HASH_BYTES);
  return flat;
}

/** Appends entries: the edge after them, and the files that the new size has and the old one had not. */
export function advance(edge: RightEdge, entries: readonly Uint8Array[], leafHashes: Uint8Array): Advance {
  const files: LedgerFile[] = [];
  const completed: string[] = [];
  const partialBundle = advanceBundles(edge, entries, files, completed);
  const partialTiles = [...edge.partialTiles];
  let added = leafHashes;
  for (let level = 0; added.length > 0; level++) {
    const row = Buffer.concat([partialTiles[level] ?? NOTHING, added]);
    const firstTile = Math.floor(hashesOnLevel(level, edge.size) / TILE_WIDTH);
    const fullTiles = Math.floor(row.length / (TILE_WIDTH * HASH_BYTES));
    const roots = new Uint8Array(fullTiles * HASH_BYTES);
    for (let i = 0; i < fullTiles; i++) {
      const tile = row.subarray(i * TILE_WIDTH * HASH_BYTES, (i + 1) * TILE_WIDTH * HASH_BYTES);
      roots.set(rootOfLeafHashes(tile, nodeSha256), i * HASH_BYTES);
      files.push({ path: tilePath(level, firstTile + i), bytes: tile });
      completed.push(`${tilePath(level, firstTile + i)}.p`);
    }
    const partial = row.subarray(fullTiles * TILE_WIDTH * HASH_BYTES);
    if (partial.length > 0) files.push({ path: tilePath(level, firstTile + fullTiles, partial.length / HASH_BYTES), bytes: partial });
    partialTiles[level] = partial;
    added = roots;
  }
  const next = { size: edge.size + entries.length, partialTiles, partialBundle };
  return { edge: next, root: rootOfEdge(next), files, completed };
}

/** @returns the partial bundle after the entries */
function advanceBundles(edge: RightEdge, entries: readonly Uint8Array[], files: LedgerFile[], completed: string[]): Uint8Array {
  let index = Math.floor(edge.size / TILE_WIDTH);
  let width = edge.size % TILE_WIDTH;
  let bytes = edge.partialBundle;
  for (let at = 0; at < entries.length; ) {
    const taken = entries.slice(at, at + TILE_WIDTH - width);
    bytes = Buffer.concat([bytes, formatEntryBundle(taken)]);
    width += taken.length;
    at += taken.length;
    files.push({ path: entryBundlePath(index, width), bytes });
    if (width < TILE_WIDTH) break;
    completed.push(`${entryBundlePath(index)}.p`);
    index++;
    width = 0;
    bytes = NOTHING;
  }
  return bytes;
}
