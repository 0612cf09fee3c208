/** Properties over random trees, from a fixed seed: what is made here verifies, and nothing else does. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import {
  consistencyFromTiles,
  consistencyPath,
  EMPTY_ROOT,
  inclusionFromTiles,
  inclusionPath,
  leafHash,
  nobleSha256,
  nodeHash,
  rootFromTiles,
  rootOfLeafHashes,
  sha256FromLatin1,
  type TileSource,
  tilePath,
  tilesForSize,
  verifyConsistency,
  verifyInclusion,
} from './index.ts';
import { splitPoint } from './proof-ranges.ts';

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

function randomLeafHashes(count: number, random: (below: number) => number): Uint8Array {
  const flat = new Uint8Array(count * 32);
  for (let i = 0; i < count; i++) {
    const entry = Uint8Array.from({ length: random(40) }, () => random(256));
    flat.set(leafHash(entry, sha), i * 32);
  }
  return flat;
}

/** MTH as RFC 6962 §2.1 writes it, by recursion. */
function rootByDefinition(flat: Uint8Array): Uint8Array {
  const count = flat.length / 32;
  if (count === 0) return EMPTY_ROOT;
  if (count === 1) return flat;
  const k = splitPoint(count) * 32;
  return nodeHash(rootByDefinition(flat.subarray(0, k)), rootByDefinition(flat.subarray(k)));
}

/** A log of these leaf hashes as tiles; with `partials` also those of that earlier size. */
function tilesOf(flat: Uint8Array): { source: TileSource; files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  const levels = [flat];
  for (const { level, index, width } of tilesForSize(flat.length / 32)) {
    if (levels[level] === undefined) {
      const below = levels[level - 1] as Uint8Array;
      const roots = Array.from({ length: Math.floor(below.length / 8192) }, (_, i) =>
        rootOfLeafHashes(below.subarray(i * 8192, (i + 1) * 8192), sha),
      );
      levels[level] = new Uint8Array(Buffer.concat(roots));
    }
    files.set(tilePath(level, index, width), (levels[level] as Uint8Array).slice(index * 8192, index * 8192 + width * 32));
  }
  const source: TileSource = {
    read(path) {
      const bytes = files.get(path);
      return bytes === undefined ? Promise.reject(new Error(`${path} is not there`)) : Promise.resolve(bytes);
    },
  };
  return { source, files };
}

test('the root by levels equals the root by definition, with both hash functions', () => {
  const random = seededRandom(1);
  const flat = randomLeafHashes(600, random);
  for (let size = 0; size <= 600; size += 1 + random(9)) {
    const tree = flat.subarray(0, size * 32);
    const before = Buffer.from(tree);
    const root = rootOfLeafHashes(tree, sha);
    assert.deepEqual(root, rootOfLeafHashes(tree, nobleSha256));
    assert.deepEqual(Buffer.from(root), Buffer.from(rootByDefinition(tree)), `size ${size}`);
    assert.ok(before.equals(tree), 'the leaf hashes are not changed');
  }
  const large = randomLeafHashes(5000, random);
  assert.deepEqual(Buffer.from(rootOfLeafHashes(large, sha)), Buffer.from(rootByDefinition(large)), 'beyond the kept scratch');
});

test('inclusion: every leaf verifies; another leaf, index, size, root or path does not', () => {
  const random = seededRandom(2);
  const flat = randomLeafHashes(700, random);
  for (let round = 0; round < 300; round++) {
    const size = 1 + random(700);
    const index = random(size);
    const tree = flat.subarray(0, size * 32);
    const leaf = tree.subarray(index * 32, index * 32 + 32);
    const proof = { index, size, leafHash: leaf, root: rootOfLeafHashes(tree, sha), path: inclusionPath(tree, index, sha) };
    assert.ok(verifyInclusion(proof, sha).ok);
    const flipped = flipBit(leaf, random);
    const wrong = [
      { ...proof, leafHash: flipped },
      { ...proof, root: flipBit(proof.root, random) },
      { ...proof, index: size },
      { ...proof, index: -1 },
      { ...proof, index: index + 0.5 },
      { ...proof, size: 2 ** 53 },
      { ...proof, path: [...proof.path, flipped] },
      ...proof.path.map((_, at) => ({ ...proof, path: proof.path.filter((_hash, i) => i !== at) })),
      ...proof.path.map((_, at) => ({ ...proof, path: proof.path.map((hash, i) => (i === at ? flipBit(hash, random) : hash)) })),
      // Leaves differ with overwhelming odds, so a proof fits one index only.
      ...(size > 1 ? [{ ...proof, index: (index + 1 + random(size - 1)) % size }] : []),
    ];
    for (const [at, attempt] of wrong.entries()) {
      assert.equal(verifyInclusion(attempt, sha).ok, false, `size ${size} index ${index} attempt ${at}`);
      assert.deepEqual(verifyInclusion(attempt, sha), verifyInclusion(attempt, nobleSha256), 'the same verdict with noble');
    }
  }
});

