/**
 * The commitment of a confidential record, by node:crypto. The salt of leaf i is block i of the AES-256-CTR key stream (NIST
 * SP 800-38A §6.5) that begins at the counter block position (u64be) ‖ 0 (u64be): nothing is stored for a reading, and any
 * salt can be made without the others.
 */
import { createCipheriv } from 'node:crypto';
import { fieldsOfRecord, type HiddenHeader } from '@airtight/protocol';
import { FIELD_TREE_MAX_LEAVES, type FieldTree, fieldTree, fieldTreeSize, SALT_BYTES, type TreeField } from '@airtight/tlog';
import { nodeSha256 } from '../batch/running-root.ts';

const ZEROS = Buffer.alloc(FIELD_TREE_MAX_LEAVES * SALT_BYTES);
const counterBlock = Buffer.alloc(16);

export interface Commitment {
  readonly fields: readonly TreeField[];
  readonly salts: Uint8Array;
  readonly tree: FieldTree;
}

/** Salts of the leaves of the record at a position, SALT_BYTES each. */
export function saltsOf(key: Uint8Array, position: number, leaves: number): Buffer {
  counterBlock.writeUInt32BE(Math.floor(position / 0x1_0000_0000), 0);
  counterBlock.writeUInt32BE(position >>> 0, 4);
  return createCipheriv('aes-256-ctr', key, counterBlock).update(ZEROS.subarray(0, leaves * SALT_BYTES));
}

/** What the record at this position commits to. */
export function commitTo(header: HiddenHeader, payload: Uint8Array, position: number, key: Uint8Array): Commitment {
  const fields = fieldsOfRecord(header, payload);
  const salts = saltsOf(key, position, fieldTreeSize(fields.length));
  return { fields, salts, tree: fieldTree(fields, salts, nodeSha256) };
}
