/** The leaf hash of a confidential record covers a root alone: whether the content is that of the root, only the keys can tell. */
import { AirtightError, type Code, decodeRecord, recordIn, saltedRootIn } from '@airtight/protocol';
import { commitTo } from './commitment.ts';
import type { SaltKeys } from './salt-keys.ts';

/**
 * @param body of the record at this position, salted
 * @returns COMMITMENT_MISMATCH, SALTS_UNREADABLE, RECORD_MALFORMED; undefined when nothing is wrong
 */
export function commitmentFault(
  body: Uint8Array,
  position: number,
  keys: SaltKeys,
): { readonly code: Code; readonly detail: string } | undefined {
  const record = decodeRecord(recordIn(body));
  if (!record.ok) return record;
  const { header, payload } = record.value;
  try {
    const stream = keys.streamOf(header.producer, header.receivedAt, position);
    if (stream === undefined) return { code: 'SALTS_UNREADABLE', detail: `record ${position} has no key` };
    const { tree } = commitTo(header, payload, position, stream);
    const root = saltedRootIn(body);
    if (tree.root.every((byte, at) => byte === root[at])) return undefined;
    return { code: 'COMMITMENT_MISMATCH', detail: `record ${position}` };
  } catch (error) {
    if (error instanceof AirtightError) return { code: error.code, detail: error.detail };
    throw error;
  }
}
