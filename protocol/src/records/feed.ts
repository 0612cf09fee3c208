/**
 * Journal frames: the bytes on disk in `journal/`, and the bytes of the journal feed (`GET /feed`).
 *
 *   frame = length u32le ‖ crc32 u32le ‖ body          crc32: IEEE 802.3 polynomial, over body
 *   body  = 0x00 ‖ record                              length: of body
 *         | 0x03 ‖ root ‖ record                       of a confidential dataset (salted-record.ts)
 *         | 0x02 ‖ leaf hash ‖ header line             the payload was removed (expired-record.ts)
 *
 * The body of a plain record is the RFC 6962 leaf preimage as it stands, so SHA-256(body) is the record's leaf hash.
 * A record's journal position is its 0-based ordinal; frames carry no position, their place gives it.
 */
import { RECORD_MAX_BYTES } from './record.ts';

export const FRAME_HEADER_BYTES = 8;
/** Prefix, the root of a confidential record, record. */
export const FRAME_BODY_MAX_BYTES = 1 + 32 + RECORD_MAX_BYTES;
/** RFC 6962 §2.1: the byte before a leaf. */
export const LEAF_PREFIX = 0x00;
/** Before what is kept of a record whose payload is gone. RFC 6962 uses 0x00 and 0x01, so it is the preimage of nothing. */
export const EXPIRED_PREFIX = 0x02;
/** Before a record of a confidential dataset. */
export const SALTED_PREFIX = 0x03;
/** The least behind the other prefixes: a hash, a header of some bytes. */
const HASHED_BODY_MIN_BYTES = 34;

/** Whether the body of a frame may begin with this byte. */
export function isBodyPrefix(byte: number | undefined): boolean {
  return byte === LEAF_PREFIX || byte === EXPIRED_PREFIX || byte === SALTED_PREFIX;
}

export type FrameFault = 'short' | 'length' | 'crc' | 'prefix';

export interface FrameAt {
  /** Offset of the frame's first byte. */
  readonly offset: number;
  /** Begins with one of the prefixes; a view. */
  readonly body: Uint8Array;
  /** Offset of the byte after the frame. */
  readonly end: number;
}

/**
 * Reads the frame at `offset`.
 * @param crc32 e.g. node:zlib's; injected because this package knows no platform
 * @returns the frame, or what is wrong with it: `short` (bytes end before the frame does), `length` (impossible length),
 *   `crc` (content does not match), `prefix` (none of the three forms)
 */
export function readFrame(bytes: Uint8Array, offset: number, crc32: (data: Uint8Array) => number): FrameAt | FrameFault {
  if (offset + FRAME_HEADER_BYTES > bytes.length) return 'short';
  const length = u32le(bytes, offset);
  if (length < 2 || length > FRAME_BODY_MAX_BYTES) return 'length';
  const start = offset + FRAME_HEADER_BYTES;
  if (start + length > bytes.length) return 'short';
  const body = bytes.subarray(start, start + length);
  if (crc32(body) !== u32le(bytes, offset + 4)) return 'crc';
  if (body[0] !== LEAF_PREFIX && (!isBodyPrefix(body[0]) || length < HASHED_BODY_MIN_BYTES)) return 'prefix';
  return { offset, body, end: start + length };
}

function u32le(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

/** Response headers of `GET /feed`: position of the first frame, position after the last, and the committed end. */
export const FEED_FROM_HEADER = 'airtight-from';
export const FEED_NEXT_HEADER = 'airtight-next';
export const FEED_HEAD_HEADER = 'airtight-head';
/** Response header of `GET /records/P` of a confidential record: lower-case hex. */
export const LEAF_HASH_HEADER = 'airtight-leaf-hash';
/** Of the feed to the outside: datasets, by the beginning of their names, of whose records the payload is left out. */
export const FEED_WITHHELD_HEADER = 'airtight-withheld';

/** The frame of a body. */
export function formatFrame(body: Uint8Array, crc32: (data: Uint8Array) => number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, body.length, true);
  view.setUint32(4, crc32(body), true);
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}
