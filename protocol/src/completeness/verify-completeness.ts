/**
 * Verification of a completeness proof, step by step:
 *
 * | step       | establishes                                                                                  |
 * | ---------- | -------------------------------------------------------------------------------------------- |
 * | chain      | the batches follow each other: numbers, positions, and each names the hash of the one before    |
 * | ledger     | the last of them is an entry of the ledger, and with it, by the hashes, all of them              |
 * | checkpoint | the checkpoint is signed by a log of the policy                                                |
 * | witnesses  | the witnesses that the policy asks for have cosigned                                           |
 * | producers  | each batch's number of records of the producer is the one that its batch record commits to       |
 * | records    | these records are in their batches, are this producer's, and there are as many as that number   |
 * | range      | the batches reach from before `from` to `until`                                                |
 *
 * A record that the server keeps back is found by `records`: its batch is named. A long range comes in parts, which are taken
 * one after the other; `chain` goes on from part to part, and `range` names a part that is not there.
 */
import {
  type BundleStep,
  checkpointStep,
  leafHash,
  nobleAlgorithms,
  nobleSha256,
  type Policy,
  readCheckpoint,
  rootFromInclusion,
  rootFromMultiProof,
  type Sha256,
  type SignatureAlgorithms,
  sha256Hex,
  type Verdict,
  verifyQuorum,
  witnessesStep,
} from '@airtight/tlog';
import { type BatchRecord, decodeBatchRecord } from '../batches/batch.ts';
import { compareProducers, type ProducerName, producerLine } from '../batches/producer-index.ts';
import type { Code } from '../codes.ts';
import type { ControlRecord, DatasetDefinition } from '../control.ts';
import { accept, type Outcome, type Refusal, refuse } from '../outcome.ts';
import { ProvenValues } from '../proofs/proven-values.ts';
import { placedRecord } from '../proofs/verify-proof.ts';
import { type CheckedRecord, verifyProofs } from '../proofs/verify-proofs.ts';
import type { Observation } from '../records/observation.ts';
import { decodeRecord, type RecordHeader } from '../records/record.ts';
import { REMOVALS_DATASETS, type Removal, removalsOf } from '../records/removal.ts';
import { sequenceOf } from '../records/sequence-number.ts';
import type { CompleteBatch, CompletenessProof } from './completeness-proof.ts';
import { type ExpectedSlots, expectedSlots, type SlotArrival } from './expected-slots.ts';

/** A reading of the range may be received so much before its own time: a device's clock may be ahead. */
export const CLOCK_AHEAD_MAX_MS = 5 * 60_000;

/** Batches of all parts together: eleven days at one a second. */
export const COMPLETENESS_JOINED_MAX_BATCHES = 1_000_000;
/** Readings whose times are kept for the statement about expected times; a range with more is stated without it. */
const ARRIVALS_MAX = 1_000_000;
/** A lost record takes the slot of its batch's time, or the one before; further ones of the batch change nothing. */
const LOST_SLOTS_MAX = 2;

export type CompletenessStepName = 'chain' | 'ledger' | 'checkpoint' | 'witnesses' | 'producers' | 'records' | 'range';

export interface CompletenessStep {
  readonly step: CompletenessStepName;
  readonly ok: boolean;
  readonly code?: Code;
  readonly detail: string;
}

/** A batch of which fewer records are shown than it holds. */
export interface Withheld {
  readonly seq: number;
  /** Positions of the batch, first and last: among them the missing ones. */
  readonly first: number;
  readonly last: number;
  readonly missing: number;
  /** receivedAt of the batch's last record. */
  readonly receivedAt: number;
}

export interface CompletenessVerdict {
  /** True when every step holds: nothing of this producer was left out. */
  readonly ok: boolean;
  readonly steps: readonly CompletenessStep[];
  /** Batches of the chain by their numbers, and the journal positions that they cover; undefined when they cannot be read. */
  readonly chain?: { readonly firstSeq: number; readonly lastSeq: number; readonly first: number; readonly last: number };
  /** How many records of the producer in the chain are shown and proven. */
  readonly records: number;
  /** Positions of those whose payload was removed by policy. */
  readonly deleted: readonly number[];
  readonly withheld: readonly Withheld[];
  /** What each expected time got; undefined when no definition of the dataset is proven that tells how often it is expected. */
  readonly slots?: ExpectedSlots;
}

export interface CompletenessOptions {
  readonly algorithms?: SignatureAlgorithms;
  readonly sha?: Sha256;
}

