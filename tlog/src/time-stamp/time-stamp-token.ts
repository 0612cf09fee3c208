/** Time-stamp tokens (RFC 3161 §2.4.2) as they are read: CMS SignedData (RFC 5652) around a TSTInfo. */
import { DER, DerError, DerReader, type DerValue, oidOf, ordinalOf, timeOf, wholeDer } from './der.ts';
import { algorithmOf, type DigestName, digestNameOf, type SignatureScheme, schemeOf } from './signature-scheme.ts';

export interface TimeStampToken {
  readonly info: TimeStampInfo;
  /** The TSTInfo as it was signed. */
  readonly content: Uint8Array;
  /** Certificates that came along. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: TokenSigner;
}

export interface TimeStampInfo {
  readonly policy: string;
  /** Of what was stamped. */
  readonly imprint: { readonly algorithm: string; readonly hash: Uint8Array };
  /** Big-endian, as encoded. */
  readonly serial: Uint8Array;
  /** Epoch ms. */
  readonly time: number;
  /** Big-endian, as encoded; null when there is none. */
  readonly nonce: Uint8Array | null;
}

export interface TokenSigner {
  /** Whose certificate it is: by issuer and serial number, or by the id of its key. */
  readonly issuer: Uint8Array | null;
  readonly serial: Uint8Array | null;
  readonly keyId: Uint8Array | null;
  readonly digest: DigestName;
  readonly scheme: SignatureScheme;
  readonly signature: Uint8Array;
  /** The signed attributes as they are hashed: under the tag of a SET (RFC 5652 §5.4). */
  readonly signedBytes: Uint8Array;
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
  readonly certificateHash: { readonly algorithm: DigestName | 'sha1'; readonly hash: Uint8Array };
}

export const SHA256_OID = '2.16.840.1.101.3.4.2.1';
export const TIME_STAMP_INFO = '1.2.840.113549.1.9.16.1.4';
const SIGNED_DATA = '1.2.840.113549.1.7.2';
const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
};

/** @throws DerError */
export function readTimeStampToken(bytes: Uint8Array): TimeStampToken {
  const token = wholeDer(bytes, DER.sequence);
  if (oidOf(token.next()) !== SIGNED_DATA) throw new DerError('no signed data');
  const data = wholeDer(token.next(DER.constructed(0)).content, DER.sequence);
  token.end();
  // RFC 5652 §5.1: version 3 when what is signed is not plain data.
  if (ordinalOf(data.next()) !== 3) throw new DerError('no signed data of version 3');
  const digests = data.enter(DER.set).rest(DER.sequence).map(digestNameOf);
  const encapsulated = data.enter(DER.sequence);
  if (oidOf(encapsulated.next()) !== TIME_STAMP_INFO) throw new DerError('what is signed is no time stamp');
  const explicit = new DerReader(encapsulated.next(DER.constructed(0)).content);
  const { content } = explicit.next(DER.octetString);
  explicit.end();
  encapsulated.end();
  const certificates = data.optional(DER.constructed(0));
  data.optional(DER.constructed(1));
  const signers = data.enter(DER.set);
  const signer = readSigner(signers.enter(DER.sequence));
  // RFC 3161 §2.4.2: the token contains no signature but that of the authority.
  signers.end();
  data.end();
  if (!digests.includes(signer.digest)) throw new DerError('the digest of the signer is not announced');
  return {
    info: readInfo(content),
    content,
    certificates: certificates === undefined ? [] : new DerReader(certificates.content).rest(DER.sequence).map((one) => one.bytes),
    signer,
  };
}

function readInfo(bytes: Uint8Array): TimeStampInfo {
  const info = wholeDer(bytes, DER.sequence);
  if (ordinalOf(info.next()) !== 1) throw new DerError('no time stamp of version 1');
  const policy = oidOf(info.next());
  const imprint = info.enter(DER.sequence);
  const algorithm = algorithmOf(imprint.next(DER.sequence));
  const hash = imprint.next(DER.octetString).content;
  imprint.end();
  const serial = info.next(DER.integer).content;
  const time = timeOf(info.next(DER.generalizedTime));
  // Accuracy and ordering.
  info.optional(DER.sequence);
  info.optional(DER.boolean);
  const nonce = info.optional(DER.integer)?.content ?? null;
  info.optional(DER.constructed(0));
  info.optional(DER.constructed(1));
  info.end();
  return { policy, imprint: { algorithm, hash }, serial, time, nonce };
}

function readSigner(info: DerReader): TokenSigner {
  const version = ordinalOf(info.next());
  const who = readSignerId(info);
  // RFC 5652 §5.3.
  if (version !== (who.keyId === null ? 1 : 3)) throw new DerError('the version of the signer does not fit');
  const digest = digestNameOf(info.next(DER.sequence));
  const attributes = info.next(DER.constructed(0));
  const scheme = schemeOf(info.next(DER.sequence), digest);
  const signature = info.next(DER.octetString).content;
  info.optional(DER.constructed(1));
  info.end();
  const signedBytes = Uint8Array.from(attributes.bytes);
  signedBytes[0] = DER.set;
  return { ...who, digest, scheme, signature, signedBytes, ...readAttributes(attributes.content) };
}

function readSignerId(info: DerReader): Pick<TokenSigner, 'issuer' | 'serial' | 'keyId'> {
  const keyId = info.optional(DER.context(0));
  if (keyId !== undefined) return { issuer: null, serial: null, keyId: keyId.content };
  const id = info.enter(DER.sequence);
  const issuer = id.next(DER.sequence).bytes;
  const serial = id.next(DER.integer).content;
  id.end();
  return { issuer, serial, keyId: null };
}

function readAttributes(content: Uint8Array): Pick<TokenSigner, 'contentType' | 'messageDigest' | 'certificateHash'> {
  const values = new Map<string, DerValue>();
  for (const attribute of new DerReader(content).rest(DER.sequence)) {
    const reader = new DerReader(attribute.content);
    const oid = oidOf(reader.next());
    const set = reader.enter(DER.set);
    reader.end();
    if (values.has(oid)) throw new DerError(`the signed attribute ${oid} twice`);
    values.set(oid, set.next());
    set.end();
  }
  const contentType = values.get(ATTRIBUTE.contentType);
  const messageDigest = values.get(ATTRIBUTE.messageDigest);
  if (contentType === undefined || messageDigest?.tag !== DER.octetString) throw new DerError('the signed attributes are incomplete');
  return { contentType: oidOf(contentType), messageDigest: messageDigest.content, certificateHash: readCertificateHash(values) };
}

/** ESSCertIDv2 (RFC 5035) or ESSCertID (RFC 2634 §5.4.1) of the certificate that signs: the first one named. */
function readCertificateHash(values: ReadonlyMap<string, DerValue>): TokenSigner['certificateHash'] {
  const second = values.get(ATTRIBUTE.signingCertificateV2);
  const value = second ?? values.get(ATTRIBUTE.signingCertificate);
  if (value === undefined) throw new DerError('the signed attributes name no certificate');
  const id = new DerReader(value.content).enter(DER.sequence).enter(DER.sequence);
  const named = second === undefined ? undefined : id.optional(DER.sequence);
  const algorithm = second === undefined ? 'sha1' : named === undefined ? 'sha256' : digestNameOf(named);
  return { algorithm, hash: id.next(DER.octetString).content };
}
