/**
 * Proof sets `*.airtight-proofs.json`: one file that proves many records, under one checkpoint.
 *
 *   {"format": "airtight-proof-set@1",
 *    "policy"?: "<lower-case hex SHA-256, policyFingerprint>",
 *    "checkpoint": "<signed note>",
 *    "anchors"?: [{"sink", "kind", "checkpoint", "path", "receipt"}…],
 *    "ledger": [<base64>…],
 *    "batches": [
 *      {"record": <base64 of the batch record's bytes>, "index": n, "entryHash": <base64>, "path": [<base64>…],
 *       "records": [{"position": n, "leafHash": <base64>, "record": <base64>, "disclosure"?: <field-disclosure.ts>}…]}…]}
 *
 * `ledger` and `path` are multi-proofs (multi-proof.ts): of all batches in the checkpoint's tree, and of the records in
 * their batch's tree. `index` is the ledger's; a record's place in its batch follows from its position. Leaf and entry
 * hashes could be computed: they stand there so that of many records exactly the changed one fails.
 *
 * Batches ascend by index, the records of a batch by position; no position stands there twice. No other key is taken, and
 * base64 is strict: a changed character cannot hide.
 */
import { type Anchor, anchorJson, toAnchors } from './anchor.ts';
import { encodeBase64 } from './base64.ts';
import { fieldsOf, readBundleFields, toBytes, toFingerprint, toHash, toHashes, toList, toOrdinal, wrong } from './bundle-fields.ts';
import { disclosureJson, toDisclosure } from './field-disclosure.ts';
import type { FieldDisclosure } from './field-tree.ts';
import { PATH_MAX_HASHES } from './tlog-proof.ts';
import type { Verdict } from './verdict.ts';

export const PROOF_SET_FORMAT = 'airtight-proof-set@1';
/** Readings that are asked for, 10,000 at most, and what some of them need beside: births and keys. */
export const PROOF_SET_MAX_RECORDS = 20_000;
/** 10,000 readings of 300 bytes, each in a batch of its own, take some 20 MB. */
export const PROOF_SET_MAX_CHARACTERS = 100_000_000;

export interface SetRecord {
  /** Journal position. */
  readonly position: number;
  /** As the file states it; the verifier holds it against the record. */
  readonly leafHash: Uint8Array;
  readonly record: Uint8Array;
  /** Fields of a record that holds a commitment in the place of its payload. */
  readonly disclosure?: FieldDisclosure;
}

export interface SetBatch {
  /** Bytes of the batch record: the entry of the ledger. */
  readonly record: Uint8Array;
  /** Index of that entry. */
  readonly index: number;
  /** As the file states it; the verifier holds it against the batch record. */
  readonly entryHash: Uint8Array;
  /** Multi-proof of the records in the batch's tree. */
  readonly path: readonly Uint8Array[];
  readonly records: readonly SetRecord[];
}

export interface ProofSet {
  /** Fingerprint of the policy it was made under: says whom the maker trusted, proves nothing. */
  readonly policy?: string;
  /** The signed checkpoint with its cosignatures, verbatim. */
  readonly checkpoint: string;
  /** What others hold of a checkpoint that covers all of it. */
  readonly anchors?: readonly Anchor[];
  /** Multi-proof of the batches in the checkpoint's tree. */
  readonly ledger: readonly Uint8Array[];
  readonly batches: readonly SetBatch[];
}

/** What a file is by the format that it names; undefined when it is neither. */
export function proofFormatOf(text: string): 'one' | 'set' | undefined {
  const [, name] = /"format"\s*:\s*"(airtight-proof(?:-set)?)@/.exec(text.slice(0, 200)) ?? [];
  return name === undefined ? undefined : name === 'airtight-proof' ? 'one' : 'set';
}

