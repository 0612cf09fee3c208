/**
 * One inclusion proof for many leaves of a tree of RFC 6962: the roots of the largest subtrees that hold none of them,
 * from left to right. A node that two paths of RFC 6962 §2.1.1 share stands in it once, and a node that the leaves
 * themselves give does not stand in it at all.
 */
import { nodeHash, rootOfLeafHashes } from './merkle.ts';
import { type LeafRange, splitPoint } from './proof-ranges.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import { subtreeRoots, type TileSource } from './tile-source.ts';
import { fail, pass, type Verdict } from './verdict.ts';

export interface ProvenLeaf {
  /** Leaf index, from 0. */
  readonly index: number;
  readonly leafHash: Uint8Array;
}

export interface MultiProof {
  /** Number of leaves of the tree. */
  readonly size: number;
  /** At least one, in strictly ascending order of index. */
  readonly leaves: readonly ProvenLeaf[];
  /** Roots of the ranges that multiProofRanges names, in its order. */
  readonly hashes: readonly Uint8Array[];
}

/**
 * The ranges whose roots prove these leaves, from left to right.
 * @param indexes at least one, strictly ascending, below `size`; RangeError otherwise
 */
export function multiProofRanges(indexes: readonly number[], size: number): LeafRange[] {
  if (!areLeavesOf(indexes, size)) throw new RangeError(`not ascending leaves of a tree of size ${size}`);
  const ranges: LeafRange[] = [];
  foldTree(
    indexes,
    size,
    () => null,
    (range) => {
      ranges.push(range);
      return null;
    },
    () => null,
  );
  return ranges;
}

/** The hashes of a proof over leaf hashes of 32 bytes, concatenated. */
export function multiProof(flat: Uint8Array, indexes: readonly number[], sha: Sha256 = nobleSha256): Uint8Array[] {
  return multiProofRanges(indexes, flat.length / HASH_BYTES).map(({ from, to }) =>
    rootOfLeafHashes(flat.subarray(from * HASH_BYTES, to * HASH_BYTES), sha),
  );
}

/** The hashes of a proof from the tiles of a log. Rejects with RangeError as multiProofRanges, and when tiles are missing. */
export async function multiProofFromTiles(
  source: TileSource,
  indexes: readonly number[],
  size: number,
  sha: Sha256 = nobleSha256,
): Promise<Uint8Array[]> {
  return subtreeRoots(source, multiProofRanges(indexes, size), size, sha);
}

/**
 * The root hash that leaves and hashes lead to.
 * @returns PROOF_MALFORMED when the leaves are not ascending leaves of the tree, or there are more or fewer hashes than they take
 */
export function rootFromMultiProof({ size, leaves, hashes }: MultiProof, sha: Sha256 = nobleSha256): Verdict<Uint8Array> {
  const indexes = leaves.map(({ index }) => index);
  if (!areLeavesOf(indexes, size)) return fail('PROOF_MALFORMED', `the leaves are not ascending leaves of a tree of size ${size}`);
  if (leaves.some(({ leafHash }) => leafHash.length !== HASH_BYTES) || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    return fail('PROOF_MALFORMED', `a hash is not ${HASH_BYTES} bytes long`);
  }
  const expected = multiProofRanges(indexes, size).length;
  if (hashes.length !== expected) {
    return fail(
      'PROOF_MALFORMED',
      `the proof has ${hashes.length} hashes; ${leaves.length} leaves of a tree of size ${size} take ${expected}`,
    );
  }
  let used = 0;
  const root = foldTree(
    indexes,
    size,
    (at) => (leaves[at] as ProvenLeaf).leafHash,
    () => hashes[used++] as Uint8Array,
    (left, right) => nodeHash(left, right, sha),
  );
  return pass(root);
}

/**
 * The hashes that prove some of the leaves alone.
 * @param proof well-formed
 * @param indexes of some of its leaves, ascending
 */
export function narrowMultiProof(
  { size, leaves, hashes }: MultiProof,
  indexes: readonly number[],
  sha: Sha256 = nobleSha256,
): Uint8Array[] {
  interface Node extends LeafRange {
    readonly hash: Uint8Array;
  }
  // Every subtree that a narrower proof may ask for holds a leaf that is known, or was given.
  const known = new Map<string, Uint8Array>();
  const noted = (node: Node): Node => {
    known.set(`${node.from} ${node.to}`, node.hash);
    return node;
  };
  let used = 0;
  foldTree<Node>(
    leaves.map(({ index }) => index),
    size,
    (at) => {
      const { index, leafHash } = leaves[at] as ProvenLeaf;
      return noted({ from: index, to: index + 1, hash: leafHash });
    },
    (range) => noted({ ...range, hash: hashes[used++] as Uint8Array }),
    (left, right) => noted({ from: left.from, to: right.to, hash: nodeHash(left.hash, right.hash, sha) }),
  );
  return multiProofRanges(indexes, size).map(({ from, to }) => {
    const hash = known.get(`${from} ${to}`);
    if (hash === undefined) throw new RangeError(`leaves ${from} to ${to} are not in the proof`);
    return hash;
  });
}

function areLeavesOf(indexes: readonly number[], size: number): boolean {
  if (indexes.length === 0 || !Number.isSafeInteger(size)) return false;
  let previous = -1;
  for (const index of indexes) {
    if (!Number.isSafeInteger(index) || index <= previous) return false;
    previous = index;
  }
  return previous < size;
}

/**
 * Folds the tree from left to right, going down only to where leaves are: at most 53 levels for each.
 * @param leaf what stands for the leaf at this place among the indexes
 * @param other what stands for a subtree without any of them
 */
function foldTree<T>(
  indexes: readonly number[],
  size: number,
  leaf: (at: number) => T,
  other: (range: LeafRange) => T,
  node: (left: T, right: T) => T,
): T {
  let next = 0;
  const fold = (from: number, to: number): T => {
    const index = indexes[next];
    if (index === undefined || index >= to) return other({ from, to });
    if (to - from === 1) return leaf(next++);
    const middle = from + splitPoint(to - from);
    const left = fold(from, middle);
    return node(left, fold(middle, to));
  };
  return fold(0, size);
}
