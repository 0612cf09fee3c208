/**
 * A device's own signature on what it sends (Ed25519, RFC 8032), so that not even the operator of the platform can make
 * up or change a reading. What is signed binds the payload to its place:
 *
 *   "airtight-reading-v1\n" agency "/" dataset "/" producer "\n" payload
 *
 * Over MQTT 3.1.1, which has no place for anything beside the payload, the signature follows it as a line of fixed length:
 *
 *   message = payload 0x0A ".sig " kid " " sig
 *
 * kid is the key's id (16 hex digits), sig the 64 bytes in base64url. The record keeps the payload as it was signed, and
 * kid and sig in its header.
 */
import { decodeBase64, nobleAlgorithms, type SignatureAlgorithms } from '@airtight/tlog';
import type { RecordHeader } from '../records/record.ts';

export interface DeviceSignature {
  /** The signing credential's id. */
  readonly kid: string;
  /** 64 bytes, base64url without padding. */
  readonly sig: string;
}

/** Header of an HTTP upload whose whole body is one signed record: `kid=…, sig=…`. */
export const SIGNATURE_HEADER = 'x-airtight-signature';

const CONTEXT = 'airtight-reading-v1';
const MARK = '.sig ';
const KID_CHARACTERS = 16;
const SIG_CHARACTERS = 86;
const KEY_CHARACTERS = 43;
const KEY_BYTES = 32;
const LINE_BYTES = 1 + MARK.length + KID_CHARACTERS + 1 + SIG_CHARACTERS;
const LINE = /^\.sig ([0-9a-f]{16}) ([A-Za-z0-9_-]{86})$/;
const FIELD = /^kid=([0-9a-f]{16}), ?sig=([A-Za-z0-9_-]{86})$/;
const NEWLINE = 0x0a;
const DOT = 0x2e;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface SplitMessage<B extends Uint8Array> {
  /** Without the signature line; a view. */
  readonly payload: B;
  readonly signature?: DeviceSignature;
}

/** Parts a message from the signature line that follows it, if one does. */
export function splitSignature<B extends Uint8Array>(message: B): SplitMessage<B> {
  const end = message.length - LINE_BYTES;
  // Two bytes tell nearly every message that is not signed.
  if (message[end] !== NEWLINE || message[end + 1] !== DOT) return { payload: message };
  const [, kid, sig] = LINE.exec(decoder.decode(message.subarray(end + 1))) ?? [];
  if (kid === undefined || sig === undefined) return { payload: message };
  return { payload: message.subarray(0, end) as B, signature: { kid, sig } };
}

/** The line that `splitSignature` takes off, with the newline before it. */
export function signatureLine({ kid, sig }: DeviceSignature): string {
  return `\n${MARK}${kid} ${sig}`;
}

/** Reads the header SIGNATURE_HEADER; undefined when it is not of its form. */
export function parseSignatureHeader(field: string): DeviceSignature | undefined {
  const [, kid, sig] = FIELD.exec(field) ?? [];
  return kid === undefined || sig === undefined ? undefined : { kid, sig };
}

/** The bytes that a device signs. */
export function signedMessage(
  { agency, dataset, producer }: Pick<RecordHeader, 'agency' | 'dataset' | 'producer'>,
  payload: Uint8Array,
): Uint8Array {
  const context = encoder.encode(`${CONTEXT}\n${agency}/${dataset}/${producer}\n`);
  const message = new Uint8Array(context.length + payload.length);
  message.set(context);
  message.set(payload, context.length);
  return message;
}

/** Whether the signature in a record's header is that of the holder of `publicKey`. */
export function verifyDeviceSignature(
  header: RecordHeader,
  payload: Uint8Array,
  publicKey: Uint8Array,
  { ed25519 }: SignatureAlgorithms = nobleAlgorithms,
): boolean {
  const signature = header.signature === undefined ? undefined : decodeBase64Url(header.signature.sig);
  return signature !== undefined && ed25519(publicKey, signedMessage(header, payload), signature);
}

/** The 32 bytes of a public key as credentials and key records have it; undefined when it is none. */
export function decodePublicKey(text: string): Uint8Array | undefined {
  const bytes = text.length === KEY_CHARACTERS ? decodeBase64Url(text) : undefined;
  return bytes?.length === KEY_BYTES ? bytes : undefined;
}

/** Base64url without padding (RFC 4648 §5), in its one canonical form. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const padded = text.replaceAll('-', '+').replaceAll('_', '/') + '='.repeat((4 - (text.length % 4)) % 4);
  return decodeBase64(padded) ?? undefined;
}
