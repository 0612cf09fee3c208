/** Fields of a stored confidential record with what proves them. Only here is what it takes: payload and key. */
import { AirtightError, decodeRecord, recordIn, saltedRootIn, shownValue, WHOLE_RECORD_FIELDS } from '@airtight/protocol';
import { type FieldDisclosure, fieldProof, SALT_BYTES, type TreeField } from '@airtight/tlog';
import { nodeSha256 } from '../batch/running-root.ts';
import { commitTo } from './commitment.ts';
import type { SaltKeys } from './salt-keys.ts';

/** Which fields: all, those that hold the whole record without naming its parts, or these. */
export type WantedFields = 'all' | 'whole' | readonly string[];

/**
 * @param body of the record at this position, salted
 * @throws AirtightError FIELD_UNKNOWN; SALTS_UNREADABLE when the key is gone; COMMITMENT_MISMATCH when payload or key is not
 *   what the record was committed with
 */
export function discloseFields(body: Uint8Array, position: number, wanted: WantedFields, keys: SaltKeys): FieldDisclosure {
  const record = decodeRecord(recordIn(body));
  if (!record.ok) throw new AirtightError(record.code, record.detail);
  const { header, payload } = record.value;
  const stream = keys.streamOf(header.producer, header.receivedAt, position);
  if (stream === undefined) throw new AirtightError('SALTS_UNREADABLE', `record ${position} has no key`);
  const { fields, salts, tree } = commitTo(header, payload, position, stream);
  const root = saltedRootIn(body);
  if (tree.root.some((byte, at) => byte !== root[at])) throw new AirtightError('COMMITMENT_MISMATCH', `record ${position}`);
  const shown = chosen(fields, wanted).map((leaf) => {
    const field = fields[leaf] as TreeField;
    const salt = salts.slice(leaf * SALT_BYTES, (leaf + 1) * SALT_BYTES);
    return { index: tree.places[leaf] as number, name: field.name, salt, value: shownValue(field) };
  });
  shown.sort((a, b) => a.index - b.index);
  const places = shown.map(({ index }) => index);
  return { size: salts.length / SALT_BYTES, hashes: fieldProof(tree, places, nodeSha256), fields: shown };
}

function chosen(fields: readonly TreeField[], wanted: WantedFields): number[] {
  if (typeof wanted === 'string') {
    return [...fields.keys()].filter((leaf) => wanted === 'all' || WHOLE_RECORD_FIELDS.includes((fields[leaf] as TreeField).name));
  }
  return [...new Set(wanted)].map((name) => {
    const leaf = fields.findIndex((field) => field.name === name);
    if (leaf < 0) throw new AirtightError('FIELD_UNKNOWN', JSON.stringify(name.slice(0, 80)));
    return leaf;
  });
}
