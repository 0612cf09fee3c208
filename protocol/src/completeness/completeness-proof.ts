/**
 * Completeness proofs `*.airtight-complete.json`: a run of a stream's batches without gap, with, for each of them, the proof
 * of how many records one producer has in it, and these records.
 *
 *   {"format": "airtight-completeness@1",
 *    "agency", "dataset", "producer",
 *    "from": ms, "to": ms,                  the readings' own time that is asked about: [from, to)
 *    "until": ms,                           … as received until then
 *    "checkpoint": "<signed note>",
 *    "next"?: n,                            number of the batch that the next part begins with; absent in the last part
 *    "ledger": {"index": n, "path": [<base64>…]},          of the last batch; `prev` binds the others to it
 *    "batches": [
 *      {"record": <base64>,
 *       "lines": [{"index": i, "line": [agency, dataset, producer, count]}…], "linesPath": [<base64>…],
 *       "path"?: [<base64>…],
 *       "records"?: [{"position": n, "leafHash": <base64>, "record"?: <base64>}…]}…],
 *    "beside"?: <airtight-proof-set@1>}
 *
 * `lines` are those of the index of producers that show the count: the producer's own, or the one or two between which it
 * would stand. `linesPath` and `path` are multi-proofs. A record without bytes lost its payload by policy: the record that
 * says so stands in `beside`, as do the dataset's definition, Sparkplug births and keys of devices.
 *
 * A longer range comes in several such files, its parts. Each can be checked alone; that they join is told by their batches.
 */
import {
  encodeBase64,
  fieldsOf,
  type ProofSet,
  parseProofSet,
  readBundleFields,
  toBytes,
  toHash,
  toHashes,
  toList,
  toOrdinal,
  type Verdict,
  wrong,
} from '@airtight/tlog';
import { BATCH_MAX_RECORDS } from '../batches/batch.ts';
import type { ProducerCount, ProducerName } from '../batches/producer-index.ts';

export const COMPLETENESS_FORMAT = 'airtight-completeness@1';
/** Of one file: nearly three hours at a batch a second, more where batches are rarer. Some 10 MB; a longer range comes in parts. */
export const COMPLETENESS_MAX_BATCHES = 10_000;
/** Of one file, of the producer: two weeks at one a minute. */
export const COMPLETENESS_MAX_RECORDS = 20_000;
export const COMPLETENESS_MAX_CHARACTERS = 100_000_000;
/** Records of a part, in base64, after which it takes no further batches: what stands beside them has room in the file. */
export const COMPLETENESS_PART_MAX_CHARACTERS = 32_000_000;
/** Hashes of a multi-proof in a batch: 12 levels for each of its leaves at the most. */
const PATH_MAX_HASHES = 12 * BATCH_MAX_RECORDS;
const LEDGER_PATH_MAX_HASHES = 63;

export interface IndexLine {
  /** Place in the index of producers. */
  readonly index: number;
  readonly line: ProducerCount;
}

export interface CompleteRecord {
  /** Journal position. */
  readonly position: number;
  readonly leafHash: Uint8Array;
  /** Absent where the payload was removed by policy. */
  readonly record?: Uint8Array;
}

export interface CompleteBatch {
  /** Bytes of the batch record. */
  readonly record: Uint8Array;
  readonly lines: readonly IndexLine[];
  readonly linesPath: readonly Uint8Array[];
  readonly path: readonly Uint8Array[];
  readonly records: readonly CompleteRecord[];
}

export interface CompletenessProof extends ProducerName {
  /** Epoch ms: readings of the time [from, to) … */
  readonly from: number;
  readonly to: number;
  /** … as received until then. */
  readonly until: number;
  /** Number of the batch that the next part begins with; absent in the last part. */
  readonly next?: number;
  readonly checkpoint: string;
  readonly ledger: { readonly index: number; readonly path: readonly Uint8Array[] };
  readonly batches: readonly CompleteBatch[];
  readonly beside?: ProofSet;
}

/** Whether a text says of itself that it is such a file. */
export function isCompletenessProof(text: string): boolean {
  return /"format"\s*:\s*"airtight-completeness@/.test(text.slice(0, 200));
}

