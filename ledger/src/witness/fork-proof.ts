/**
 * Asks a log's own tiles for what its request left open. A consistency proof from a size that is a power of two does not
 * hold the old root; but the tiles under the offered checkpoint do, and a proof made of them holds or does not.
 */
import { consistencyFromTiles, oldRootFromTiles, readCheckpoint, type TileSource, verifyConsistency } from '@airtight/tlog';
import { boundedFetch } from '../cosigning/bounded-fetch.ts';
import { nodeSha256 } from '../log/sha256.ts';
import type { Contradiction } from './evidence.ts';

/**
 * @param url where the log's tiles are
 * @returns the contradiction with the root and the proof that show it; null when the tiles do not
 * @throws when the tiles cannot be read
 */
export async function completeContradiction(contradiction: Contradiction, url: string, signal: AbortSignal): Promise<Contradiction | null> {
  const held = readCheckpoint(Buffer.from(contradiction.held));
  const offered = readCheckpoint(Buffer.from(contradiction.offered));
  if (!held.ok || !offered.ok || held.value.size >= offered.value.size) return null;
  const [oldSize, newSize] = [held.value.size, offered.value.size];
  const source = tilesOver(url, signal);
  const otherRoot = await oldRootFromTiles(source, oldSize, newSize, nodeSha256);
  const path = await consistencyFromTiles(source, oldSize, newSize, nodeSha256);
  const proof = { oldSize, oldRoot: otherRoot, newSize, newRoot: offered.value.root, path };
  return verifyConsistency(proof, nodeSha256).ok ? { ...contradiction, path, otherRoot } : null;
}

function tilesOver(url: string, signal: AbortSignal): TileSource {
  const prefix = url.replace(/\/+$/, '');
  return {
    async read(path) {
      const { status, bytes } = await boundedFetch(`${prefix}/${path}`, signal);
      if (status !== 200) throw new Error(`${path}: ${status}`);
      return bytes;
    },
  };
}
