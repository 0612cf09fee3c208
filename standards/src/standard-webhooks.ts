/**
 * Standard Webhooks 1.0.0, the symmetric signatures (`v1`, HMAC-SHA256): the receiver of an event checks who sent it, when,
 * and that no byte was changed. Asymmetric ones (`v1a`, Ed25519) may stand beside them and are passed over.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';

/** Header names ("Webhook Headers"), in lower case as Node and HTTP/2 write them. */
export const WEBHOOK_ID_HEADER = 'webhook-id';
export const WEBHOOK_TIMESTAMP_HEADER = 'webhook-timestamp';
export const WEBHOOK_SIGNATURE_HEADER = 'webhook-signature';

/** How far the sender's clock may be from the receiver's, in both directions: what the reference implementations allow. */
export const WEBHOOK_TOLERANCE_S = 5 * 60;
/** "Signature scheme": a secret is "between 24 bytes (192 bits) and 64 bytes (512 bits)". */
export const WEBHOOK_SECRET_MIN_BYTES = 24;
export const WEBHOOK_SECRET_MAX_BYTES = 64;
/** Two are in use while a secret is changed; each one costs the receiver a hash of the whole body. */
export const WEBHOOK_SECRETS_MAX = 8;
/** The id is an idempotency key, kept by receivers; a bound of ours. */
export const WEBHOOK_ID_MAX_LENGTH = 128;
/** Room for WEBHOOK_SECRETS_MAX signatures of 47 characters, and for asymmetric ones beside them; a bound of ours. */
export const WEBHOOK_SIGNATURE_MAX_LENGTH = 2048;

const SECRET_PREFIX = 'whsec_';
const VERSION_PREFIX = 'v1,';
/** RFC 4648 §4 with padding. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Printable ASCII, but no dot: dots separate the signed parts, and another division of the same bytes must not exist. */
const ID = /^[!-\-/-~]+$/;
/** Seconds since 1970 as an integer; 11 digits reach the year 5138. */
const TIMESTAMP = /^(?:0|[1-9]\d{0,10})$/;

export type WebhookRefusalReason = 'id' | 'timestamp' | 'secret' | 'signature' | 'too-old' | 'too-new';

export interface WebhookRefusal {
  readonly ok: false;
  /**
   * - `id`: missing, longer than WEBHOOK_ID_MAX_LENGTH, or with a dot, a space or a character outside ASCII
   * - `timestamp`: missing, or no integer number of Unix seconds
   * - `secret`: none, more than WEBHOOK_SECRETS_MAX, or one that parseWebhookSecret refuses
   * - `signature`: missing, too long, or none of those listed fits
   * - `too-old`, `too-new`: the signature fits, but the time is outside the tolerance
   */
  readonly reason: WebhookRefusalReason;
  readonly detail: string;
}

/** What is signed, beside the body. */
export interface WebhookStamp {
  /** Unique for the event and the same for each attempt, so that a receiver knows repeats. */
  readonly id: string;
  /** Unix seconds of this attempt, an integer. */
  readonly timestampS: number;
}

/** The three headers as they were received; undefined for one that was not. */
export interface WebhookHeaders {
  readonly id: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
}

/**
 * @param text `whsec_` and the base64 form (RFC 4648 §4, padded) of 24 to 64 bytes
 * @returns the bytes; null for anything else
 */
export function parseWebhookSecret(text: string): Uint8Array | null {
  const base64 = text.slice(SECRET_PREFIX.length);
  // Four characters for three bytes: what is longer is not decoded at all.
  if (!text.startsWith(SECRET_PREFIX) || base64.length > 4 * Math.ceil(WEBHOOK_SECRET_MAX_BYTES / 3) || !BASE64.test(base64)) return null;
  const bytes = Uint8Array.fromBase64(base64);
  return hasSecretLength(bytes) ? bytes : null;
}

/**
 * @param bytes 24 to 64 of them, from a source of randomness fit for keys
 * @returns the form in which a secret is shown and stored; null when there are fewer or more
 */
export function formatWebhookSecret(bytes: Uint8Array): string | null {
  return hasSecretLength(bytes) ? SECRET_PREFIX + bytes.toBase64() : null;
}

