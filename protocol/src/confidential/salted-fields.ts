/**
 * The fields of a confidential record, in their fixed order; any of them can be shown without the others:
 *
 * | name        | value                                                          |
 * | ----------- | -------------------------------------------------------------- |
 * | `payload`   | the payload's exact bytes                                      |
 * | `messageId` | that of the header, RFC 8785; where it has one                 |
 * | `signature` | that of the header, RFC 8785; where it has one                 |
 * | `/m/pm25` … | of a JSON payload every leaf by its JSON Pointer, RFC 8785     |
 *
 * A leaf is a string, number, true, false, null, or an empty object or array. Members stand in the order of RFC 8785,
 * items in their own. A payload that is no JSON, or has too many leaves, has only the fields before.
 */
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import {
  type DisclosedField,
  decodeBase64,
  encodeBase64,
  FIELD_TREE_MAX_LEAVES,
  type FieldDisclosure,
  nobleSha256,
  rootOfDisclosure,
  type Sha256,
  type TreeField,
} from '@airtight/tlog';
import { parseJson } from '../formats/json-text.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import { type DecodedRecord, decodeRecord, type RecordHeader, SALTED_FIELDS } from '../records/record.ts';

export const PAYLOAD_FIELD = 'payload';
const MESSAGE_ID_FIELD = 'messageId';
export const SIGNATURE_FIELD = 'signature';
/** Fields that no pointer can name: together they are the whole record. */
export const WHOLE_RECORD_FIELDS: readonly string[] = [PAYLOAD_FIELD, MESSAGE_ID_FIELD, SIGNATURE_FIELD];
const JSON_TYPES = /^application\/(?:[a-z0-9.-]+\+)?json$/;
/** A pointer is no longer than this: names come from outside, and a proof shows them. */
const POINTER_MAX_LENGTH = 1024;
const POINTER = /^(?:\/(?:[^~/]|~0|~1)*)*$/;
const ROOT_BYTES = 32;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a proven confidential record tells. */
export interface OpenedRecord {
  /** The committed header, with `messageId` and `signature` where they are disclosed. */
  readonly header: RecordHeader;
  /** Undefined where it is not disclosed. */
  readonly payload: Uint8Array | undefined;
  /** Every disclosed field: for `payload` the base64 of its bytes, for all others canonical JSON. */
  readonly fields: readonly Pick<DisclosedField, 'name' | 'value'>[];
}

/** True for a record of which the ledger holds a commitment: what stands for its payload is a root. */
export function isSalted(header: Pick<RecordHeader, 'commitment'>): boolean {
  return header.commitment === SALTED_FIELDS;
}

/** What of a header its fields are made of. */
export type HiddenHeader = { readonly [member in 'messageId' | 'signature']?: RecordHeader[member] | undefined } & Pick<
  RecordHeader,
  'contentType'
>;

/** The fields of a record, in the order in which their salts are taken. */
export function fieldsOfRecord({ messageId, signature, contentType }: HiddenHeader, payload: Uint8Array): TreeField[] {
  const fields: TreeField[] = [{ name: PAYLOAD_FIELD, value: payload }];
  if (messageId !== undefined) fields.push({ name: MESSAGE_ID_FIELD, value: canonicalJson(messageId) });
  if (signature !== undefined) fields.push({ name: SIGNATURE_FIELD, value: canonicalJson(signature) });
  const own = fields.length;
  if (JSON_TYPES.test(contentType) && !addLeaves(payload, fields)) fields.length = own;
  return fields;
}

/** @returns false when the payload has no leaves that could be named */
function addLeaves(payload: Uint8Array, fields: TreeField[]): boolean {
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch {
    return false;
  }
  const json = parseJson(text);
  return json.ok && addLeaf('', json.value, fields);
}

/** @returns false when there are too many, or a text has no canonical form */
function addLeaf(name: string, value: unknown, fields: TreeField[]): boolean {
  if (typeof value === 'object' && value !== null) {
    const isArray = Array.isArray(value);
    const members = isArray ? Array.from(value.keys(), String) : Object.keys(value).sort();
    if (members.length > FIELD_TREE_MAX_LEAVES) return false;
    for (const member of members) {
      const token = isArray || !/[~/]/.test(member) ? member : member.replaceAll('~', '~0').replaceAll('/', '~1');
      if (!addLeaf(`${name}/${token}`, (value as { readonly [member: string]: unknown })[member], fields)) return false;
    }
    if (members.length > 0) return true;
  }
  const isText = typeof value === 'string';
  if (fields.length >= FIELD_TREE_MAX_LEAVES || name.length > POINTER_MAX_LENGTH || !name.isWellFormed()) return false;
  if (isText && !value.isWellFormed()) return false;
  fields.push({ name, value: JSON.stringify(value) });
  return true;
}