interface ReadBatch extends CompleteBatch {
  readonly batch: BatchRecord;
}

/** Verifies a proof in one part. Never throws for anything a proof may hold. */
export function verifyCompleteness(proof: CompletenessProof, policy: Policy, options: CompletenessOptions = {}): CompletenessVerdict {
  const verifier = new CompletenessVerifier(policy, options);
  verifier.take(proof);
  return verifier.verdict();
}

const STEPS: readonly CompletenessStepName[] = ['chain', 'ledger', 'checkpoint', 'witnesses', 'producers', 'records', 'range'];

/** Verifies a proof of one part or of many, and keeps of each no more than what it says: no record, no path. */
export class CompletenessVerifier {
  readonly #policy: Policy;
  readonly #algorithms: SignatureAlgorithms;
  readonly #sha: Sha256;
  readonly #faults = new Map<CompletenessStepName, Refusal>();
  /** What the last part establishes. */
  readonly #held = new Map<CompletenessStepName, string>();
  #question: CompletenessProof | undefined;
  #next: number | undefined;
  #first: BatchRecord | undefined;
  #last: ReadBatch | undefined;
  #counted = 0;
  #records = 0;
  readonly #deleted: DeletedRecord[] = [];
  readonly #withheld: Withheld[] = [];
  readonly #arrivals: SlotArrival[] = [];
  #definition: DatasetDefinition | undefined;

  /** @param policy whom the reader trusts */
  constructor(policy: Policy, { algorithms = nobleAlgorithms, sha = nobleSha256 }: CompletenessOptions = {}) {
    this.#policy = policy;
    this.#algorithms = algorithms;
    this.#sha = sha;
  }

  /** receivedAt of the last batch so far, epoch ms: how far the chain reaches. */
  get reachedAt(): number | undefined {
    return this.#last?.batch.lastAt;
  }

