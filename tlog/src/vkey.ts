/** Keys of signed notes, c2sp.org/signed-note: verifier keys, and the private form that Go's note package writes. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { fail, pass, type Verdict } from './verdict.ts';

/** Signature type identifier bytes that are known here. */
export const ED25519 = 0x01;
export const ED25519_COSIGNATURE = 0x04;
export const ML_DSA_44_COSIGNATURE = 0x06;

const PUBLIC_KEY_BYTES: { readonly [type: number]: number } = { [ED25519]: 32, [ED25519_COSIGNATURE]: 32, [ML_DSA_44_COSIGNATURE]: 1312 };
const SEED_BYTES = 32;
const KEY_ID_HEX = /^[0-9a-f]{8}$/;
const PRIVATE_PREFIX = 'PRIVATE+KEY+';

export interface Vkey {
  /** Key name; for a log, its origin. */
  readonly name: string;
  /** uint32. */
  readonly keyId: number;
  /** Signature type identifier. */
  readonly type: number;
  readonly publicKey: Uint8Array;
}

/** A key that signs: an Ed25519 seed with its name. Never leaves the process that signs. */
export interface SigningKey {
  readonly name: string;
  readonly type: number;
  readonly seed: Uint8Array;
}

/** Key names are not empty and hold no Unicode space and no plus; control characters cannot stand in a note. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4] as uint32. */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  const digest = sha256(concatBytes(new TextEncoder().encode(`${name}\n`), Uint8Array.of(type), publicKey));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

export function makeVkey(name: string, type: number, publicKey: Uint8Array): Vkey {
  return { name, type, publicKey, keyId: keyIdOf(name, type, publicKey) };
}

/**
 * Parses `name+keyid+base64(type ‖ key)`. The key may hold plus signs: only the first two separate.
 * @returns VKEY_INVALID when it has not this form, or its key ID is not that of name, type and key
 */
export function parseVkey(text: string): Verdict<Vkey> {
  const [name = '', idHex = ''] = text.split('+', 2);
  const key = decodeBase64(text.slice(name.length + idHex.length + 2));
  if (!isKeyName(name) || !KEY_ID_HEX.test(idHex) || key === null) return fail('VKEY_INVALID', `not name+id+key: ${text.slice(0, 120)}`);
  const [type = 0] = key;
  const publicKey = key.subarray(1);
  const length = PUBLIC_KEY_BYTES[type];
  if (length === undefined) return fail('VKEY_INVALID', `${name}: signature type ${type} is not known here`);
  if (publicKey.length !== length) return fail('VKEY_INVALID', `${name}: a key of ${publicKey.length} bytes, not ${length}`);
  const vkey = makeVkey(name, type, publicKey);
  if (formatKeyId(vkey.keyId) !== idHex)
    return fail('VKEY_INVALID', `${name}: key ID ${idHex} is not that of the key, ${formatKeyId(vkey.keyId)}`);
  return pass(vkey);
}

export function formatVkey(vkey: Vkey): string {
  return `${vkey.name}+${formatKeyId(vkey.keyId)}+${encodeBase64(concatBytes(Uint8Array.of(vkey.type), vkey.publicKey))}`;
}

/** A key ID as 8 lower-case hex digits. */
export function formatKeyId(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

/** The verifier key that belongs to an Ed25519 signing key. */
export function vkeyOf(key: SigningKey): Vkey {
  return makeVkey(key.name, key.type, ed25519.getPublicKey(key.seed));
}

/**
 * Parses `PRIVATE+KEY+name+keyid+base64(type ‖ seed)`.
 * @returns VKEY_INVALID, never with the text itself in the detail
 */
export function parseSigningKey(text: string): Verdict<SigningKey> {
  const [name = '', idHex = ''] = text.startsWith(PRIVATE_PREFIX) ? text.slice(PRIVATE_PREFIX.length).split('+', 2) : [];
  const bytes = decodeBase64(text.slice(PRIVATE_PREFIX.length + name.length + idHex.length + 2));
  const type = bytes?.[0];
  if (!isKeyName(name) || bytes?.length !== 1 + SEED_BYTES || (type !== ED25519 && type !== ED25519_COSIGNATURE)) {
    return fail('VKEY_INVALID', 'not an Ed25519 key of the form PRIVATE+KEY+name+id+key');
  }
  const key = { name, type, seed: bytes.subarray(1) };
  if (formatKeyId(vkeyOf(key).keyId) !== idHex) return fail('VKEY_INVALID', `${name}: the key ID is not that of the key`);
  return pass(key);
}

export function formatSigningKey(key: SigningKey): string {
  return `${PRIVATE_PREFIX}${key.name}+${formatKeyId(vkeyOf(key).keyId)}+${encodeBase64(concatBytes(Uint8Array.of(key.type), key.seed))}`;
}
