/**
 * Record bytes, version 1 (docs/reference/record-format.md): what the journal stores and the ledger commits to.
 *
 *   record = header ‖ 0x0A ‖ payload
 *
 * The header is one line of canonical JSON (RFC 8785, UTF-8); the payload is exactly what the producer sent.
 * Nothing is re-serialised to be hashed: leaf hash = SHA-256(0x00 ‖ record), RFC 6962 §2.1.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { DeviceSignature } from '../identity/device-signature.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';

export interface RecordHeader {
  readonly v: 1;
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  /** Epoch milliseconds at which ingest took the message from its door. */
  readonly receivedAt: number;
  /** How it came in: `mqtt`, `http`, `hj212`, `broker`, `file`, `file-live`, or `internal` (our own services). */
  readonly door: string;
  /** MQTT topic name, where the door has one. */
  readonly topic?: string;
  readonly contentType: string;
  /**
   * The payload's own identity: `id:…` or `seq:…`; `at:…`, the receipt, when its times are relative to it. Absent: the
   * content is its identity.
   */
  readonly messageId?: string;
  /** The device's own signature on the payload, as it was checked at admission. */
  readonly signature?: DeviceSignature;
  /** Journal position of the Sparkplug birth record whose metrics the payload refers to by alias; it is lower than the record's own. */
  readonly birth?: number;
  /**
   * The dataset is confidential: what the ledger commits to has, in the place of the payload, the root over its salted
   * fields, and a header without `messageId` and `signature` (salted-record.ts). Absent: the record as it stands.
   */
  readonly commitment?: typeof SALTED_FIELDS;
}

export interface DecodedRecord {
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

export const RECORD_VERSION = 1;
/** Name of the commitment scheme, in headers and batch records. */
export const SALTED_FIELDS = 'salted-fields';
/**
 * A header is a handful of bounded names: three of 64 characters and again in the topic, a message id of 128 characters,
 * each at most 6 bytes in JSON, a signature. Anything longer is not ours.
 */
export const HEADER_MAX_BYTES = 2048;
/**
 * Door of imported history: contracts do not judge it and nobody is told of it live. That stands in the header, so a
 * rebuild leaves it out too.
 */
export const FILE_DOOR = 'file';
/** Door of a file that was imported to be judged and shown like what comes live. */
export const FILE_LIVE_DOOR = 'file-live';
/** Largest payload that is accepted whole. A device reading is some 200 B, a day of logger read-outs some 50 kB. */
export const PAYLOAD_MAX_BYTES = 256 * 1024;
export const RECORD_MAX_BYTES = HEADER_MAX_BYTES + 1 + PAYLOAD_MAX_BYTES;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const AGENCY_BEFORE = '{"agency":"';
const BIRTH_BEFORE = '"birth":';
const ZERO = 0x30;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The canonical header line, without the newline. */
export function formatHeader(header: RecordHeader): string {
  return canonicalJson(header);
}

/** Header and payload as record bytes. The hot path of ingest writes the same bytes from cached pieces; a test holds the two together. */
export function encodeRecord(header: RecordHeader, payload: Uint8Array): Uint8Array {
  const line = encoder.encode(formatHeader(header));
  const out = new Uint8Array(line.length + 1 + payload.length);
  out.set(line);
  out[line.length] = NEWLINE;
  out.set(payload, line.length + 1);
  return out;
}

/**
 * Splits record bytes. The payload is a view on `bytes`, not a copy.
 * @returns RECORD_MALFORMED when there is no header line of version 1, or the line is not canonical.
 */
export function decodeRecord(bytes: Uint8Array): Outcome<DecodedRecord> {
  const end = bytes.subarray(0, HEADER_MAX_BYTES + 1).indexOf(NEWLINE);
  if (end < 0) return refuse('RECORD_MALFORMED', `no header line within ${HEADER_MAX_BYTES} bytes`);
  let header: RecordHeader;
  try {
    header = JSON.parse(decoder.decode(bytes.subarray(0, end)));
  } catch {
    return refuse('RECORD_MALFORMED', 'the header line is not UTF-8 JSON');
  }
  if (header === null || typeof header !== 'object' || header.v !== RECORD_VERSION) {
    return refuse('RECORD_MALFORMED', 'the header is not of version 1');
  }
  return accept({ header, payload: bytes.subarray(end + 1) });
}

/**
 * The member `birth` of a record, undefined when it has none, without reading the rest of the header: in canonical form it
 * is the second member, behind a name without escapes. So a reader of many records can tell the few that need another one.
 */
export function birthOf(record: Uint8Array): number | undefined {
  const nameEnd = record.subarray(0, HEADER_MAX_BYTES).indexOf(QUOTE, AGENCY_BEFORE.length);
  // Behind the name's closing quote stands a comma.
  const from = nameEnd + 2;
  if (nameEnd < 0) return undefined;
  for (let i = 0; i < BIRTH_BEFORE.length; i++) if (record[from + i] !== BIRTH_BEFORE.charCodeAt(i)) return undefined;
  let position = 0;
  let at = from + BIRTH_BEFORE.length;
  for (; at < record.length; at++) {
    const digit = (record[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    position = position * 10 + digit;
  }
  return at > from + BIRTH_BEFORE.length && Number.isSafeInteger(position) ? position : undefined;
}
