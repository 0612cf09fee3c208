/**
 * Verification of a time-stamp token (RFC 3161 §2.2, RFC 5652 §5.6): what was stamped, by whom, and whether he is
 * trusted. Certificates are judged at the time that the stamp says. Revocation is not asked for: it would take a network.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Fault, fail, pass, type Verdict } from '../verdict.ts';
import { type Certificate, faultOfPath, faultOfStampingCertificate, readCertificate } from './certificate.ts';
import { DerError } from './der.ts';
import { digestOf, nobleCertifiedSignature, type VerifyCertifiedSignature } from './signature-scheme.ts';
import { readTimeStampToken, SHA256_OID, TIME_STAMP_INFO, type TimeStampToken, type TokenSigner } from './time-stamp-token.ts';

export interface TimeStampExpectation {
  /** SHA-256 of what must have been stamped. */
  readonly imprint: Uint8Array;
  /** Big-endian, without leading zeros but the sign's; of a request that was just made. */
  readonly nonce?: Uint8Array;
  /** DER of the certificates that are trusted; empty: nobody is, and only the rest is checked. */
  readonly roots: readonly Uint8Array[];
  readonly verifySignature?: VerifyCertifiedSignature;
}

export interface TimeStamp {
  /** Epoch ms. */
  readonly time: number;
  /** Who says so, by the name in his certificate. */
  readonly authority: string;
  /** Under which policy of the authority. */
  readonly policy: string;
  /** Hex. */
  readonly serial: string;
  /** What was not checked; null: everything was. While something is, nobody vouches for time and authority. */
  readonly unchecked: string | null;
}

/** 64 KiB: a token with four certificates has some 6 kB. */
export const TIME_STAMP_MAX_BYTES = 64 * 1024;

/**
 * @returns what the token says; TIMESTAMP_MALFORMED, TIMESTAMP_MISMATCH when something else was stamped,
 *   TIMESTAMP_SIGNATURE_INVALID, TIMESTAMP_UNTRUSTED when it is not by an authority that a root vouches for
 */
export function verifyTimeStamp(bytes: Uint8Array, expected: TimeStampExpectation): Verdict<TimeStamp> {
  if (bytes.length > TIME_STAMP_MAX_BYTES) return fail('TIMESTAMP_MALFORMED', `more than ${TIME_STAMP_MAX_BYTES} bytes`);
  try {
    const token = readTimeStampToken(bytes);
    const mismatch = faultOfImprint(token, expected);
    if (mismatch !== null) return mismatch;
    return verifySigner(token, expected);
  } catch (error) {
    if (error instanceof DerError) return fail('TIMESTAMP_MALFORMED', error.message);
    throw error;
  }
}

function faultOfImprint({ info }: TimeStampToken, { imprint, nonce }: TimeStampExpectation): Fault | null {
  const { algorithm, hash } = info.imprint;
  if (algorithm !== SHA256_OID || !equalBytes(hash, imprint)) {
    return fail('TIMESTAMP_MISMATCH', `it is for ${bytesToHex(hash)}, not for SHA-256 ${bytesToHex(imprint)}`);
  }
  const isAsked = nonce === undefined || (info.nonce !== null && equalBytes(info.nonce, nonce));
  return isAsked ? null : fail('TIMESTAMP_MISMATCH', 'the nonce is not that of the request');
}

function verifySigner(
  token: TimeStampToken,
  { roots, verifySignature = nobleCertifiedSignature }: TimeStampExpectation,
): Verdict<TimeStamp> {
  const { info, content, signer } = token;
  const trusted = roots.map(readCertificate);
  const others = token.certificates.map(readCertificate);
  const certificate = [...others, ...trusted].find((candidate) => isOf(candidate, signer));
  if (certificate === undefined) return fail('TIMESTAMP_SIGNATURE_INVALID', 'the certificate that signed is not there');
  const isSigned =
    signer.contentType === TIME_STAMP_INFO &&
    equalBytes(signer.messageDigest, digestOf(signer.digest, content)) &&
    equalBytes(signer.certificateHash.hash, certificateHashOf(certificate, signer));
  if (!isSigned) return fail('TIMESTAMP_SIGNATURE_INVALID', 'the signed attributes are of another time stamp or certificate');
  const answer = verifySignature(signer.scheme, certificate.spki, signer.signedBytes, signer.signature);
  if (answer === false) return fail('TIMESTAMP_SIGNATURE_INVALID', `not signed by the key of ${certificate.name}`);
  const purpose = faultOfStampingCertificate(certificate);
  if (purpose !== null) return fail('TIMESTAMP_UNTRUSTED', purpose);
  const says = { time: info.time, authority: certificate.name, policy: info.policy, serial: bytesToHex(info.serial) };
  if (answer === null) return pass({ ...says, unchecked: `the signature of ${certificate.name} (${signer.scheme.family})` });
  if (roots.length === 0)
    return pass({ ...says, unchecked: `whether ${certificate.name} is to be trusted: no root certificate was given` });
  const path = faultOfPath(certificate, others, trusted, info.time, verifySignature);
  if (path?.kind === 'untrusted') return fail('TIMESTAMP_UNTRUSTED', path.detail);
  return pass({ ...says, unchecked: path === null ? null : path.detail });
}

function isOf({ issuer, serial, subjectKeyId }: Certificate, signer: TokenSigner): boolean {
  if (signer.keyId !== null) return subjectKeyId !== null && equalBytes(subjectKeyId, signer.keyId);
  return signer.issuer !== null && signer.serial !== null && equalBytes(issuer, signer.issuer) && equalBytes(serial, signer.serial);
}

/** SHA-1 is what ESSCertID is defined with; it only tells which certificate, beside the signature by its key. */
function certificateHashOf({ bytes }: Certificate, { certificateHash: { algorithm } }: TokenSigner): Uint8Array {
  return algorithm === 'sha1' ? sha1(bytes) : digestOf(algorithm, bytes);
}
