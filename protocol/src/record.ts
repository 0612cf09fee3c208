/**
 * Record bytes, version 1 (docs/reference/record-format.md): what the journal stores and the ledger commits to.
 *
 *   record = header ‖ 0x0A ‖ payload
 *
 * The header is one line of canonical JSON (RFC 8785, UTF-8); the payload is exactly what the producer sent.
 * Nothing is re-serialised to be hashed: leaf hash = SHA-256(0x00 ‖ record), RFC 6962 §2.1.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { DeviceSignature } from './device-signature.ts';
import { accept, type Outcome, refuse } from './outcome.ts';

export interface RecordHeader {
  readonly v: 1;
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  /** Epoch milliseconds at which ingest took the message from its door. */
  readonly receivedAt: number;
  /** How it came in: `mqtt`, `http`, `internal` (our own services), later `hj212`, `file` … */
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
}

export interface DecodedRecord {
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

export const RECORD_VERSION = 1;
/**
 * A header is a handful of bounded names: three of 64 characters and again in the topic, a message id of 128 characters,
 * each at most 6 bytes in JSON, a signature. Anything longer is not ours.
 */
export const HEADER_MAX_BYTES = 2048;
/** Largest payload that is accepted whole. A device reading is some 200 B, a day of logger read-outs some 50 kB. */
export const PAYLOAD_MAX_BYTES = 256 * 1024;
export const RECORD_MAX_BYTES = HEADER_MAX_BYTES + 1 + PAYLOAD_MAX_BYTES;

const NEWLINE = 0x0a;
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
