/** Merkle tree hashes of RFC 6962 §2.1 over SHA-256. */
import { sha256 } from '@noble/hashes/sha2.js';
import { HASH_BYTES, nobleSha256, type Sha256 } from './sha256.ts';

const LEAF_PREFIX = 0x00;
const NODE_PREFIX = 0x01;
const NODE_INPUT_BYTES = 1 + 2 * HASH_BYTES;

/** MTH({}) = SHA-256(""): the root hash of the tree without entries. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** MTH({d}) = SHA-256(0x00 ‖ d). The uint16 length that stands before an entry in a bundle is no part of d. */
export function leafHash(entry: Uint8Array, sha: Sha256 = nobleSha256): Uint8Array {
  const preimage = new Uint8Array(1 + entry.length);
  preimage[0] = LEAF_PREFIX;
  preimage.set(entry, 1);
  const out = new Uint8Array(HASH_BYTES);
  sha.into(out, 0, preimage);
  return out;
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha: Sha256 = nobleSha256): Uint8Array {
  const preimage = new Uint8Array(NODE_INPUT_BYTES);
  preimage[0] = NODE_PREFIX;
  preimage.set(left, 1);
  preimage.set(right, 1 + HASH_BYTES);
  const out = new Uint8Array(HASH_BYTES);
  sha.into(out, 0, preimage);
  return out;
}

/**
 * Where a tree is folded up, level by level, in place. Byte 0 is spare; hash i stands at 1 + 32·i. The node over
 * hashes 2i and 2i+1 needs the byte before them to be 0x01: that byte belongs to pair i−1, which is used up by then.
 * So nothing is copied, and the views on the pairs are made once and kept.
 */
interface Scratch {
  readonly bytes: Uint8Array;
  readonly pairs: readonly Uint8Array[];
}

function makeScratch(leaves: number): Scratch {
  const bytes = new Uint8Array(1 + HASH_BYTES * leaves);
  const pairs: Uint8Array[] = [];
  for (let at = 0; at + NODE_INPUT_BYTES <= bytes.length; at += 2 * HASH_BYTES) pairs.push(bytes.subarray(at, at + NODE_INPUT_BYTES));
  return { bytes, pairs };
}

/** Kept between calls up to this many leaves (a batch has at most 4,096); a larger tree gets its own. */
const KEPT_SCRATCH_LEAVES = 4096;
let kept: Scratch | undefined;

function scratchFor(leaves: number): Scratch {
  if (leaves > KEPT_SCRATCH_LEAVES) return makeScratch(leaves);
  kept ??= makeScratch(KEPT_SCRATCH_LEAVES);
  return kept;
}

/**
 * MTH over leaf hashes (or over the hashes of perfect subtrees of one height, the last of which may be smaller).
 * Pairing level by level, a lone last hash moving up as it is, gives the same tree as RFC 6962's recursion.
 *
 * @param flat n hashes of 32 bytes, concatenated; not changed
 */
export function rootOfLeafHashes(flat: Uint8Array, sha: Sha256 = nobleSha256): Uint8Array {
  if (flat.length % HASH_BYTES !== 0) throw new RangeError(`leaf hashes take ${flat.length} bytes, no multiple of ${HASH_BYTES}`);
  let count = flat.length / HASH_BYTES;
  if (count === 0) return EMPTY_ROOT.slice();
  const { bytes, pairs } = scratchFor(count);
  bytes.set(flat, 1);
  while (count > 1) {
    const whole = Math.floor(count / 2);
    for (let i = 0; i < whole; i++) {
      bytes[2 * HASH_BYTES * i] = NODE_PREFIX;
      sha.into(bytes, 1 + HASH_BYTES * i, pairs[i] as Uint8Array);
    }
    if (count % 2 === 1) {
      const last = 1 + HASH_BYTES * (count - 1);
      bytes.copyWithin(1 + HASH_BYTES * whole, last, last + HASH_BYTES);
    }
    count = Math.ceil(count / 2);
  }
  return bytes.slice(1, 1 + HASH_BYTES);
}
