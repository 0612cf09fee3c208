/** Proofs for many leaves: what the single proofs say, with less; from a fixed seed. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import {
  inclusionPath,
  leafHash,
  type MultiProof,
  multiProof,
  multiProofFromTiles,
  multiProofRanges,
  nodeHash,
  rootFromInclusion,
  rootFromMultiProof,
  rootOfLeafHashes,
  sha256FromLatin1,
  type TileSource,
  tilePath,
  tilesForSize,
} from './index.ts';

const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

/** mulberry32: small, seeded, good enough to choose test cases. */
function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const LEAVES = new Uint8Array(Buffer.concat(Array.from({ length: 700 }, (_, i) => leafHash(Uint8Array.of(i >> 8, i & 255), sha))));
const leafAt = (index: number) => LEAVES.slice(index * 32, index * 32 + 32);

function randomSubset(size: number, random: (below: number) => number): number[] {
  const share = 1 + random(size);
  const chosen = Array.from({ length: share }, () => random(size));
  return [...new Set(chosen)].sort((a, b) => a - b);
}

function proofFor(indexes: readonly number[], size: number): MultiProof {
  const tree = LEAVES.subarray(0, size * 32);
  return { size, leaves: indexes.map((index) => ({ index, leafHash: leafAt(index) })), hashes: multiProof(tree, indexes, sha) };
}

function codeOf(proof: MultiProof, root: Uint8Array): string {
  const computed = rootFromMultiProof(proof, sha);
  if (!computed.ok) return computed.code;
  return Buffer.from(computed.value).equals(root) ? 'proven' : 'other root';
}

test('any leaves of any tree: the root of the tree, as each leaf by its own path; never more hashes than single paths', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 100; round++) {
    const size = 1 + random(300);
    const tree = LEAVES.subarray(0, size * 32);
    const root = rootOfLeafHashes(tree, sha);
    const indexes = randomSubset(size, random);
    const proof = proofFor(indexes, size);
    assert.equal(codeOf(proof, root), 'proven', `${indexes} of ${size}`);
    const paths = indexes.map((index) => inclusionPath(tree, index, sha));
    const single = paths.reduce((sum, path) => sum + path.length, 0);
    assert.ok(proof.hashes.length <= single && (indexes.length < 2 || proof.hashes.length < single));
    const inPaths = new Set(paths.flat().map((hash) => Buffer.from(hash).toString('hex')));
    for (const hash of proof.hashes) assert.ok(inPaths.has(Buffer.from(hash).toString('hex')), 'no hash that no path has');
    for (const [at, index] of indexes.entries()) {
      const one = rootFromInclusion({ index, size, leafHash: leafAt(index), path: paths[at] as Uint8Array[] }, sha);
      assert.ok(one.ok && Buffer.from(one.value).equals(root));
    }
  }
});

test('one leaf takes the very hashes of its path; all leaves take none', () => {
  const tree = LEAVES.subarray(0, 77 * 32);
  for (const index of [0, 5, 63, 64, 76]) {
    const byPlace = [...inclusionPath(tree, index, sha)].map((hash) => Buffer.from(hash).toString('hex')).sort();
    assert.deepEqual(
      multiProof(tree, [index], sha)
        .map((hash) => Buffer.from(hash).toString('hex'))
        .sort(),
      byPlace,
    );
  }
  assert.deepEqual(
    multiProofRanges(
      Array.from({ length: 77 }, (_, i) => i),
      77,
    ),
    [],
  );
});

