/** Ed25519 public keys as people hand them in, as credentials have them, and as node:crypto works with them. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { decodePublicKey, type KeyCredential } from '@airtight/protocol';

const ID_CHARACTERS = 16;
const KEY_TEXT_MAX_LENGTH = 4096;
/** Parsing a key costs as much as a verification; credentials live as long as the device's record. */
const keyObjects = new WeakMap<KeyCredential, KeyObject>();

/**
 * @param text SPKI in PEM, a JWK (RFC 8037), or the 32 bytes in base64url
 * @returns the 32 bytes in base64url; undefined when it is no Ed25519 public key
 */
export function parsePublicKey(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length > KEY_TEXT_MAX_LENGTH) return undefined;
  if (decodePublicKey(trimmed) !== undefined) return trimmed;
  // node:crypto makes a public key of a private one; what must never leave the device is not taken.
  if (trimmed.includes('PRIVATE KEY')) return undefined;
  try {
    const jwk = trimmed.startsWith('{') ? JSON.parse(trimmed) : undefined;
    const key = createPublicKey(jwk === undefined ? trimmed : { key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: 'jwk' });
    if (key.asymmetricKeyType !== 'ed25519') return undefined;
    return key.export({ format: 'jwk' }).x;
  } catch {
    return undefined;
  }
}

/** The credential id of a public key: the first 16 hex digits of SHA-256 over its 32 bytes. */
export function keyIdOf(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64url')).digest('hex').slice(0, ID_CHARACTERS);
}

export function keyObjectOf(credential: KeyCredential): KeyObject {
  let key = keyObjects.get(credential);
  if (key === undefined) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: credential.publicKey }, format: 'jwk' });
    keyObjects.set(credential, key);
  }
  return key;
}
