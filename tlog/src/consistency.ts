/** Consistency proofs: RFC 6962 §2.1.2, verified by RFC 9162 §2.1.4.2. */

import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { EMPTY_ROOT, nodeHash, rootOfLeafHashes } from './merkle.ts';
import { consistencyRanges, isPowerOfTwo } from './proof-ranges.ts';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';
import { type Fault, fail, pass, type Verdict } from './verdict.ts';

export interface ConsistencyProof {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** PROOF(oldSize, D[n]) over n leaf hashes of 32 bytes, concatenated. */
export function consistencyPath(flat: Uint8Array, oldSize: number, sha: Sha256 = nobleSha256): Uint8Array[] {
  return consistencyRanges(oldSize, flat.length / HASH_BYTES).map(({ from, to }) =>
    rootOfLeafHashes(flat.subarray(from * HASH_BYTES, to * HASH_BYTES), sha),
  );
}

/**
 * Checks that the new tree begins with the old one.
 * @returns the new root hash; PROOF_MALFORMED for impossible sizes or a wrong number of hashes; PROOF_MISMATCH when
 *   the path does not lead to both root hashes
 */
export function verifyConsistency(proof: ConsistencyProof, sha: Sha256 = nobleSha256): Verdict<Uint8Array> {
  const malformed = faultOfShape(proof);
  if (malformed !== undefined) return malformed;
  const { oldSize, oldRoot, newSize, newRoot, path } = proof;
  if (oldSize === newSize || oldSize === 0) {
    const [known, name] = oldSize === newSize ? [newRoot, 'new'] : [EMPTY_ROOT, 'empty'];
    if (equalBytes(oldRoot, known)) return pass(newRoot);
    return fail('PROOF_MISMATCH', `old root ${bytesToHex(oldRoot)} is not the ${name} root ${bytesToHex(known)}`);
  }
  const roots = rootsFromPath(oldSize, newSize, isPowerOfTwo(oldSize) ? [oldRoot, ...path] : path, sha);
  if (!equalBytes(roots.old, oldRoot)) {
    return fail('PROOF_MISMATCH', `the path leads to old root ${bytesToHex(roots.old)}, not to ${bytesToHex(oldRoot)}`);
  }
  if (!equalBytes(roots.new, newRoot)) {
    return fail('PROOF_MISMATCH', `the path leads to new root ${bytesToHex(roots.new)}, not to ${bytesToHex(newRoot)}`);
  }
  return pass(newRoot);
}

/**
 * The root of the old tree by a proof that was made for another old root than the verifier knows: what the path leads
 * to, when it leads to `newRoot` as well. Null when it does not, or cannot tell: where the old size is a power of two, the
 * old root is no part of the path.
 */
export function oldRootOfPath(proof: Omit<ConsistencyProof, 'oldRoot'>, sha: Sha256 = nobleSha256): Uint8Array | null {
  const { oldSize, newSize, newRoot, path } = proof;
  if (faultOfShape({ ...proof, oldRoot: newRoot }) !== undefined || oldSize === newSize || oldSize === 0 || isPowerOfTwo(oldSize)) {
    return null;
  }
  const roots = rootsFromPath(oldSize, newSize, path, sha);
  return equalBytes(roots.new, newRoot) ? roots.old : null;
}

function faultOfShape({ oldSize, newSize, oldRoot, newRoot, path }: ConsistencyProof): Fault | undefined {
  if (!Number.isSafeInteger(newSize) || !Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > newSize) {
    return fail('PROOF_MALFORMED', `no tree grows from size ${oldSize} to size ${newSize}`);
  }
  const expected = consistencyRanges(oldSize, newSize).length;
  if (path.length !== expected) {
    return fail('PROOF_MALFORMED', `the path has ${path.length} hashes; sizes ${oldSize} to ${newSize} take ${expected}`);
  }
  if ([oldRoot, newRoot, ...path].some((hash) => hash.length !== HASH_BYTES)) {
    return fail('PROOF_MALFORMED', `a hash is not ${HASH_BYTES} bytes long`);
  }
  return undefined;
}

/** The two folds of RFC 9162 §2.1.4.2, steps 3 to 5. The length of the path is checked already. */
function rootsFromPath(oldSize: number, newSize: number, path: readonly Uint8Array[], sha: Sha256): { old: Uint8Array; new: Uint8Array } {
  let node = oldSize - 1;
  let last = newSize - 1;
  const up = () => {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  };
  while (node % 2 === 1) up();
  const [seed, ...rest] = path as [Uint8Array, ...Uint8Array[]];
  let oldHash = seed;
  let newHash = seed;
  for (const hash of rest) {
    if (node % 2 === 1 || node === last) {
      oldHash = nodeHash(hash, oldHash, sha);
      newHash = nodeHash(hash, newHash, sha);
      while (node % 2 === 0 && node !== 0) up();
    } else {
      newHash = nodeHash(newHash, hash, sha);
    }
    up();
  }
  return { old: oldHash, new: newHash };
}
