/**
 * Trees far beyond 32 bits, up to 2^53 − 1 leaves. Where all leaves are equal, every subtree of one size has one root, so
 * that roots, proofs and tiles of any size can be had without the leaves.
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import {
  consistencyFromTiles,
  formatCheckpoint,
  inclusionFromTiles,
  leafHash,
  nobleSha256,
  nodeHash,
  oldRootFromTiles,
  parseCheckpoint,
  rightEdgeTiles,
  rootFromTiles,
  sha256FromLatin1,
  type TileSource,
  tilePath,
  verifyConsistency,
  verifyInclusion,
} from './index.ts';
import { consistencyRanges, inclusionRanges, splitPoint } from './proof-ranges.ts';

const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));
const MAX = Number.MAX_SAFE_INTEGER;
const LEAF = leafHash(Uint8Array.of(1), sha);
/** Around the borders of 31, 32 and 53 bits, of tiles, and some that are nothing special. */
const SIZES: readonly number[] = [
  ...[31, 32, 33, 40, 48, 52].flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]),
  256 ** 5 - 1,
  256 ** 5 + 255,
  6_000_000_000,
  7_205_759_403_792_794,
  MAX - 1,
  MAX,
];

const roots = new Map<number, Uint8Array>([[1, LEAF]]);

/** MTH over so many equal leaves. */
function rootOf(size: number): Uint8Array {
  const known = roots.get(size);
  if (known !== undefined) return known;
  const left = splitPoint(size);
  const root = nodeHash(rootOf(left), rootOf(size - left), sha);
  roots.set(size, root);
  return root;
}

/** Tiles of such a log of any size: all hashes of a level are equal. */
const tiles: TileSource = {
  async read(path) {
    const [, level = '', width = '256'] = /^tile\/(\d+)\/[x\d/]+(?:\.p\/(\d+))?$/.exec(path) ?? [];
    const hashes = rootOf(256 ** Number(level));
    return Uint8Array.from({ length: Number(width) * 32 }, (_, i) => hashes[i % 32] as number);
  },
};

test('inclusion proofs in trees of up to 2^53 − 1 leaves, from ranges and from tiles', async () => {
  for (const size of SIZES) {
    for (const index of [0, 2 ** 31, 2 ** 32 - 1, Math.floor(size / 3), size - 1].filter((at) => at < size)) {
      const path = inclusionRanges(index, size).map(({ from, to }) => rootOf(to - from));
      assert.deepEqual(await inclusionFromTiles(tiles, index, size, sha), path, `${index} of ${size}`);
      const proof = { index, size, leafHash: LEAF, root: rootOf(size), path };
      for (const provider of [sha, nobleSha256]) assert.ok(verifyInclusion(proof, provider).ok, `${index} of ${size}`);
      // What 32-bit arithmetic would take for the same.
      const wrapped = { ...proof, size: size % 2 ** 32, index: index % 2 ** 32 };
      if (size >= 2 ** 32) assert.equal(verifyInclusion(wrapped, sha).ok, false, `${index} of ${size}, wrapped`);
    }
  }
});

test('consistency proofs between sizes of up to 2^53 − 1, from ranges and from tiles', async () => {
  for (const newSize of SIZES) {
    for (const oldSize of [1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, Math.floor(newSize / 3), newSize - 1, newSize].filter((at) => at <= newSize)) {
      const path = consistencyRanges(oldSize, newSize).map(({ from, to }) => rootOf(to - from));
      assert.deepEqual(await consistencyFromTiles(tiles, oldSize, newSize, sha), path, `${oldSize} to ${newSize}`);
      assert.deepEqual(await oldRootFromTiles(tiles, oldSize, newSize, sha), rootOf(oldSize));
      const proof = { oldSize, oldRoot: rootOf(oldSize), newSize, newRoot: rootOf(newSize), path };
      for (const provider of [sha, nobleSha256]) assert.ok(verifyConsistency(proof, provider).ok, `${oldSize} to ${newSize}`);
      const wrapped = { ...proof, oldSize: oldSize % 2 ** 32, newSize: newSize % 2 ** 32 };
      if (newSize >= 2 ** 32 && oldSize < newSize)
        assert.equal(verifyConsistency(wrapped, sha).ok, false, `${oldSize} to ${newSize}, wrapped`);
    }
  }
});

test('roots from the right edge, tile paths and checkpoints of such sizes', async () => {
  for (const size of SIZES) {
    assert.deepEqual(await rootFromTiles(tiles, size, sha), rootOf(size), `size ${size}`);
    for (const { level, index, width } of rightEdgeTiles(size)) {
      assert.ok(index * 256 + width <= Math.floor(size / 256 ** level) && width > 0, tilePath(level, index, width));
    }
    const text = formatCheckpoint({ origin: 'log.example', size, root: rootOf(size) });
    const parsed = parseCheckpoint(text);
    assert.ok(parsed.ok && parsed.value.size === size, text);
  }
  const beyond = formatCheckpoint({ origin: 'log.example', size: MAX, root: LEAF }).replace(String(MAX), String(2n ** 53n));
  assert.equal(parseCheckpoint(beyond).ok, false, 'a size that cannot be counted to is refused, not rounded');
});
