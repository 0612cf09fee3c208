/**
 * Proof bundles `*.airtight-proof.json`: everything a person needs to verify one record without asking anybody.
 *
 *   {"format": "airtight-proof@1",
 *    "record": <base64>, "position": n,
 *    "batch": {"record": <base64 of the batch record's bytes>, "index": i, "path": [<base64>…]},
 *    "ledger": {"index": n, "path": [<base64>…]},
 *    "checkpoint": "<signed note>",
 *    "deviceKey"?: {"record", "position", "batch", "ledger"}}
 *
 * `deviceKey` is a second record under the same checkpoint: that of the key with which the device signed the first.
 * No other key is taken, and base64 is strict: a changed character cannot hide in a bundle.
 */
import { decodeBase64, encodeBase64 } from './base64.ts';
import { HASH_BYTES } from './sha256.ts';
import { PATH_MAX_HASHES } from './tlog-proof.ts';
import { type Fault, fail, pass, type Verdict } from './verdict.ts';

export const BUNDLE_FORMAT = 'airtight-proof@1';
/** A record of at most 257 kB in base64, two paths and a checkpoint with its cosignatures. */
export const BUNDLE_MAX_CHARACTERS = 4_000_000;

const RECORD_FIELDS = ['record', 'position', 'batch', 'ledger'] as const;

export interface ProvenRecord {
  /** Record bytes: the leaf of the batch tree. */
  readonly record: Uint8Array;
  /** Journal position of the record. */
  readonly position: number;
  readonly batch: {
    /** Bytes of the batch record: the entry of the ledger. */
    readonly record: Uint8Array;
    /** Place of the record in the batch. */
    readonly index: number;
    readonly path: readonly Uint8Array[];
  };
  readonly ledger: {
    /** Index of the batch record's entry. */
    readonly index: number;
    readonly path: readonly Uint8Array[];
  };
}

export interface ProofBundle extends ProvenRecord {
  /** The signed checkpoint with its cosignatures, verbatim. */
  readonly checkpoint: string;
  /** The record of the signing key, under the same checkpoint. */
  readonly deviceKey?: ProvenRecord;
}

/** @returns BUNDLE_MALFORMED naming the field that is wrong; whether the bundle proves anything is for verifyBundle */
export function parseBundle(text: string): Verdict<ProofBundle> {
  if (text.length > BUNDLE_MAX_CHARACTERS) return fail('BUNDLE_MALFORMED', `longer than ${BUNDLE_MAX_CHARACTERS} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail('BUNDLE_MALFORMED', error instanceof Error ? error.message : 'not JSON');
  }
  try {
    const fields = fieldsOf(json, 'bundle', ['format', ...RECORD_FIELDS, 'checkpoint', 'deviceKey']);
    if (fields.format !== BUNDLE_FORMAT) throw wrong('format', `not ${BUNDLE_FORMAT}`);
    if (typeof fields.checkpoint !== 'string') throw wrong('checkpoint', 'not a text');
    const bundle = { ...toProvenRecord(fields, ''), checkpoint: fields.checkpoint };
    if (fields.deviceKey === undefined) return pass(bundle);
    const deviceKey = toProvenRecord(fieldsOf(fields.deviceKey, 'deviceKey', RECORD_FIELDS), 'deviceKey.');
    return pass({ ...bundle, deviceKey });
  } catch (error) {
    if (error instanceof WrongField) return error.fault;
    throw error;
  }
}

/** The bundle as a file: JSON with a newline at the end. */
export function formatBundle(bundle: ProofBundle): string {
  const json = {
    format: BUNDLE_FORMAT,
    ...provenRecordJson(bundle),
    checkpoint: bundle.checkpoint,
    ...(bundle.deviceKey === undefined ? {} : { deviceKey: provenRecordJson(bundle.deviceKey) }),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function provenRecordJson({ record, position, batch, ledger }: ProvenRecord): object {
  return {
    record: encodeBase64(record),
    position,
    batch: { record: encodeBase64(batch.record), index: batch.index, path: batch.path.map(encodeBase64) },
    ledger: { index: ledger.index, path: ledger.path.map(encodeBase64) },
  };
}

/** Ends the parsing of nested fields; never leaves this file. */
class WrongField extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.detail);
    this.fault = fault;
  }
}

function wrong(field: string, what: string): WrongField {
  return new WrongField(fail('BUNDLE_MALFORMED', `${field}: ${what}`));
}

function fieldsOf<K extends string>(json: unknown, field: string, keys: readonly K[]): { readonly [key in K]?: unknown } {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw wrong(field, 'not an object');
  const unknown = Object.keys(json).find((key) => !keys.some((known) => known === key));
  if (unknown !== undefined) throw wrong(field, `unknown key ${JSON.stringify(unknown.slice(0, 40))}`);
  return json as { readonly [key in K]?: unknown };
}

/** @param at where the fields stand, with a point at its end */
function toProvenRecord(fields: { readonly [field in (typeof RECORD_FIELDS)[number]]?: unknown }, at: string): ProvenRecord {
  const batch = fieldsOf(fields.batch, `${at}batch`, ['record', 'index', 'path']);
  const ledger = fieldsOf(fields.ledger, `${at}ledger`, ['index', 'path']);
  return {
    record: toBytes(fields.record, `${at}record`),
    position: toOrdinal(fields.position, `${at}position`),
    batch: {
      record: toBytes(batch.record, `${at}batch.record`),
      index: toOrdinal(batch.index, `${at}batch.index`),
      path: toPath(batch.path, `${at}batch.path`),
    },
    ledger: { index: toOrdinal(ledger.index, `${at}ledger.index`), path: toPath(ledger.path, `${at}ledger.path`) },
  };
}

function toOrdinal(json: unknown, field: string): number {
  if (!Number.isSafeInteger(json) || (json as number) < 0) throw wrong(field, 'not a whole number from 0');
  return json as number;
}

function toBytes(json: unknown, field: string): Uint8Array {
  const bytes = typeof json === 'string' ? decodeBase64(json) : null;
  if (bytes === null) throw wrong(field, 'not base64');
  return bytes;
}

function toPath(json: unknown, field: string): Uint8Array[] {
  if (!Array.isArray(json) || json.length > PATH_MAX_HASHES) throw wrong(field, `not a list of at most ${PATH_MAX_HASHES} hashes`);
  return json.map((item, at) => {
    const hash = toBytes(item, `${field}[${at}]`);
    if (hash.length !== HASH_BYTES) throw wrong(`${field}[${at}]`, `${hash.length} bytes, not ${HASH_BYTES}`);
    return hash;
  });
}
