/** Asking for a time stamp (RFC 3161 §2.4): the request that is sent, and the answer without its token looked into. */
import { fail, pass, type Verdict } from '../verdict.ts';
import { DER, DerError, DerReader, ordinalOf, wholeDer } from './der.ts';

export const TIME_STAMP_QUERY_TYPE = 'application/timestamp-query';
export const TIME_STAMP_REPLY_TYPE = 'application/timestamp-reply';
/** 64 bits are unguessable within the seconds of a request, and taken by every authority. */
export const NONCE_BYTES = 8;

/** SEQUENCE { OID sha256, NULL }. */
const SHA256_ALGORITHM = Uint8Array.of(0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00);
const IMPRINT_BYTES = 32;
/** PKIFailureInfo, RFC 3161 §2.4.2. */
const FAILURES: { readonly [bit: number]: string } = {
  0: 'badAlg',
  2: 'badRequest',
  5: 'badDataFormat',
  14: 'timeNotAvailable',
  15: 'unacceptedPolicy',
  16: 'unacceptedExtension',
  17: 'addInfoNotAvailable',
  25: 'systemFailure',
};
const REASON_MAX_LENGTH = 300;

/**
 * TimeStampReq: version 1, the imprint, a nonce, and the wish for the certificate.
 * @param imprint SHA-256, 32 bytes
 * @param nonce big-endian as DER has it: first byte 0x01 to 0x7f
 */
export function formatTimeStampRequest(imprint: Uint8Array, nonce: Uint8Array): Uint8Array {
  const [first = 0] = nonce;
  if (imprint.length !== IMPRINT_BYTES || nonce.length !== NONCE_BYTES || first < 1 || first > 0x7f)
    throw new Error('no SHA-256, or no nonce');
  const messageImprint = sequence(SHA256_ALGORITHM, Uint8Array.of(DER.octetString, IMPRINT_BYTES), imprint);
  const version = Uint8Array.of(DER.integer, 1, 1);
  const certReq = Uint8Array.of(DER.boolean, 1, 0xff);
  return sequence(version, messageImprint, Uint8Array.of(DER.integer, NONCE_BYTES), nonce, certReq);
}

/** All of it is shorter than 128 bytes. */
function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  const content = parts.flatMap((part) => [...part]);
  return Uint8Array.of(DER.sequence, content.length, ...content);
}

/**
 * TimeStampResp: the token in it.
 * @returns TIMESTAMP_MALFORMED; TIMESTAMP_REFUSED with the reason that the authority gives
 */
export function readTimeStampReply(bytes: Uint8Array): Verdict<Uint8Array> {
  try {
    const reply = wholeDer(bytes, DER.sequence);
    const info = reply.enter(DER.sequence);
    const status = ordinalOf(info.next());
    const reasons = info.optional(DER.sequence);
    const failure = info.optional(DER.bitString);
    info.end();
    // 0 granted, 1 granted with modifications.
    if (status > 1)
      return fail('TIMESTAMP_REFUSED', [`status ${status}`, ...failuresIn(failure?.content), ...textsIn(reasons?.content)].join(', '));
    const token = reply.next(DER.sequence).bytes;
    reply.end();
    return pass(token);
  } catch (error) {
    if (error instanceof DerError) return fail('TIMESTAMP_MALFORMED', error.message);
    throw error;
  }
}

function failuresIn(bits: Uint8Array | undefined): string[] {
  const isSet = (bit: number) => (((bits?.[1 + Math.floor(bit / 8)] ?? 0) >> (7 - (bit % 8))) & 1) === 1;
  return Object.entries(FAILURES).flatMap(([bit, name]) => (isSet(Number(bit)) ? [name] : []));
}

function textsIn(content: Uint8Array | undefined): string[] {
  if (content === undefined) return [];
  const text = new DerReader(content).rest().map((one) => new TextDecoder().decode(one.content));
  return [text.join('; ').replace(/\p{C}/gu, ' ').slice(0, REASON_MAX_LENGTH)];
}
