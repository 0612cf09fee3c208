/**
 * What is left of a record whose payload was removed by its dataset's retention policy (docs/reference/retention.md) or
 * erased (docs/reference/confidential.md):
 *
 *   body = 0x02 ‖ leaf hash (32 bytes) ‖ header line          in the place of 0x00 ‖ header line ‖ 0x0A ‖ payload
 *
 * Of a confidential record the header line is that of the committed record.
 *
 * The leaf hash is that of the record as it was, so batches and the paths of other records verify as before. The kept
 * header is a copy: the leaf hash does not cover it on its own; `keptSha256` of the retention record does.
 */

import { leafPreimageOf } from '../confidential/salted-record.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { EXPIRED_PREFIX, LEAF_PREFIX } from './feed.ts';
import { formatHeader, HEADER_MAX_BYTES, RECORD_VERSION, type RecordHeader } from './record.ts';

const HASH_BYTES = 32;
const HEADER_START = 1 + HASH_BYTES;
const NEWLINE = 0x0a;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface ExpiredRecord {
  readonly header: RecordHeader;
  /** Header line as it stood in the record, a view. */
  readonly headerLine: Uint8Array;
  /** Of the record as it was, 32 bytes, a view. */
  readonly leafHash: Uint8Array;
}

/** True for the body of a frame whose payload is gone. */
export function isExpiredBody(body: Uint8Array): boolean {
  return body[0] === EXPIRED_PREFIX;
}

/**
 * The body that takes the place of a record's.
 * @param body of a plain or a confidential record
 * @param sha256 32 bytes
 */
export function expiredBodyOf(body: Uint8Array, sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const preimage = isExpiredBody(body) ? body : leafPreimageOf(body);
  const lineEnd = preimage.subarray(0, 1 + HEADER_MAX_BYTES + 1).indexOf(NEWLINE);
  if (preimage[0] !== LEAF_PREFIX || lineEnd < 0) throw new Error('only a record can lose its payload');
  const expired = new Uint8Array(HEADER_START + lineEnd - 1);
  expired[0] = EXPIRED_PREFIX;
  expired.set(sha256(preimage), 1);
  expired.set(preimage.subarray(1, lineEnd), HEADER_START);
  return expired;
}

/**
 * What is handed out of a record to whom its payload is not: its leaf hash, and of its header whose it is and when it came,
 * in the form of a record whose payload is gone.
 */
export function withheldBodyOf(body: Uint8Array, header: RecordHeader, sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const { v, agency, dataset, producer, receivedAt, door, contentType } = header;
  const line = new TextEncoder().encode(formatHeader({ v, agency, dataset, producer, receivedAt, door, contentType }));
  const withheld = new Uint8Array(HEADER_START + line.length);
  withheld[0] = EXPIRED_PREFIX;
  withheld.set(leafHashOfBody(body, sha256), 1);
  withheld.set(line, HEADER_START);
  return withheld;
}

/** @returns RECORD_MALFORMED when the body is none of an expired record */
export function decodeExpired(body: Uint8Array): Outcome<ExpiredRecord> {
  if (!isExpiredBody(body) || body.length <= HEADER_START) return refuse('RECORD_MALFORMED', 'no leaf hash and header');
  const headerLine = body.subarray(HEADER_START);
  try {
    const header = JSON.parse(decoder.decode(headerLine)) as RecordHeader | null;
    if (header?.v === RECORD_VERSION) return accept({ header, headerLine, leafHash: body.subarray(1, HEADER_START) });
  } catch {
    // Told below.
  }
  return refuse('RECORD_MALFORMED', 'the kept header is not of version 1');
}

/** Leaf hash of the record in a frame's body, 32 bytes: computed, or as it was kept. */
export function leafHashOfBody(body: Uint8Array, sha256: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  return isExpiredBody(body) ? body.subarray(1, HEADER_START) : sha256(leafPreimageOf(body));
}
