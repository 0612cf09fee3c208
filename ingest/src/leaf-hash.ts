/** Leaf hashes by node:crypto. */
import { hash } from 'node:crypto';
import { leafHashOfBody } from '@airtight/protocol';

export function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** Of the record in a frame's body, 32 bytes; as it was kept where the payload is gone. */
export function leafHashOf(body: Uint8Array): Uint8Array {
  return leafHashOfBody(body, sha256);
}
