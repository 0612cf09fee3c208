/** Inclusion proofs as anybody makes them who has only the log's files: checkpoint and tiles over HTTP. */
import assert from 'node:assert/strict';
import { nodeSha256 } from '@airtight/ingest';
import {
  inclusionFromTiles,
  openCheckpoint,
  parseVkey,
  readCheckpoint,
  readTile,
  type TileSource,
  tileWidth,
  verifyInclusion,
} from '@airtight/tlog';

const TILE_WIDTH = 256;
const HASH_BYTES = 32;

/** A log that is being served. */
export interface ServedLog {
  readonly vkey: string;
  readonly files: TileSource;
  checkpoint(): Promise<Uint8Array>;
}

/**
 * Proofs of random entries, one after the other. Timed is what it takes to have checkpoint and path; every one of them is verified.
 * @returns ms
 */
export async function timeLedgerProofs(log: ServedLog, count: number): Promise<number[]> {
  const vkey = parseVkey(log.vkey);
  assert.ok(vkey.ok);
  const times: number[] = [];
  while (times.length < count) {
    const share = Math.random();
    const from = performance.now();
    const note = await log.checkpoint();
    const checkpoint = readCheckpoint(note);
    assert.ok(checkpoint.ok);
    const { size, root } = checkpoint.value;
    const index = Math.floor(share * size);
    const path = await inclusionFromTiles(log.files, index, size, nodeSha256);
    times.push(performance.now() - from);
    assert.ok(openCheckpoint(note, [vkey.value]).ok);
    const place = Math.floor(index / TILE_WIDTH);
    const tile = await readTile(log.files, 0, place, tileWidth(0, place, size));
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    assert.ok(verifyInclusion({ index, size, root, path, leafHash: tile.subarray(at, at + HASH_BYTES) }, nodeSha256).ok);
  }
  return times;
}
