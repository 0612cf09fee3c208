/** Signature verification by OpenSSL: ten times faster than in JavaScript. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SignatureAlgorithms, VerifySignature } from '@airtight/tlog';

/** SubjectPublicKeyInfo of these keys (RFC 8410, RFC 9881) is a fixed prefix and the key. */
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ML_DSA_44_SPKI_PREFIX = Buffer.from('30820532300b06096086480165030403110382052100', 'hex');
/** KeyObjects kept: the logs and witnesses of one service are few, and making one costs more than verifying. */
const KEPT_KEYS = 256;

const kept = new Map<string, KeyObject>();

export const nodeAlgorithms: SignatureAlgorithms = {
  ed25519: verifier(ED25519_SPKI_PREFIX),
  mlDsa44: verifier(ML_DSA_44_SPKI_PREFIX),
};

function verifier(prefix: Buffer): VerifySignature {
  return (publicKey, message, signature) => verify(null, message, publicKeyObject(prefix, publicKey), signature);
}

function publicKeyObject(prefix: Buffer, publicKey: Uint8Array): KeyObject {
  const der = Buffer.concat([prefix, publicKey]);
  const name = der.toString('latin1');
  const known = kept.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (kept.size < KEPT_KEYS) kept.set(name, key);
  return key;
}
