/** Signatures of certificates and time stamps by OpenSSL: RSA, and ECDSA on any curve. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { VerifyCertifiedSignature } from '@airtight/tlog';

export const nodeCertifiedSignature: VerifyCertifiedSignature = ({ family, digest }, spki, message, signature) => {
  const key = publicKey(spki);
  const isOfFamily = key?.asymmetricKeyType === (family === 'rsa' ? 'rsa' : 'ec');
  return key !== null && isOfFamily && verify(digest, message, key, signature);
};

function publicKey(spki: Uint8Array): KeyObject | null {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}
