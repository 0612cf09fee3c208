/**
 * The RFC 6962 root of a list that grows: the roots of its perfect subtrees, largest first ("compact range"). One node
 * hash per leaf on average, spread over the appends, so that sealing a full batch costs a dozen hashes and not 4,095.
 */
import { hash } from 'node:crypto';
import { type Sha256, sha256FromLatin1 } from '@airtight/tlog';

/** The fastest SHA-256 for small inputs in Node: a latin1 string is cheaper to make than a Buffer. */
export const nodeSha256: Sha256 = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

const HASH_BYTES = 32;
const NODE_PREFIX = 0x01;
/** A subtree of 2^31 leaves: far beyond any batch. */
const LEVELS_MAX = 32;

export class RunningRoot {
  readonly #stack = new Uint8Array(LEVELS_MAX * HASH_BYTES);
  readonly #node = new Uint8Array(1 + 2 * HASH_BYTES);
  #depth = 0;
  #count = 0;

  constructor() {
    this.#node[0] = NODE_PREFIX;
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a leaf by its preimage, 0x00 ‖ entry. */
  add(preimage: Uint8Array): void {
    nodeSha256.into(this.#stack, this.#depth * HASH_BYTES, preimage);
    this.#depth++;
    this.#count++;
    // A perfect subtree is complete for every trailing zero bit of the count.
    for (let rest = this.#count; rest % 2 === 0; rest /= 2) this.#merge();
  }

  /** Lower-case hex root; the list must not be empty. Ends the list: afterwards only `reset` is allowed. */
  finish(): string {
    // RFC 6962 §2.1: the right subtree is the incomplete one, so what is left is joined from the right.
    while (this.#depth > 1) this.#merge();
    return Buffer.from(this.#stack.subarray(0, HASH_BYTES)).toString('hex');
  }

  reset(): void {
    this.#depth = 0;
    this.#count = 0;
  }

  #merge(): void {
    const left = (this.#depth - 2) * HASH_BYTES;
    this.#node.set(this.#stack.subarray(left, left + 2 * HASH_BYTES), 1);
    nodeSha256.into(this.#stack, left, this.#node);
    this.#depth--;
  }
}
