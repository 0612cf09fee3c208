/** The tiles of the own log, as a source of proofs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TileSource } from '@airtight/tlog';

/** @param dir directory of the log */
export function ownTiles(dir: string): TileSource {
  return { read: (path) => readFile(join(dir, path)) };
}