/** @returns BUNDLE_MALFORMED naming the field that is wrong; whether it proves anything is for verifyCompleteness */
export function parseCompletenessProof(text: string): Verdict<CompletenessProof> {
  return readBundleFields(text, COMPLETENESS_MAX_CHARACTERS, (json) => {
    const keys = [
      'format',
      'agency',
      'dataset',
      'producer',
      'from',
      'to',
      'until',
      'next',
      'checkpoint',
      'ledger',
      'batches',
      'beside',
    ] as const;
    const fields = fieldsOf(json, 'proof', keys);
    if (fields.format !== COMPLETENESS_FORMAT) throw wrong('format', `not ${COMPLETENESS_FORMAT}`);
    const ledger = fieldsOf(fields.ledger, 'ledger', ['index', 'path']);
    const [from, to, until] = [toOrdinal(fields.from, 'from'), toOrdinal(fields.to, 'to'), toOrdinal(fields.until, 'until')];
    if (from >= to) throw wrong('to', 'not after from');
    const batches = toList(fields.batches, 'batches', 1, COMPLETENESS_MAX_BATCHES).map((batch, at) => toBatch(batch, `batches[${at}]`));
    const records = batches.reduce((sum, { records: own }) => sum + own.length, 0);
    if (records > COMPLETENESS_MAX_RECORDS) throw wrong('batches', `more than ${COMPLETENESS_MAX_RECORDS} records`);
    return {
      agency: toText(fields.agency, 'agency'),
      dataset: toText(fields.dataset, 'dataset'),
      producer: toText(fields.producer, 'producer'),
      ...{ from, to, until, batches },
      ...(fields.next === undefined ? {} : { next: toOrdinal(fields.next, 'next') }),
      checkpoint: toText(fields.checkpoint, 'checkpoint'),
      ledger: { index: toOrdinal(ledger.index, 'ledger.index'), path: toHashes(ledger.path, 'ledger.path', LEDGER_PATH_MAX_HASHES) },
      ...(fields.beside === undefined ? {} : { beside: toProofSet(fields.beside) }),
    };
  });
}

/** A proof as it comes from the service, whose binary parts are base64 already. */
export interface CompletenessJson extends ProducerName {
  readonly from: number;
  readonly to: number;
  readonly until: number;
  /** Number of the batch that the next part begins with; absent in the last part. */
  readonly next?: number;
  readonly checkpoint: string;
  readonly ledger: { readonly index: number; readonly path: readonly Uint8Array[] };
  readonly batches: readonly CompleteBatchJson[];
  /** Text of a proof set. */
  readonly beside?: string;
}

export interface CompleteBatchJson {
  readonly record: string;
  readonly lines: readonly { readonly index: number; readonly line: readonly [string, string, string, number] }[];
  readonly linesPath: readonly string[];
  readonly path?: readonly string[];
  readonly records?: readonly { readonly position: number; readonly leafHash: string; readonly record?: string }[];
}

/** The proof as a file: JSON, a batch a line. */
export function formatCompletenessProof({ batches, beside, ledger, ...named }: CompletenessJson): string {
  const head = { format: COMPLETENESS_FORMAT, ...named, ledger: { index: ledger.index, path: ledger.path.map(encodeBase64) } };
  const lines = batches.map((batch) => JSON.stringify(batch)).join(',\n');
  const tail = beside === undefined ? '' : `,"beside":${beside.trimEnd()}`;
  return `${JSON.stringify(head).slice(0, -1)},"batches":[\n${lines}\n]${tail}}\n`;
}

function toBatch(json: unknown, at: string): CompleteBatch {
  const fields = fieldsOf(json, at, ['record', 'lines', 'linesPath', 'path', 'records']);
  return {
    record: toBytes(fields.record, `${at}.record`),
    lines: toList(fields.lines, `${at}.lines`, 1, 2).map((line, i) => toLine(line, `${at}.lines[${i}]`)),
    linesPath: toHashes(fields.linesPath, `${at}.linesPath`, PATH_MAX_HASHES),
    path: toHashes(fields.path ?? [], `${at}.path`, PATH_MAX_HASHES),
    records: toList(fields.records ?? [], `${at}.records`, 0, BATCH_MAX_RECORDS).map((one, i) => toRecord(one, `${at}.records[${i}]`)),
  };
}

function toLine(json: unknown, at: string): IndexLine {
  const { index, line } = fieldsOf(json, at, ['index', 'line']);
  const [agency, dataset, producer, count] = toList(line, `${at}.line`, 4, 4);
  return {
    index: toOrdinal(index, `${at}.index`),
    line: {
      agency: toText(agency, `${at}.line`),
      dataset: toText(dataset, `${at}.line`),
      producer: toText(producer, `${at}.line`),
      count: toOrdinal(count, `${at}.line`),
    },
  };
}

function toRecord(json: unknown, at: string): CompleteRecord {
  const { position, leafHash, record } = fieldsOf(json, at, ['position', 'leafHash', 'record']);
  return {
    position: toOrdinal(position, `${at}.position`),
    leafHash: toHash(leafHash, `${at}.leafHash`),
    ...(record === undefined ? {} : { record: toBytes(record, `${at}.record`) }),
  };
}

function toText(json: unknown, at: string): string {
  if (typeof json !== 'string') throw wrong(at, 'not a text');
  return json;
}

function toProofSet(json: unknown): ProofSet {
  const set = parseProofSet(JSON.stringify(json));
  if (!set.ok) throw wrong('beside', set.detail);
  return set.value;
}
