/** X.509 certificates (RFC 5280), as far as the path from a time stamp to a pinned root needs them. */
import { equalBytes } from '@noble/curves/utils.js';
import { booleanOf, DER, DerError, DerReader, type DerValue, octetsOfBitString, oidOf, ordinalOf, timeOf, wholeDer } from './der.ts';
import { type SignatureScheme, schemeOf, type VerifyCertifiedSignature } from './signature-scheme.ts';

export interface Certificate {
  readonly bytes: Uint8Array;
  /** What is signed. */
  readonly tbs: Uint8Array;
  /** By which it is signed; null: by one that is not taken. */
  readonly scheme: SignatureScheme | null;
  readonly signature: Uint8Array;
  readonly serial: Uint8Array;
  /** Names as they are encoded. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Common name of the subject, else its organization, for people. */
  readonly name: string;
  /** Epoch ms, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  readonly isAuthority: boolean;
  /** How many authorities may stand between this one and the last certificate. */
  readonly pathLength: number;
  /** The first octet of the key usage; null when the extension is absent: any use. */
  readonly keyUsage: number | null;
  /** Purposes, when they are named; critical or not. */
  readonly purposes: { readonly oids: readonly string[]; readonly isCritical: boolean } | null;
  readonly subjectKeyId: Uint8Array | null;
  /** A critical extension that is not known here: nothing may be concluded from the certificate (RFC 5280 §4.2). */
  readonly unknownExtension: string | null;
}

/** Why a certificate is not trusted; `unknown` when this verifier cannot check a signature on the way. */
export type PathFault = { readonly kind: 'untrusted' | 'unknown'; readonly detail: string };

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const EXTENSION = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  policies: '2.5.29.32',
  purposes: '2.5.29.37',
};
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
/** RFC 5280 §4.2.1.3: bits are counted from the most significant one. */
const DIGITAL_SIGNATURE = 0x80;
const NON_REPUDIATION = 0x40;
const KEY_CERT_SIGN = 0x04;
/** Certificates between the one that signs and a root; more than two are not seen. */
const INTERMEDIATES_MAX = 6;
const NAME_MAX_LENGTH = 120;

/** @throws DerError */
export function readCertificate(bytes: Uint8Array): Certificate {
  const outer = wholeDer(bytes, DER.sequence);
  const tbs = outer.next(DER.sequence);
  const scheme = takenScheme(outer.next(DER.sequence));
  const signature = octetsOfBitString(outer.next());
  outer.end();
  const reader = new DerReader(tbs.content);
  const version = reader.optional(DER.constructed(0));
  if (version === undefined || ordinalOf(new DerReader(version.content).next()) !== 2) throw new DerError('no certificate of version 3');
  const serial = reader.next(DER.integer).content;
  reader.next(DER.sequence);
  const issuer = reader.next(DER.sequence).bytes;
  const validity = reader.enter(DER.sequence);
  const [notBefore, notAfter] = [timeOf(validity.next()), timeOf(validity.next())];
  const subject = reader.next(DER.sequence);
  const spki = reader.next(DER.sequence).bytes;
  reader.optional(DER.context(1));
  reader.optional(DER.context(2));
  const extensions = readExtensions(reader.optional(DER.constructed(3)));
  reader.end();
  const names = { issuer, subject: subject.bytes, name: nameOf(subject) };
  return { bytes, tbs: tbs.bytes, scheme, signature, serial, ...names, notBefore, notAfter, spki, ...extensions };
}

/** A pinned root is trusted for itself: how it was signed, by SHA-1 often, does not matter. */
function takenScheme(algorithm: DerValue): SignatureScheme | null {
  try {
    return schemeOf(algorithm);
  } catch (error) {
    if (error instanceof DerError) return null;
    throw error;
  }
}

type Extensions = Pick<Certificate, 'isAuthority' | 'pathLength' | 'keyUsage' | 'purposes' | 'subjectKeyId' | 'unknownExtension'>;

/** @throws DerError */
function readExtensions(explicit: DerValue | undefined): Extensions {
  const found: { -readonly [K in keyof Extensions]: Extensions[K] } = {
    isAuthority: false,
    pathLength: Number.POSITIVE_INFINITY,
    keyUsage: null,
    purposes: null,
    subjectKeyId: null,
    unknownExtension: null,
  };
  if (explicit === undefined) return found;
  const seen = new Set<string>();
  for (const { content } of wholeDer(explicit.content, DER.sequence).rest(DER.sequence)) {
    const reader = new DerReader(content);
    const oid = oidOf(reader.next());
    const critical = reader.optional(DER.boolean);
    const isCritical = critical !== undefined && booleanOf(critical);
    const value = reader.next(DER.octetString).content;
    reader.end();
    if (seen.has(oid)) throw new DerError(`the extension ${oid} twice`);
    seen.add(oid);
    if (oid === EXTENSION.basicConstraints) Object.assign(found, basicConstraintsOf(value));
    else if (oid === EXTENSION.keyUsage) found.keyUsage = new DerReader(value).next(DER.bitString).content[1] ?? 0;
    else if (oid === EXTENSION.purposes) found.purposes = { oids: wholeDer(value, DER.sequence).rest().map(oidOf), isCritical };
    else if (oid === EXTENSION.subjectKeyId) found.subjectKeyId = new DerReader(value).next(DER.octetString).content;
    else if (isCritical && oid !== EXTENSION.policies) found.unknownExtension = oid;
  }
  return found;
}

