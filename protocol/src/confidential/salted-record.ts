/**
 * Records of confidential datasets. In the journal
 *
 *   body = 0x03 ‖ root (32 bytes) ‖ header line ‖ 0x0A ‖ payload
 *
 * and what the ledger commits to is the **committed record**, which says nothing of the content:
 *
 *   committed record = committed header ‖ 0x0A ‖ root          leaf hash = SHA-256(0x00 ‖ committed record)
 *
 * The committed header is the header without `messageId` and `signature`, canonical: an id may name a person, and a
 * signature over a temperature tells it to whoever tries all temperatures. They are fields of the tree like the rest
 * (salted-fields.ts).
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { LEAF_PREFIX, SALTED_PREFIX } from '../records/feed.ts';
import { HEADER_MAX_BYTES, type RecordHeader } from '../records/record.ts';

const ROOT_BYTES = 32;
const RECORD_AT = 1 + ROOT_BYTES;
const NEWLINE = 0x0a;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** True for the body of a frame with a record of a confidential dataset. */
export function isSaltedBody(body: Uint8Array): boolean {
  return body[0] === SALTED_PREFIX;
}

/** Record bytes in a frame's body, a view; the body must be none whose payload is gone. */
export function recordIn<B extends Uint8Array>(body: B): B {
  return body.subarray(isSaltedBody(body) ? RECORD_AT : 1) as B;
}

/** Root over the fields of the record in a salted body, a view. */
export function saltedRootIn(body: Uint8Array): Uint8Array {
  return body.subarray(1, RECORD_AT);
}

/** The header without what would tell of the content. */
export function committedHeader({ messageId: _, signature: __, ...header }: RecordHeader): RecordHeader {
  return header;
}

/** Canonical line of the committed header of the record in a salted body; the line as it stands when it hides nothing. */
export function committedHeaderLine(body: Uint8Array): Uint8Array {
  const line = headerLineOf(body);
  const header = JSON.parse(decoder.decode(line)) as RecordHeader;
  if (header.messageId === undefined && header.signature === undefined) return line;
  return encoder.encode(canonicalJson(committedHeader(header)));
}

/** What the leaf hash covers behind 0x00: the record itself (a view), or the committed record. */
export function committedRecordIn(body: Uint8Array): Uint8Array {
  return isSaltedBody(body) ? leafPreimageOf(body).subarray(1) : body.subarray(1);
}

/** Preimage of the leaf hash of the record in a frame's body: the body itself, or 0x00 ‖ committed record. */
export function leafPreimageOf(body: Uint8Array): Uint8Array {
  if (!isSaltedBody(body)) return body;
  const line = committedHeaderLine(body);
  const preimage = new Uint8Array(1 + line.length + 1 + ROOT_BYTES);
  preimage[0] = LEAF_PREFIX;
  preimage.set(line, 1);
  preimage[1 + line.length] = NEWLINE;
  preimage.set(saltedRootIn(body), 2 + line.length);
  return preimage;
}

function headerLineOf(body: Uint8Array): Uint8Array {
  const record = recordIn(body);
  const end = record.subarray(0, HEADER_MAX_BYTES + 1).indexOf(NEWLINE);
  if (end < 0) throw new Error('a record begins with a header line');
  return record.subarray(0, end);
}