/** @returns BUNDLE_MALFORMED naming the field that is wrong; whether the set proves anything is for verifyProofSet */
export function parseProofSet(text: string): Verdict<ProofSet> {
  return readBundleFields(text, PROOF_SET_MAX_CHARACTERS, (json) => {
    const fields = fieldsOf(json, 'set', ['format', 'policy', 'checkpoint', 'anchors', 'ledger', 'batches']);
    if (fields.format !== PROOF_SET_FORMAT) throw wrong('format', `not ${PROOF_SET_FORMAT}`);
    if (typeof fields.checkpoint !== 'string') throw wrong('checkpoint', 'not a text');
    const batches = toList(fields.batches, 'batches', 1, PROOF_SET_MAX_RECORDS).map((batch, at) => toBatch(batch, `batches[${at}]`));
    if (!ascend(batches.map(({ index }) => index))) throw wrong('batches', 'not in ascending order of index');
    const positions = batches.flatMap(({ records }) => records.map(({ position }) => position));
    if (positions.length > PROOF_SET_MAX_RECORDS) throw wrong('batches', `more than ${PROOF_SET_MAX_RECORDS} records`);
    if (new Set(positions).size < positions.length) throw wrong('batches', 'a position stands there twice');
    const ledger = toHashes(fields.ledger, 'ledger', PATH_MAX_HASHES * batches.length);
    return {
      ...(fields.policy === undefined ? {} : { policy: toFingerprint(fields.policy) }),
      checkpoint: fields.checkpoint,
      ...(fields.anchors === undefined ? {} : { anchors: toAnchors(fields.anchors, 'anchors') }),
      ledger,
      batches,
    };
  });
}

/** The set as a file: JSON, a batch a line. */
export function formatProofSet({ policy, checkpoint, anchors, ledger, batches }: ProofSet): string {
  const head = {
    format: PROOF_SET_FORMAT,
    ...(policy === undefined ? {} : { policy }),
    checkpoint,
    ...(anchors === undefined ? {} : { anchors: anchors.map(anchorJson) }),
    ledger: ledger.map(encodeBase64),
  };
  return `${JSON.stringify(head).slice(0, -1)},"batches":[\n${batches.map((batch) => JSON.stringify(batchJson(batch))).join(',\n')}\n]}\n`;
}

function batchJson({ record, index, entryHash, path, records }: SetBatch): object {
  return {
    record: encodeBase64(record),
    index,
    entryHash: encodeBase64(entryHash),
    path: path.map(encodeBase64),
    records: records.map(({ position, leafHash, record: bytes, disclosure }) => ({
      position,
      leafHash: encodeBase64(leafHash),
      record: encodeBase64(bytes),
      ...(disclosure === undefined ? {} : { disclosure: disclosureJson(disclosure) }),
    })),
  };
}

function toBatch(json: unknown, at: string): SetBatch {
  const fields = fieldsOf(json, at, ['record', 'index', 'entryHash', 'path', 'records']);
  const records = toList(fields.records, `${at}.records`, 1, PROOF_SET_MAX_RECORDS).map((item, i) => toRecord(item, `${at}.records[${i}]`));
  if (!ascend(records.map(({ position }) => position))) throw wrong(`${at}.records`, 'not in ascending order of position');
  return {
    record: toBytes(fields.record, `${at}.record`),
    index: toOrdinal(fields.index, `${at}.index`),
    entryHash: toHash(fields.entryHash, `${at}.entryHash`),
    path: toHashes(fields.path, `${at}.path`, PATH_MAX_HASHES * records.length),
    records,
  };
}

function toRecord(json: unknown, at: string): SetRecord {
  const { position, leafHash, record, disclosure } = fieldsOf(json, at, ['position', 'leafHash', 'record', 'disclosure']);
  return {
    position: toOrdinal(position, `${at}.position`),
    leafHash: toHash(leafHash, `${at}.leafHash`),
    record: toBytes(record, `${at}.record`),
    ...(disclosure === undefined ? {} : { disclosure: toDisclosure(disclosure, `${at}.disclosure`) }),
  };
}

function ascend(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] as number));
}