  /**
   * Takes the next part, in order of the batches. Never throws for anything a part may hold.
   * @returns the producer's records in it, shown and proven
   */
  take(proof: CompletenessProof): readonly CheckedRecord[] {
    const batches = readBatches(proof.batches);
    if (!batches.ok) {
      this.#note('chain', batches);
      return [];
    }
    this.#note('chain', this.#joins(proof, batches.value));
    this.#judge(proof, batches.value);
    const beside = this.#beside(proof);
    const held = recordsOf(batches.value, proof, removalsIn(beside, proof), this.#sha);
    if (!held.outcome.ok) this.#note('records', held.outcome);
    this.#keep(proof, held, new ProvenValues([...beside, ...held.records]));
    this.#first ??= (batches.value[0] as ReadBatch).batch;
    this.#last = batches.value.at(-1) as ReadBatch;
    this.#question ??= { ...proof, batches: [] };
    this.#question = { ...this.#question, until: proof.until };
    this.#next = proof.next;
    return held.records;
  }

  /** What the parts that were taken prove together. */
  verdict(): CompletenessVerdict {
    const [question, first, last] = [this.#question, this.#first, this.#last?.batch];
    const unread = this.#faults.get('chain');
    const nothing = { ok: false, records: 0, deleted: [], withheld: [] };
    if (question === undefined || first === undefined || last === undefined)
      return { ...nothing, steps: unread === undefined ? [] : [stepOf('chain', unread)] };
    this.#note('range', rangeOutcome(first, last, question, this.#next));
    this.#held.set('chain', chainText(first, last));
    this.#held.set('producers', `${this.#counted} records of ${question.agency}/${question.dataset}/${question.producer}`);
    this.#held.set('records', `${this.#records} shown, ${this.#deleted.length} removed by policy`);
    const steps = STEPS.map((step) => stepOf(step, this.#faults.get(step) ?? accept(this.#held.get(step) ?? '')));
    const slots = this.#slots(question);
    return {
      ok: steps.every(({ ok }) => ok),
      steps,
      chain: { firstSeq: first.seq, lastSeq: last.seq, first: first.first, last: last.first + last.count - 1 },
      records: this.#records,
      deleted: this.#deleted.map(({ position }) => position),
      withheld: this.#withheld,
      ...(slots === undefined ? {} : { slots }),
    };
  }

  /** Of each step the first fault counts. */
  #note(step: CompletenessStepName, outcome: Outcome<string>): void {
    if (outcome.ok) this.#held.set(step, outcome.value);
    else if (!this.#faults.has(step)) this.#faults.set(step, outcome);
  }

  /** Whether the part answers the same question, and goes on where the one before ended. */
  #joins(proof: CompletenessProof, batches: readonly ReadBatch[]): Outcome<string> {
    const [asked, first, last] = [this.#question, batches[0] as ReadBatch, batches.at(-1) as ReadBatch];
    const isSame = asked === undefined || (compareProducers(asked, proof) === 0 && asked.from === proof.from && asked.to === proof.to);
    if (!isSame) return refuse('BATCH_CHAIN_BROKEN', `the part that begins with batch ${first.batch.seq} answers another question`);
    if (last.batch.seq - (this.#first ?? first.batch).seq >= COMPLETENESS_JOINED_MAX_BATCHES)
      return refuse('BATCH_CHAIN_BROKEN', `more than ${COMPLETENESS_JOINED_MAX_BATCHES} batches`);
    return chainOutcome(this.#last === undefined ? batches : [this.#last, ...batches]);
  }

  #judge(proof: CompletenessProof, batches: readonly ReadBatch[]): void {
    const note = new TextEncoder().encode(proof.checkpoint);
    this.#note('ledger', ledgerOutcome(batches, proof, note, this.#sha));
    this.#note('checkpoint', outcomeOf(checkpointStep(note, this.#policy, this.#algorithms)));
    this.#note('witnesses', outcomeOf(witnessesStep(verifyQuorum(note, this.#policy, this.#algorithms), this.#policy)));
    const counted = countedIn(batches, proof, this.#sha);
    if (counted.ok) this.#counted += counted.value;
    else this.#note('producers', counted);
  }

  #beside({ beside }: CompletenessProof): readonly CheckedRecord[] {
    const options = { algorithms: this.#algorithms, sha: this.#sha };
    return beside === undefined ? [] : verifyProofs(beside, this.#policy, options).records;
  }

  #keep({ dataset }: CompletenessProof, { records, deleted, withheld }: HeldRecords, values: ProvenValues): void {
    this.#records += records.length;
    for (const one of deleted) this.#deleted.push(one);
    for (const one of withheld) this.#withheld.push(one);
    this.#definition = values.definitionAt(dataset, records.at(-1)?.position ?? Number.MAX_SAFE_INTEGER) ?? this.#definition;
    for (const { position, record } of this.#arrivals.length > ARRIVALS_MAX ? [] : records) {
      const decoded = decodeRecord(record);
      if (decoded.ok) this.#arrivals.push(...arrivalsOf(decoded.value.header, position, timesIn(values.of(position))));
    }
  }

  #slots({ from, to }: CompletenessProof): ExpectedSlots | undefined {
    const definition = this.#definition;
    if (definition === undefined || this.#arrivals.length > ARRIVALS_MAX) return undefined;
    return expectedSlots({
      ...{ from, to, cadenceMs: definition.cadenceMs, arrivals: this.#arrivals },
      ...(definition.clock?.lateMs === undefined ? {} : { lateMs: definition.clock.lateMs }),
      lost: [
        ...this.#deleted.map(({ receivedAt }) => ({ kind: 'deleted' as const, receivedAt })),
        ...this.#withheld.flatMap(({ missing, receivedAt }) =>
          Array.from({ length: Math.min(missing, LOST_SLOTS_MAX) }, () => ({ kind: 'withheld' as const, receivedAt })),
        ),
      ],
    });
  }
}

function stepOf(step: CompletenessStepName, outcome: Outcome<string>): CompletenessStep {
  return outcome.ok ? { step, ok: true, detail: outcome.value } : { step, ok: false, code: outcome.code, detail: outcome.detail };
}

function outcomeOf({ code, detail }: BundleStep): Outcome<string> {
  return code === undefined ? accept(detail) : refuse(code, detail);
}

function readBatches(batches: readonly CompleteBatch[]): Outcome<readonly ReadBatch[]> {
  const read: ReadBatch[] = [];
  for (const [at, one] of batches.entries()) {
    const batch = decodeBatchRecord(one.record);
    if (!batch.ok) return refuse(batch.code, `batch ${at} of the file: ${batch.detail}`);
    read.push({ ...one, batch: batch.value });
  }
  return accept(read);
}

function chainOutcome(batches: readonly ReadBatch[]): Outcome<string> {
  for (const [at, { batch }] of batches.entries()) {
    const before = batches[at - 1];
    if (before === undefined) continue;
    const missing = batch.seq - before.batch.seq - 1;
    if (missing > 0) return refuse('BATCH_CHAIN_BROKEN', `batches ${before.batch.seq + 1} to ${batch.seq - 1} are missing`);
    const follows = missing === 0 && batch.stream === before.batch.stream && batch.first === before.batch.first + before.batch.count;
    if (!follows || batch.prev !== sha256Hex(before.record))
      return refuse('BATCH_CHAIN_BROKEN', `batch ${batch.seq} does not follow batch ${before.batch.seq}`);
  }
  return accept('');
}

function chainText(first: BatchRecord, last: BatchRecord): string {
  const positions = `${first.first} to ${last.first + last.count - 1}`;
  return `batches ${first.seq} to ${last.seq} of ${first.stream}, positions ${positions}, without gap`;
}

function ledgerOutcome(batches: readonly ReadBatch[], { ledger }: CompletenessProof, note: Uint8Array, sha: Sha256): Outcome<string> {
  const checkpoint = readCheckpoint(note);
  if (!checkpoint.ok) return checkpoint;
  const { size, root } = checkpoint.value;
  const last = batches.at(-1) as ReadBatch;
  const fault = mismatch(rootFromInclusion({ ...ledger, size, leafHash: leafHash(last.record, sha) }, sha), root, 'checkpoint');
  return fault ?? accept(`batch ${last.batch.seq} is entry ${ledger.index} of ${size}`);
}

/** Why hashes do not lead to a root. */
function mismatch(computed: Verdict<Uint8Array>, root: Uint8Array, where: string): Refusal | undefined {
  if (!computed.ok) return computed;
  return computed.value.every((byte, at) => byte === root[at])
    ? undefined
    : refuse('PROOF_MISMATCH', `the hashes do not lead to the root in the ${where}`);
}

/** The number of the producer's records that a batch commits to. @returns PROOF_MISMATCH, PROOF_MALFORMED */
function countIn({ batch, lines, linesPath }: ReadBatch, wanted: CompletenessProof, sha: Sha256): Outcome<number> {
  const { count: size, root } = batch.producers;
  const leaves = lines.map(({ index, line }) => ({ index, leafHash: leafHash(producerLine(line), sha) }));
  const fault = mismatch(rootFromMultiProof({ size, leaves, hashes: linesPath }, sha), fromHex(root), 'batch record');
  if (fault !== undefined) return fault;
  const own = lines.find(({ line }) => compareProducers(line, wanted) === 0);
  if (own !== undefined) return accept(own.line.count);
  const [first, second] = lines;
  if (first === undefined) return refuse('PROOF_MALFORMED', 'no line');
  if (second !== undefined) {
    const between =
      second.index === first.index + 1 && compareProducers(first.line, wanted) < 0 && compareProducers(wanted, second.line) < 0;
    return between ? accept(0) : refuse('PROOF_MALFORMED', 'the producer would not stand between these two lines');
  }
  const order = compareProducers(wanted, first.line);
  const atEnd = (order < 0 && first.index === 0) || (order > 0 && first.index === size - 1);
  return atEnd ? accept(0) : refuse('PROOF_MALFORMED', 'the line is neither the first nor the last');
}

/** Records of the producer by the numbers that the batches commit to. */
function countedIn(batches: readonly ReadBatch[], proof: CompletenessProof, sha: Sha256): Outcome<number> {
  let records = 0;
  for (const one of batches) {
    const count = countIn(one, proof, sha);
    if (!count.ok) return refuse(count.code, `batch ${one.batch.seq}: ${count.detail}`);
    records += count.value;
  }
  return accept(records);
}

interface DeletedRecord {
  readonly position: number;
  /** receivedAt of its batch's last record. */
  readonly receivedAt: number;
}

interface HeldRecords {
  readonly outcome: Outcome<string>;
  readonly records: readonly CheckedRecord[];
  readonly deleted: readonly DeletedRecord[];
  readonly withheld: readonly Withheld[];
}

function recordsOf(batches: readonly ReadBatch[], proof: CompletenessProof, removals: readonly Removal[], sha: Sha256): HeldRecords {
  const records: CheckedRecord[] = [];
  const deleted: DeletedRecord[] = [];
  const withheld: Withheld[] = [];
  let fault: Refusal | undefined;
  for (const one of batches) {
    const { batch } = one;
    const broken = pathFault(one, sha);
    fault ??= broken === undefined ? undefined : refuse(broken.code, `batch ${batch.seq}: ${broken.detail}`);
    let shown = 0;
    for (const { position, leafHash: stated, record } of broken === undefined ? one.records : []) {
      if (record === undefined) {
        if (!isRemoved(position, removals)) continue;
        deleted.push({ position, receivedAt: batch.lastAt });
        shown++;
      } else if (isOf(record, stated, proof, sha)) {
        records.push({ position, record, faults: [] });
        shown++;
      }
    }
    const count = countIn(one, proof, sha);
    const missing = count.ok ? count.value - shown : 0;
    if (missing > 0)
      withheld.push({ seq: batch.seq, first: batch.first, last: batch.first + batch.count - 1, missing, receivedAt: batch.lastAt });
    else if (missing < 0) fault ??= refuse('RECORD_MALFORMED', `batch ${batch.seq} shows ${-missing} records too many`);
  }
  const [first] = withheld;
  if (first !== undefined)
    fault ??= refuse('RECORDS_WITHHELD', `${first.missing} of batch ${first.seq}, positions ${first.first} to ${first.last}`);
  return { outcome: fault ?? accept(`${records.length} shown, ${deleted.length} removed by policy`), records, deleted, withheld };
}

/** Why the stated leaf hashes do not lead to the root in the batch record. */
function pathFault({ batch, records, path }: ReadBatch, sha: Sha256): Refusal | undefined {
  if (records.length === 0) return undefined;
  const leaves = records.map(({ position, leafHash: stated }) => ({ index: position - batch.first, leafHash: stated }));
  return mismatch(rootFromMultiProof({ size: batch.count, leaves, hashes: path }, sha), fromHex(batch.root), 'batch record');
}

function isOf(bytes: Uint8Array, stated: Uint8Array, wanted: CompletenessProof, sha: Sha256): boolean {
  const record = placedRecord(bytes);
  return record.ok && compareProducers(record.value.header, wanted) === 0 && leafHash(bytes, sha).every((byte, at) => byte === stated[at]);
}

function isRemoved(position: number, removals: readonly Removal[]): boolean {
  return removals.some(
    ({ fromPosition, toPosition, kept }) => position >= fromPosition && position <= toPosition && kept?.includes(position) !== true,
  );
}

/** What is on record, and proven, of removed payloads of the producer's records. */
function removalsIn(beside: readonly CheckedRecord[], { dataset, producer }: ProducerName): Removal[] {
  return beside.flatMap(({ record, faults }) => {
    const decoded = faults.length === 0 ? decodeRecord(record) : undefined;
    if (decoded?.ok !== true || decoded.value.header.door !== 'internal') return [];
    if (!REMOVALS_DATASETS.includes(decoded.value.header.dataset)) return [];
    try {
      const removals = removalsOf(JSON.parse(new TextDecoder().decode(decoded.value.payload)) as ControlRecord);
      return removals.filter((one) => one.dataset === dataset && (one.producer === undefined || one.producer === producer));
    } catch {
      return [];
    }
  });
}

/** A chain begins early enough when it begins at the beginning, or with a batch that ended before the range. */
function rangeOutcome(
  first: BatchRecord,
  last: BatchRecord,
  { from, until }: CompletenessProof,
  next: number | undefined,
): Outcome<string> {
  if (first.seq !== 0 && first.firstAt > from - CLOCK_AHEAD_MAX_MS)
    return refuse(
      'RANGE_NOT_COVERED',
      `the first batch begins at ${timeText(first.firstAt)}: the part that ends with batch ${first.seq - 1} is missing`,
    );
  if (next !== undefined) return refuse('RANGE_NOT_COVERED', `the part that begins with batch ${next} is missing`);
  if (last.lastAt < until) return refuse('RANGE_NOT_COVERED', `the last batch ends at ${timeText(last.lastAt)}`);
  return accept(`received from ${timeText(first.firstAt)} to ${timeText(last.lastAt)}`);
}

function timesIn(observations: readonly Observation[]): number[] {
  return [...new Set(observations.map(({ phenomenonTime }) => phenomenonTime))];
}

/** A record that cannot be read came all the same: when it was received stands for its own time. */
function arrivalsOf(header: RecordHeader, position: number, times: readonly number[]): SlotArrival[] {
  const { receivedAt } = header;
  const numbers = sequenceOf(header.messageId);
  return (times.length === 0 ? [receivedAt] : times).map((time) => ({ time, receivedAt, position, numbers }));
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

function timeText(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
