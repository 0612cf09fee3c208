/** The commitment of a confidential record, by node:crypto. */
import { fieldsOfRecord, type HiddenHeader } from '@airtight/protocol';
import { type FieldTree, fieldTree, fieldTreeSize, type TreeField } from '@airtight/tlog';
import { nodeSha256 } from '../batch/running-root.ts';
import type { SaltStream } from './salt-stream.ts';

export interface Commitment {
  readonly fields: readonly TreeField[];
  /** Of the leaves: of the fields in their order, then of the dummies. */
  readonly salts: Uint8Array;
  readonly tree: FieldTree;
}

/** What the record at this position commits to. */
export function commitTo(header: HiddenHeader, payload: Uint8Array, position: number, stream: SaltStream): Commitment {
  const fields = fieldsOfRecord(header, payload);
  const salts = stream.saltsOf(position, fieldTreeSize(fields.length));
  return { fields, salts, tree: fieldTree(fields, salts, nodeSha256) };
}
