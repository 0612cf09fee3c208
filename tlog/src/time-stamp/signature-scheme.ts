/** Signatures of certificates and time stamps: which scheme, and who can check it. */
import { p256, p384 } from '@noble/curves/nist.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { DER, DerError, DerReader, type DerValue, octetsOfBitString, oidOf, wholeDer } from './der.ts';

export type DigestName = 'sha256' | 'sha384' | 'sha512';

/** RSASSA-PKCS1-v1_5 (RFC 8017 §8.2) or ECDSA with a DER signature (RFC 3279 §2.2.3). */
export interface SignatureScheme {
  readonly family: 'rsa' | 'ecdsa';
  readonly digest: DigestName;
}

/**
 * True or false: whether `signature` is that of `message` under the key; null when this verifier cannot tell, because
 * it does not know keys of this kind.
 * @param spki SubjectPublicKeyInfo, DER
 */
export type VerifyCertifiedSignature = (
  scheme: SignatureScheme,
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | null;

const DIGESTS: { readonly [oid: string]: DigestName } = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const SCHEMES: { readonly [oid: string]: SignatureScheme } = {
  '1.2.840.113549.1.1.11': { family: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { family: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { family: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { family: 'ecdsa', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { family: 'ecdsa', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { family: 'ecdsa', digest: 'sha512' },
};
/** In a SignerInfo the key's own identifier may stand alone; the digest is the one named beside (RFC 3370 §3.2). */
const RSA_KEY = '1.2.840.113549.1.1.1';
const EC_KEY = '1.2.840.10045.2.1';
const CURVES: { readonly [oid: string]: typeof p256 } = { '1.2.840.10045.3.1.7': p256, '1.3.132.0.34': p384 };
const HASHES = { sha256, sha384, sha512 } as const;

export function digestOf(name: DigestName, bytes: Uint8Array): Uint8Array {
  return HASHES[name](bytes);
}

/** The identifier in an AlgorithmIdentifier, and whether its parameters are absent or NULL. */
export function algorithmOf({ content }: DerValue): string {
  const reader = new DerReader(content);
  const oid = oidOf(reader.next());
  if (!reader.isAtEnd && reader.next(0x05).content.length > 0) throw new DerError('parameters of an algorithm that has none');
  reader.end();
  return oid;
}

/** @throws DerError for an algorithm that is not taken: SHA-1 among them */
export function digestNameOf(algorithm: DerValue): DigestName {
  const oid = algorithmOf(algorithm);
  const name = DIGESTS[oid];
  if (name === undefined) throw new DerError(`the digest algorithm ${oid} is not taken`);
  return name;
}

/** @param digest named beside, in a SignerInfo @throws DerError for an algorithm that is not taken */
export function schemeOf(algorithm: DerValue, digest?: DigestName): SignatureScheme {
  const oid = algorithmOf(algorithm);
  const scheme = oid === RSA_KEY && digest !== undefined ? { family: 'rsa' as const, digest } : SCHEMES[oid];
  if (scheme === undefined) throw new DerError(`the signature algorithm ${oid} is not taken`);
  return scheme;
}

/** What runs everywhere: ECDSA on P-256 and P-384. RSA is not checked here, for noble has none. */
export const nobleCertifiedSignature: VerifyCertifiedSignature = ({ family, digest }, spki, message, signature) => {
  if (family !== 'ecdsa') return null;
  try {
    const info = wholeDer(spki, DER.sequence);
    const algorithm = info.enter(DER.sequence);
    if (oidOf(algorithm.next()) !== EC_KEY) return false;
    const curve = CURVES[oidOf(algorithm.next())];
    if (curve === undefined) return null;
    const point = octetsOfBitString(info.next());
    return curve.verify(signature, digestOf(digest, message), point, { prehash: false, lowS: false, format: 'der' });
  } catch {
    return false;
  }
};