/**
 * Signs one attempt ("Signing the webhook"): the bytes `{id}.{timestamp}.{body}`.
 * @param body the bytes that are sent, exactly
 * @param secrets one; while a secret is changed, the new and the old one: each gives a signature
 * @returns the value of the header `webhook-signature`, signatures in the order of the secrets
 */
export function signWebhook(
  { id, timestampS }: WebhookStamp,
  body: Uint8Array,
  secrets: readonly string[],
): { readonly ok: true; readonly signature: string } | WebhookRefusal {
  const timestamp = String(timestampS);
  const fault = stampFault(id, timestamp);
  if (fault !== null) return fault;
  const keys = keysOf(secrets);
  if ('ok' in keys) return keys;
  return { ok: true, signature: keys.map((key) => signatureOf(id, timestamp, body, key)).join(' ') };
}

/**
 * Verifies what was received ("Verifying webhook authenticity"): right when any `v1` signature fits any of the secrets.
 * The time counts only once a signature fits, so that a stranger learns nothing of this clock.
 * @param body the bytes as received, before anything parsed them
 * @param nowS Unix seconds
 * @param toleranceS seconds the timestamp may lie before or after now; both ends included
 */
export function verifyWebhook(
  { id, timestamp, signature }: WebhookHeaders,
  body: Uint8Array,
  secrets: readonly string[],
  nowS: number,
  toleranceS: number = WEBHOOK_TOLERANCE_S,
): ({ readonly ok: true } & WebhookStamp) | WebhookRefusal {
  const fault = stampFault(id, timestamp);
  if (fault !== null) return fault;
  if (signature === undefined || signature.length > WEBHOOK_SIGNATURE_MAX_LENGTH) {
    return refuse('signature', `a header of 1 to ${WEBHOOK_SIGNATURE_MAX_LENGTH} characters`);
  }
  const keys = keysOf(secrets);
  if ('ok' in keys) return keys;
  const [known, time] = [id as string, timestamp as string];
  const expected = keys.map((key) => signatureOf(known, time, body, key));
  const fits = signature.split(' ').filter((one) => expected.filter((right) => equalInConstantTime(one, right)).length > 0);
  if (fits.length === 0) return refuse('signature', 'no signature fits');
  const timestampS = Number(time);
  if (!(timestampS >= nowS - toleranceS)) return refuse('too-old', `more than ${toleranceS} s ago`);
  if (!(timestampS <= nowS + toleranceS)) return refuse('too-new', `more than ${toleranceS} s ahead`);
  return { ok: true, id: known, timestampS };
}

function hasSecretLength({ length }: Uint8Array): boolean {
  return length >= WEBHOOK_SECRET_MIN_BYTES && length <= WEBHOOK_SECRET_MAX_BYTES;
}

function stampFault(id: string | undefined, timestamp: string | undefined): WebhookRefusal | null {
  if (id === undefined || id.length > WEBHOOK_ID_MAX_LENGTH || !ID.test(id)) {
    return refuse('id', `1 to ${WEBHOOK_ID_MAX_LENGTH} printable ASCII characters without dot and space`);
  }
  return timestamp !== undefined && TIMESTAMP.test(timestamp) ? null : refuse('timestamp', 'Unix seconds, an integer');
}

function keysOf(secrets: readonly string[]): readonly Uint8Array[] | WebhookRefusal {
  if (secrets.length === 0 || secrets.length > WEBHOOK_SECRETS_MAX) return refuse('secret', `1 to ${WEBHOOK_SECRETS_MAX} secrets`);
  const keys = secrets.map(parseWebhookSecret);
  const form = `${SECRET_PREFIX} and base64 of ${WEBHOOK_SECRET_MIN_BYTES} to ${WEBHOOK_SECRET_MAX_BYTES} bytes`;
  return keys.every((key) => key !== null) ? keys : refuse('secret', form);
}

function signatureOf(id: string, timestamp: string, body: Uint8Array, key: Uint8Array): string {
  const mac = hmac
    .create(sha256, key)
    .update(new TextEncoder().encode(`${id}.${timestamp}.`))
    .update(body)
    .digest();
  return VERSION_PREFIX + mac.toBase64();
}

/** Compares every character whatever the first ones were; only the length, which is no secret, may end it early. */
function equalInConstantTime(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at += 1) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

function refuse(reason: WebhookRefusalReason, detail: string): WebhookRefusal {
  return { ok: false, reason, detail };
}
