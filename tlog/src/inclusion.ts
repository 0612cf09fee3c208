/** Inclusion proofs: RFC 6962 §2.1.1, verified by RFC 9162 §2.1.3.2. */

import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { nodeHash, rootOfLeafHashes } from './merkle.ts';
import { inclusionRanges } from './proof-ranges.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import { fail, pass, type Verdict } from './verdict.ts';

export interface InclusionProof {
  /** Leaf index, from 0. */
  readonly index: number;
  /** Number of leaves of the tree. */
  readonly size: number;
  readonly leafHash: Uint8Array;
  /** Sibling hashes, the leaf's own sibling first. */
  readonly path: readonly Uint8Array[];
}

/** PATH(index, D[n]) over n leaf hashes of 32 bytes, concatenated. */
export function inclusionPath(flat: Uint8Array, index: number, sha: Sha256 = nobleSha256): Uint8Array[] {
  return inclusionRanges(index, flat.length / HASH_BYTES).map(({ from, to }) =>
    rootOfLeafHashes(flat.subarray(from * HASH_BYTES, to * HASH_BYTES), sha),
  );
}

/**
 * The root hash that leaf hash and path lead to.
 * @returns PROOF_MALFORMED when the index lies outside the tree or the path has not the length that index and size ask for
 */
export function rootFromInclusion(proof: InclusionProof, sha: Sha256 = nobleSha256): Verdict<Uint8Array> {
  const { index, size, path } = proof;
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    return fail('PROOF_MALFORMED', `index ${index} is not in a tree of size ${size}`);
  }
  const expected = inclusionRanges(index, size).length;
  if (path.length !== expected) {
    return fail('PROOF_MALFORMED', `the path has ${path.length} hashes; index ${index} in a tree of size ${size} takes ${expected}`);
  }
  if (proof.leafHash.length !== HASH_BYTES || path.some((hash) => hash.length !== HASH_BYTES)) {
    return fail('PROOF_MALFORMED', `a hash is not ${HASH_BYTES} bytes long`);
  }
  let node = index;
  let last = size - 1;
  let hash = proof.leafHash;
  for (const sibling of path) {
    // A lone last node has no sibling on its level: it moves up until it is a right child.
    while (node === last && node % 2 === 0) {
      node = Math.floor(node / 2);
      last = Math.floor(last / 2);
    }
    hash = node % 2 === 1 ? nodeHash(sibling, hash, sha) : nodeHash(hash, sibling, sha);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return pass(hash);
}

/**
 * Checks that the leaf is in the tree with this root hash.
 * @returns PROOF_MALFORMED as above; PROOF_MISMATCH when the path leads to another root hash
 */
export function verifyInclusion(proof: InclusionProof & { readonly root: Uint8Array }, sha: Sha256 = nobleSha256): Verdict<Uint8Array> {
  const computed = rootFromInclusion(proof, sha);
  if (!computed.ok || equalBytes(computed.value, proof.root)) return computed;
  return fail('PROOF_MISMATCH', `the path leads to root ${bytesToHex(computed.value)}, not to ${bytesToHex(proof.root)}`);
}