function basicConstraintsOf(value: Uint8Array): Pick<Extensions, 'isAuthority' | 'pathLength'> {
  const reader = wholeDer(value, DER.sequence);
  const authority = reader.optional(DER.boolean);
  const length = reader.optional(DER.integer);
  reader.end();
  return {
    isAuthority: authority !== undefined && booleanOf(authority),
    pathLength: length === undefined ? Number.POSITIVE_INFINITY : ordinalOf(length),
  };
}

/** For people alone: nothing is decided by it. */
function nameOf(subject: DerValue): string {
  const texts = new Map<string, string>();
  for (const { content } of new DerReader(subject.content).rest(DER.set)) {
    for (const attribute of new DerReader(content).rest(DER.sequence)) {
      const reader = new DerReader(attribute.content);
      const oid = oidOf(reader.next());
      texts.set(oid, new TextDecoder().decode(reader.next().content));
    }
  }
  const text = texts.get(COMMON_NAME) ?? texts.get(ORGANIZATION) ?? '';
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').slice(0, NAME_MAX_LENGTH);
}

/**
 * RFC 3161 §2.3: the certificate names time stamping as its only purpose, and critically; as OpenSSL, its key may be
 * used for nothing but signatures.
 * @returns what is wrong, or null
 */
export function faultOfStampingCertificate({ purposes, keyUsage }: Certificate): string | null {
  if (purposes?.oids.length !== 1 || purposes.oids[0] !== TIME_STAMPING) return 'the certificate is not for time stamping alone';
  if (!purposes.isCritical) return 'the purpose of the certificate is not critical';
  if (keyUsage === null) return null;
  const signs = DIGITAL_SIGNATURE | NON_REPUDIATION;
  return (keyUsage & signs) === 0 || (keyUsage & ~signs & 0xff) !== 0 ? 'the key of the certificate is not for signatures alone' : null;
}

/**
 * Is there a path (RFC 5280 §6.1) from a certificate to one of the roots, with every certificate on it valid at `timeMs`?
 * @param others certificates that came along; they are worth nothing in themselves
 * @param roots the certificates that are trusted
 * @returns why there is none; null when there is one
 */
export function faultOfPath(
  certificate: Certificate,
  others: readonly Certificate[],
  roots: readonly Certificate[],
  timeMs: number,
  verify: VerifyCertifiedSignature,
): PathFault | null {
  let current = certificate;
  for (let between = 0; between <= INTERMEDIATES_MAX; between++) {
    const { name, scheme } = current;
    const unfit = faultAt(current, timeMs);
    if (unfit !== null) return { kind: 'untrusted', detail: unfit };
    if (roots.some(({ bytes }) => equalBytes(bytes, current.bytes))) return null;
    if (scheme === null) return { kind: 'untrusted', detail: `the certificate of ${name} is signed in a way that is not taken` };
    const isIssuer = (candidate: Certificate) => candidate !== current && equalBytes(candidate.subject, current.issuer);
    const candidates = [...roots, ...others].filter(isIssuer);
    const answers = candidates.map(({ spki }) => verify(scheme, spki, current.tbs, current.signature));
    const at = answers.indexOf(true);
    if (at < 0) {
      if (answers.includes(null)) return { kind: 'unknown', detail: `the signature on the certificate of ${name} cannot be checked here` };
      return { kind: 'untrusted', detail: `the certificate of ${name} leads to no root that is trusted` };
    }
    const issuer = candidates[at] as Certificate;
    const fault = faultOfAuthority(issuer, between);
    if (fault !== null) return { kind: 'untrusted', detail: fault };
    current = issuer;
  }
  return { kind: 'untrusted', detail: `more than ${INTERMEDIATES_MAX} certificates to a root` };
}

function faultAt({ notBefore, notAfter, unknownExtension, name }: Certificate, timeMs: number): string | null {
  if (unknownExtension !== null) return `the critical extension ${unknownExtension} in the certificate of ${name} is not known here`;
  return timeMs < notBefore || timeMs > notAfter ? `the certificate of ${name} was not valid at that time` : null;
}

function faultOfAuthority({ isAuthority, keyUsage, pathLength, name }: Certificate, below: number): string | null {
  if (!isAuthority || (keyUsage !== null && (keyUsage & KEY_CERT_SIGN) === 0)) return `${name} is no authority for certificates`;
  return below > pathLength ? `the path below ${name} is too long` : null;
}
