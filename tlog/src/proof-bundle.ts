/**
 * Proof bundles `*.airtight-proof.json`: everything a person needs to verify one record without asking anybody.
 *
 *   {"format": "airtight-proof@1",
 *    "record": <base64>, "position": n,
 *    "batch": {"record": <base64 of the batch record's bytes>, "index": i, "path": [<base64>…]},
 *    "ledger": {"index": n, "path": [<base64>…]},
 *    "checkpoint": "<signed note>",
 *    "policy"?: "<lower-case hex SHA-256, policyFingerprint>",
 *    "anchors"?: [{"sink", "kind", "checkpoint", "path", "receipt"}…],
 *    "disclosure"?: <field-disclosure.ts>,
 *    "deviceKey"?: {"record", "position", "batch", "ledger"}}
 *
 * `policy` is the fingerprint of the trust policy that the maker publishes, `anchors` what others hold of the log (anchor.ts).
 * The record of a confidential dataset holds a commitment in the place of its payload; `disclosure` shows fields of it.
 * `deviceKey` is a second record under the same checkpoint: that of the key with which the device signed the first.
 * No other key is taken, and base64 is strict: a changed character cannot hide in a bundle.
 */
import { type Anchor, anchorJson, toAnchors } from './anchor.ts';
import { encodeBase64 } from './base64.ts';
import { fieldsOf, readBundleFields, toBytes, toFingerprint, toHashes, toOrdinal, wrong } from './bundle-fields.ts';
import { disclosureJson, toDisclosure } from './field-disclosure.ts';
import type { FieldDisclosure } from './field-tree.ts';
import { PATH_MAX_HASHES } from './tlog-proof.ts';
import type { Verdict } from './verdict.ts';

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
  /** Fingerprint of the policy it was made under: says whom the maker trusts, proves nothing. */
  readonly policy?: string;
  /** What others hold of a checkpoint that covers it. */
  readonly anchors?: readonly Anchor[];
  /** Fields of a record that holds a commitment in the place of its payload. */
  readonly disclosure?: FieldDisclosure;
  /** The record of the signing key, under the same checkpoint. */
  readonly deviceKey?: ProvenRecord;
}

/** @returns BUNDLE_MALFORMED naming the field that is wrong; whether the bundle proves anything is for verifyBundle */
export function parseBundle(text: string): Verdict<ProofBundle> {
  return readBundleFields(text, BUNDLE_MAX_CHARACTERS, (json) => {
    const fields = fieldsOf(json, 'bundle', ['format', ...RECORD_FIELDS, 'checkpoint', 'policy', 'anchors', 'disclosure', 'deviceKey']);
    if (fields.format !== BUNDLE_FORMAT) throw wrong('format', `not ${BUNDLE_FORMAT}`);
    if (typeof fields.checkpoint !== 'string') throw wrong('checkpoint', 'not a text');
    const bundle = {
      ...toProvenRecord(fields, ''),
      checkpoint: fields.checkpoint,
      ...(fields.policy === undefined ? {} : { policy: toFingerprint(fields.policy) }),
      ...(fields.anchors === undefined ? {} : { anchors: toAnchors(fields.anchors, 'anchors') }),
      ...(fields.disclosure === undefined ? {} : { disclosure: toDisclosure(fields.disclosure, 'disclosure') }),
    };
    if (fields.deviceKey === undefined) return bundle;
    const deviceKey = toProvenRecord(fieldsOf(fields.deviceKey, 'deviceKey', RECORD_FIELDS), 'deviceKey.');
    return { ...bundle, deviceKey };
  });
}

/** The bundle as a file: JSON in one line, an eighth smaller than indented. */
export function formatBundle(bundle: ProofBundle): string {
  const json = {
    format: BUNDLE_FORMAT,
    ...provenRecordJson(bundle),
    checkpoint: bundle.checkpoint,
    ...(bundle.policy === undefined ? {} : { policy: bundle.policy }),
    ...(bundle.anchors === undefined ? {} : { anchors: bundle.anchors.map(anchorJson) }),
    ...(bundle.disclosure === undefined ? {} : { disclosure: disclosureJson(bundle.disclosure) }),
    ...(bundle.deviceKey === undefined ? {} : { deviceKey: provenRecordJson(bundle.deviceKey) }),
  };
  return `${JSON.stringify(json)}\n`;
}

function provenRecordJson({ record, position, batch, ledger }: ProvenRecord): object {
  return {
    record: encodeBase64(record),
    position,
    batch: { record: encodeBase64(batch.record), index: batch.index, path: batch.path.map(encodeBase64) },
    ledger: { index: ledger.index, path: ledger.path.map(encodeBase64) },
  };
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
      path: toHashes(batch.path, `${at}batch.path`, PATH_MAX_HASHES),
    },
    ledger: { index: toOrdinal(ledger.index, `${at}ledger.index`), path: toHashes(ledger.path, `${at}ledger.path`, PATH_MAX_HASHES) },
  };
}
