/** W3C Data Integrity EdDSA Cryptosuites 1.0, `eddsa-jcs-2022`: what is signed, and how keys and signatures are written. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalJson } from './rfc8785.ts';

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
/** Keys and signatures have 34 and 64 bytes. */
const MULTIBASE_MAX_LENGTH = 100;
/** Multicodec ed25519-pub, as it stands before the key. */
const ED25519_PUB = [0xed, 0x01] as const;

/**
 * Section 3.3.4, hashing: SHA-256 of the canonical proof configuration, then that of the canonical document.
 * @param proofConfig the proof without proofValue, with the `@context` of the document
 * @returns 64 bytes, which Ed25519 signs
 */
export function eddsaJcsHashData(
  document: Parameters<typeof canonicalJson>[0],
  proofConfig: Parameters<typeof canonicalJson>[0],
): Uint8Array {
  return concatBytes(sha256(utf8ToBytes(canonicalJson(proofConfig))), sha256(utf8ToBytes(canonicalJson(document))));
}

/** Bytes of a multibase text in base58-btc (`z…`): a proofValue or a key. @returns null for what is none */
export function fromBase58Multibase(text: string): Uint8Array | null {
  if (!text.startsWith('z') || text.length > MULTIBASE_MAX_LENGTH) return null;
  let value = 0n;
  let zeros = 0;
  for (const character of text.slice(1)) {
    const digit = BASE58.indexOf(character);
    if (digit < 0) return null;
    if (value === 0n && digit === 0) zeros++;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  for (; value > 0n; value >>= 8n) bytes.unshift(Number(value & 0xffn));
  return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes]);
}

/** The 32 bytes of an Ed25519 public key as Multikey and did:key write it. @returns null for what is none */
export function ed25519KeyOf(publicKeyMultibase: string): Uint8Array | null {
  const bytes = fromBase58Multibase(publicKeyMultibase);
  const isKey = bytes?.length === ED25519_PUB.length + 32 && ED25519_PUB.every((byte, i) => bytes[i] === byte);
  return isKey ? bytes.subarray(ED25519_PUB.length) : null;
}
