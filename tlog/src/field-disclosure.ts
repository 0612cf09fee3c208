/**
 * Disclosed fields as they stand in a proof file:
 *
 *   {"size": n, "hashes": [<base64>…], "fields": [{"index": n, "name": "…", "salt": <base64>, "value": "…"}…]}
 *
 * Fields ascend by index, no name stands there twice, and no other key is taken. Whether they are those of the record is
 * for who knows what a record is.
 */
import { encodeBase64 } from './base64.ts';
import { fieldsOf, toBytes, toHashes, toList, toOrdinal, wrong } from './bundle-fields.ts';
import { type DisclosedField, FIELD_TREE_MAX_LEAVES, type FieldDisclosure, SALT_BYTES } from './field-tree.ts';

export function disclosureJson({ size, hashes, fields }: FieldDisclosure): object {
  return {
    size,
    hashes: hashes.map(encodeBase64),
    fields: fields.map(({ index, name, salt, value }) => ({ index, name, salt: encodeBase64(salt), value })),
  };
}

/** To be called inside readBundleFields. @param at where it stands */
export function toDisclosure(json: unknown, at: string): FieldDisclosure {
  const { size, hashes, fields } = fieldsOf(json, at, ['size', 'hashes', 'fields']);
  const list = toList(fields, `${at}.fields`, 1, FIELD_TREE_MAX_LEAVES).map((field, i) => toField(field, `${at}.fields[${i}]`));
  if (list.some(({ index }, i) => i > 0 && index <= (list[i - 1] as DisclosedField).index)) {
    throw wrong(`${at}.fields`, 'not in ascending order of index');
  }
  if (new Set(list.map(({ name }) => name)).size < list.length) throw wrong(`${at}.fields`, 'a name stands there twice');
  return { size: toOrdinal(size, `${at}.size`), hashes: toHashes(hashes, `${at}.hashes`, FIELD_TREE_MAX_LEAVES), fields: list };
}

function toField(json: unknown, at: string): DisclosedField {
  const { index, name, salt, value } = fieldsOf(json, at, ['index', 'name', 'salt', 'value']);
  const bytes = toBytes(salt, `${at}.salt`);
  if (bytes.length !== SALT_BYTES) throw wrong(`${at}.salt`, `${bytes.length} bytes, not ${SALT_BYTES}`);
  if (typeof name !== 'string') throw wrong(`${at}.name`, 'not a text');
  if (typeof value !== 'string') throw wrong(`${at}.value`, 'not a text');
  return { index: toOrdinal(index, `${at}.index`), name, salt: bytes, value };
}
