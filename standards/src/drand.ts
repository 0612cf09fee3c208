/**
 * drand beacons: public randomness in rounds. A round's randomness is the SHA-256 of its signature; the signature is one of BLS12-381 over
 * the message of the round. Without a BLS library only the first of the two can be checked: that binds the randomness to the signature, but
 * not the signature to the round.
 */
import { sha256 } from '@noble/hashes/sha2.js';

/** @param signature bytes of the round's signature @returns 32 bytes */
export function drandRandomness(signature: Uint8Array): Uint8Array {
  return sha256(signature);
}

/**
 * What is signed in the unchained schemes: SHA-256 over the round as 64 bits, high byte first.
 * @throws RangeError for what is no round
 */
export function drandUnchainedMessage(round: number): Uint8Array {
  if (!Number.isSafeInteger(round) || round < 1) throw new RangeError(`no round: ${round}`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(round));
  return sha256(bytes);
}