/** A field as a proof shows it. */
export function shownValue({ value }: TreeField): string {
  return typeof value === 'string' ? value : encodeBase64(value);
}

/**
 * Holds disclosed fields against the record that commits to them.
 * @param record committed header, and the root in the place of the payload
 * @param disclosure absent: nothing is disclosed
 * @returns PROOF_MALFORMED for what is no disclosure of such a record; PROOF_MISMATCH when the fields are not the record's
 */
export function openRecord(
  { header, payload: root }: DecodedRecord,
  disclosure: FieldDisclosure | undefined,
  sha: Sha256 = nobleSha256,
): Outcome<OpenedRecord> {
  if (!isSalted(header)) return refuse('PROOF_MALFORMED', 'fields are disclosed of a record that hides none');
  if (root.length !== ROOT_BYTES) return refuse('PROOF_MALFORMED', `the record holds ${root.length} bytes, not a root of ${ROOT_BYTES}`);
  if (header.messageId !== undefined || header.signature !== undefined)
    return refuse('PROOF_MALFORMED', 'the header tells what such a record hides');
  if (disclosure === undefined) return accept({ header, payload: undefined, fields: [] });
  const wrong = disclosure.fields.find((field) => !isField(field));
  if (wrong !== undefined) return refuse('PROOF_MALFORMED', `${JSON.stringify(wrong.name.slice(0, 80))} is no field in canonical form`);
  const computed = rootOfDisclosure(disclosure, hashedValue, sha);
  if (!computed.ok) return refuse(computed.code, computed.detail);
  if (computed.value.some((byte, at) => byte !== root[at]))
    return refuse('PROOF_MISMATCH', 'fields and salts do not lead to the root in the record');
  return agreeing(header, disclosure.fields);
}

/** What a disclosed field's leaf hash covers. */
export function hashedValue({ name, value }: Pick<DisclosedField, 'name' | 'value'>): TreeField['value'] {
  return name === PAYLOAD_FIELD ? bytesOf(value) : value;
}

/** The disclosed fields as a record. @returns PROOF_MISMATCH when a field says something else than the disclosed payload */
function agreeing(header: RecordHeader, disclosed: readonly DisclosedField[]): Outcome<OpenedRecord> {
  const fields = disclosed.map(({ name, value }) => ({ name, value }));
  const values = new Map(fields.map(({ name, value }) => [name, value]));
  const shown = values.get(PAYLOAD_FIELD);
  const payload = shown === undefined ? undefined : bytesOf(shown);
  const opened: RecordHeader = { ...header, ...memberOf(values, MESSAGE_ID_FIELD), ...memberOf(values, SIGNATURE_FIELD) };
  if (payload !== undefined) {
    const own = new Map(fieldsOfRecord(opened, payload).map((field) => [field.name, shownValue(field)]));
    const stranger = fields.find(({ name, value }) => own.get(name) !== value);
    if (stranger !== undefined) return refuse('PROOF_MISMATCH', `${stranger.name} is not what the disclosed payload says`);
  }
  return accept({ header: opened, payload, fields });
}

function memberOf(values: ReadonlyMap<string, string>, name: string): object {
  const value = values.get(name);
  return value === undefined ? {} : { [name]: JSON.parse(value) };
}

function isField({ name, value }: DisclosedField): boolean {
  if (name === PAYLOAD_FIELD) return decodeBase64(value) !== null;
  const isName = name === MESSAGE_ID_FIELD || name === SIGNATURE_FIELD || (name.length <= POINTER_MAX_LENGTH && POINTER.test(name));
  if (!isName || !name.isWellFormed()) return false;
  try {
    return canonicalJson(JSON.parse(value)) === value;
  } catch {
    return false;
  }
}

/** @param text base64, as isField has seen; of anything else nothing is hashed */
function bytesOf(text: string): Uint8Array {
  return decodeBase64(text) ?? new Uint8Array(0);
}

/**
 * A proven record as readers want it: payload and whole header. Of a confidential record what its disclosure shows.
 * @returns codes of decodeRecord and openRecord; PAYLOAD_HIDDEN when the payload is not disclosed
 */
export function readableRecord(bytes: Uint8Array, disclosure: FieldDisclosure | undefined, sha?: Sha256): Outcome<DecodedRecord> {
  const record = decodeRecord(bytes);
  if (!record.ok || !isSalted(record.value.header)) return record;
  const opened = openRecord(record.value, disclosure, sha);
  if (!opened.ok) return opened;
  const { header, payload } = opened.value;
  return payload === undefined ? refuse('PAYLOAD_HIDDEN', 'the payload is not disclosed') : accept({ header, payload });
}
