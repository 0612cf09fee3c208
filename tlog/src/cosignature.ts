/** Cosignatures of witnesses, c2sp.org/tlog-cosignature: the messages that are signed, and their signatures. */
import { concatBytes } from '@noble/hashes/utils.js';
import type { Checkpoint } from './checkpoint.ts';

/** Bytes of the POSIX time before the signature proper. */
const TIMESTAMP_BYTES = 8;
/** `opaque<1..2^8-1>`: one length byte. */
const ML_DSA_NAME_MAX_BYTES = 255;
const SUBTREE_LABEL = 'subtree/v1\n\0';

export interface TimestampedSignature {
  /** POSIX seconds. */
  readonly time: number;
  readonly signature: Uint8Array;
}

/** Splits `u64 time ‖ signature`; null when it is too short or the time lies beyond 2^53 − 1 s. */
export function parseTimestampedSignature(bytes: Uint8Array): TimestampedSignature | null {
  if (bytes.length <= TIMESTAMP_BYTES) return null;
  const time = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0));
  return Number.isSafeInteger(time) ? { time, signature: bytes.subarray(TIMESTAMP_BYTES) } : null;
}

export function formatTimestampedSignature({ time, signature }: TimestampedSignature): Uint8Array {
  return concatBytes(uint64(time), signature);
}

/** Message of an Ed25519 cosignature: header line, time line, and the whole note text as it stands. */
export function ed25519CosignatureMessage(time: number, text: Uint8Array): Uint8Array {
  return concatBytes(new TextEncoder().encode(`cosignature/v1\ntime ${time}\n`), text);
}

/**
 * Message of an ML-DSA-44 cosignature: `cosigned_message` for the tree [0, size). Extension lines are not covered.
 * @returns null when a name is longer than its length byte can say
 */
export function mlDsa44CosignatureMessage(time: number, cosigner: string, checkpoint: Checkpoint): Uint8Array | null {
  const encoder = new TextEncoder();
  const name = encoder.encode(cosigner);
  const origin = encoder.encode(checkpoint.origin);
  if (name.length > ML_DSA_NAME_MAX_BYTES || origin.length > ML_DSA_NAME_MAX_BYTES) return null;
  return concatBytes(
    encoder.encode(SUBTREE_LABEL),
    Uint8Array.of(name.length),
    name,
    uint64(time),
    Uint8Array.of(origin.length),
    origin,
    uint64(0),
    uint64(checkpoint.size),
    checkpoint.root,
  );
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}