test('consistency: every pair of sizes verifies; changed roots, sizes and paths do not', () => {
  const random = seededRandom(3);
  const flat = randomLeafHashes(700, random);
  const rootAt = (size: number) => rootOfLeafHashes(flat.subarray(0, size * 32), sha);
  for (let round = 0; round < 300; round++) {
    const newSize = 1 + random(700);
    const oldSize = random(newSize + 1);
    const path = consistencyPath(flat.subarray(0, newSize * 32), oldSize, sha);
    const proof = { oldSize, oldRoot: rootAt(oldSize), newSize, newRoot: rootAt(newSize), path };
    assert.ok(verifyConsistency(proof, sha).ok, `${oldSize} to ${newSize}`);
    const wrong = [
      { ...proof, oldRoot: flipBit(proof.oldRoot, random) },
      { ...proof, path: [...path, proof.newRoot] },
      { ...proof, oldSize: newSize, newSize: oldSize - 1 },
      ...path.map((_, at) => ({ ...proof, path: path.filter((_hash, i) => i !== at) })),
      ...path.map((_, at) => ({ ...proof, path: path.map((hash, i) => (i === at ? flipBit(hash, random) : hash)) })),
      // From the empty tree everything follows: there the new root is anybody's word.
      ...(oldSize > 0 ? [{ ...proof, newRoot: flipBit(proof.newRoot, random) }] : []),
    ];
    for (const [at, attempt] of wrong.entries()) {
      assert.equal(verifyConsistency(attempt, sha).ok, false, `${oldSize} to ${newSize} attempt ${at}`);
      assert.deepEqual(verifyConsistency(attempt, sha), verifyConsistency(attempt, nobleSha256), 'the same verdict with noble');
    }
  }
});

test('tiles give the same roots and proofs as the leaves', async () => {
  const random = seededRandom(4);
  const flat = randomLeafHashes(66_000, random);
  for (const size of [1, 2, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 66_000]) {
    const tree = flat.subarray(0, size * 32);
    const { source } = tilesOf(tree);
    assert.deepEqual(await rootFromTiles(source, size, sha), rootOfLeafHashes(tree, sha), `size ${size}`);
    for (const index of [0, size - 1, random(size), random(size)]) {
      assert.deepEqual(await inclusionFromTiles(source, index, size, sha), inclusionPath(tree, index, sha), `${index} of ${size}`);
    }
    for (const old of [0, 1, size, random(size), random(size)]) {
      assert.deepEqual(await consistencyFromTiles(source, old, size, sha), consistencyPath(tree, old, sha), `${old} to ${size}`);
    }
  }
});

test('partial tiles that were removed are cut from the full ones', async () => {
  const flat = randomLeafHashes(600, seededRandom(5));
  const { source, files } = tilesOf(flat);
  assert.ok(!files.has(tilePath(0, 0, 77)));
  const size = 256 + 77;
  files.set(tilePath(1, 0, 1), (files.get(tilePath(1, 0, 2)) as Uint8Array).subarray(0, 32));
  assert.deepEqual(await rootFromTiles(source, size, sha), rootOfLeafHashes(flat.subarray(0, size * 32), sha));
  files.set(tilePath(0, 1), (files.get(tilePath(0, 1)) as Uint8Array).subarray(32));
  await assert.rejects(rootFromTiles(source, size, sha), /tile\/0\/001: 8160 bytes/);
  files.delete(tilePath(0, 1));
  await assert.rejects(rootFromTiles(source, size, sha), /tile\/0\/001\.p\/77 is not there/);
});

test('sizes beyond 32 bits', () => {
  const [leaf, sibling] = [leafHash(new Uint8Array([1]), sha), leafHash(new Uint8Array([2]), sha)];
  const size = 2 ** 53 - 1;
  const index = 2 ** 40 + 12_345;
  const path = Array.from({ length: 53 }, () => sibling);
  const computed = verifyInclusion({ index, size, leafHash: leaf, root: EMPTY_ROOT, path }, sha);
  assert.equal(computed.ok ? '' : computed.code, 'PROOF_MISMATCH', 'shape fits, root does not');
  let root = leaf;
  for (let level = 0, node = index; level < 53; level++, node = Math.floor(node / 2)) {
    root = node % 2 === 1 ? nodeHash(sibling, root, sha) : nodeHash(root, sibling, sha);
  }
  assert.ok(verifyInclusion({ index, size, leafHash: leaf, root, path }, sha).ok);
  assert.equal(tilePath(0, 2 ** 45 - 1), 'tile/0/x035/x184/x372/x088/831');
});

function flipBit(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const flipped = bytes.slice();
  const at = random(flipped.length);
  flipped[at] = (flipped[at] as number) ^ (1 << random(8));
  return flipped;
}