test('another leaf, index, size, order or hash leads to no root or to another', () => {
  const random = seededRandom(12);
  for (let round = 0; round < 60; round++) {
    const size = 2 + random(150);
    const root = rootOfLeafHashes(LEAVES.subarray(0, size * 32), sha);
    const proof = proofFor(randomSubset(size, random), size);
    const { leaves, hashes } = proof;
    const flip = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, at) => (at === 7 ? byte ^ (1 << random(8)) : byte));
    const place = random(leaves.length);
    const missing = Array.from({ length: size }, (_, i) => i).find((i) => leaves.every(({ index }) => index !== i));
    const wrong: MultiProof[] = [
      { ...proof, leaves: [] },
      { ...proof, leaves: [...leaves, ...leaves] },
      { ...proof, leaves: leaves.map((leaf, at) => (at === place ? { ...leaf, leafHash: flip(leaf.leafHash) } : leaf)) },
      { ...proof, leaves: leaves.map((leaf, at) => (at === place ? { ...leaf, index: leaf.index + 0.5 } : leaf)) },
      { ...proof, leaves: leaves.map((leaf, at) => (at === leaves.length - 1 ? { ...leaf, index: size } : leaf)) },
      { ...proof, leaves: leaves.map((leaf) => ({ ...leaf, index: leaf.index - size })) },
      { ...proof, leaves: [...leaves].reverse().concat(leaves.slice(0, 1)) },
      { ...proof, size: 2 ** 53 },
      { ...proof, hashes: [...hashes, leafAt(0)] },
      ...hashes.map((_, at) => ({ ...proof, hashes: hashes.filter((_hash, i) => i !== at) })),
      ...hashes.map((_, at) => ({ ...proof, hashes: hashes.map((hash, i) => (i === at ? flip(hash) : hash)) })),
      ...hashes.map((_, at) => ({ ...proof, hashes: hashes.map((hash, i) => (i === at ? hash.subarray(1) : hash)) })),
      ...(leaves.length > 1 ? [{ ...proof, leaves: leaves.filter((_, at) => at !== place) }] : []),
      // A leaf that the proof does not cover.
      ...(missing === undefined
        ? []
        : [{ ...proof, leaves: [...leaves, { index: missing, leafHash: leafAt(missing) }].sort((a, b) => a.index - b.index) }]),
    ];
    for (const [at, attempt] of wrong.entries()) assert.notEqual(codeOf(attempt, root), 'proven', `size ${size} attempt ${at}`);
  }
});

test('tiles give the same hashes as the leaves', async () => {
  const random = seededRandom(13);
  for (const size of [1, 255, 256, 257, 512, 700]) {
    const levels = [LEAVES.subarray(0, size * 32)];
    const files = new Map<string, Uint8Array>();
    for (const { level, index, width } of tilesForSize(size)) {
      levels[level] ??= new Uint8Array(
        Buffer.concat(
          Array.from({ length: Math.floor((levels[level - 1] as Uint8Array).length / 8192) }, (_, i) =>
            rootOfLeafHashes((levels[level - 1] as Uint8Array).subarray(i * 8192, (i + 1) * 8192), sha),
          ),
        ),
      );
      files.set(tilePath(level, index, width), (levels[level] as Uint8Array).slice(index * 8192, index * 8192 + width * 32));
    }
    const source: TileSource = { read: async (path) => files.get(path) ?? Promise.reject(new Error(path)) };
    for (let round = 0; round < 5; round++) {
      const indexes = randomSubset(size, random);
      assert.deepEqual(await multiProofFromTiles(source, indexes, size, sha), proofFor(indexes, size).hashes, `${indexes} of ${size}`);
    }
  }
});

test('sizes beyond 32 bits, two leaves far apart', () => {
  const size = 2 ** 53 - 1;
  const indexes = [2 ** 40 + 1, 2 ** 52 + 1];
  const ranges = multiProofRanges(indexes, size);
  const hashes = ranges.map(({ from }) => leafHash(new TextEncoder().encode(String(from)), sha));
  const leaves = indexes.map((index, at) => ({ index, leafHash: leafAt(at) }));
  const root = rootFromMultiProof({ size, leaves, hashes }, sha);
  assert.ok(root.ok);
  const covered = ranges.reduce((sum, { from, to }) => sum + (to - from), 0);
  assert.equal(covered, size - 2, 'every other leaf is in one of the subtrees');
  // 2^52 splits the tree: each side has a path of its own.
  const sides = [ranges.filter(({ to }) => to <= 2 ** 52), ranges.filter(({ from }) => from >= 2 ** 52)];
  assert.deepEqual(
    sides.map((side) => side.length),
    [52, 52],
  );
  assert.notDeepEqual(root.value, nodeHash(leafAt(0), leafAt(1), sha));
});
