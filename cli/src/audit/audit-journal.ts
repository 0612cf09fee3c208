/**
 * Journal and batches: every frame's checksum, every record's leaf hash again, the batches' chain (numbers, hash of the
 * one before, positions without gap) and each batch's Merkle root and index of producers over the records it covers. Of a record whose payload was
 * removed the kept hash counts, and a retention record must account for it.
 */
import { hash } from 'node:crypto';
import { join, relative } from 'node:path';
import { commitmentFault, SaltKeys } from '@airtight/ingest/confidential.ts';
import {
  AirtightError,
  type BatchRecord,
  type Bilingual,
  decodeBatchRecord,
  headerTexts,
  isSaltedBody,
  leafHashOfBody,
  ProducerCounts,
  type ProducersRoot,
  producersRootOf,
} from '@airtight/protocol';
import { rootOfLeafHashes, sha256FromLatin1 } from '@airtight/tlog';
import type { DataDirectory } from '../data-directory.ts';
import { type JournalEnd, type JournalFrame, journalFrames, segmentsIn } from '../journal/journal-walk.ts';
import { latin1 } from '../journal/latin1.ts';
import { RecordReader } from '../journal/record-reader.ts';
import { readMirrorInfo } from '../mirror/mirror-info.ts';
import type { Finding, Progress, StageResult } from './finding.ts';
import { erasuresIn, RemovedPayloads, unaccountedText } from './removed-payloads.ts';
import { type AuditScope, type ChainPoint, drawSample, EVERYTHING, isWithin, type Since } from './scope.ts';

/** How much there was when the audit began, while ingest goes on writing; a stopped journal has no limits. */
export interface JournalLimits {
  readonly records: number;
  readonly batches: number;
}
export const NO_LIMITS: JournalLimits = { records: Number.POSITIVE_INFINITY, batches: Number.POSITIVE_INFINITY };

const HASH_BYTES = 32;
const PROGRESS_EVERY = 4096;

const sha = sha256FromLatin1((data) => hash('sha256', data, 'latin1'));

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** Which batches were looked at. */
export interface LookedAt {
  /** Sequence numbers, ascending; undefined: all from `from` on. */
  readonly chosen: ReadonlySet<number> | undefined;
  readonly from: number;
  /** Batches among which the sample was drawn. */
  readonly of: number;
}
export type JournalResult = StageResult & {
  readonly lookedAt: LookedAt;
  /** Position of the first record that was looked at. */
  readonly firstPosition: number;
  /** Bytes of records that were hashed. */
  readonly bytes: number;
};

/** @returns the first finding, and which batches it looked at */
export function auditJournal(
  data: DataDirectory,
  limits: JournalLimits,
  onProgress: Progress,
  scope: AuditScope = EVERYTHING,
): JournalResult {
  const audit = new JournalAudit(data, limits, onProgress, scope);
  const finding = audit.run();
  return {
    counts: audit.counts,
    lookedAt: audit.lookedAt,
    firstPosition: audit.firstPosition,
    bytes: audit.bytes,
    ...(finding === undefined ? {} : { finding }),
    ...(audit.remark === undefined ? {} : { remark: audit.remark }),
  };
}

/** How many records the batches of a journal cover, and how many batches there are; what is damaged ends the count. */
export function journalExtent(data: DataDirectory): JournalLimits {
  const dir = join(data.journal, 'batches');
  const last = segmentsIn(dir).at(-1);
  let extent = { records: 0, batches: 0 };
  if (last === undefined) return extent;
  for (const { position, body } of journalFrames(dir, last)) {
    const batch = decodeBatchRecord(body.subarray(1));
    if (batch.ok) extent = { records: batch.value.first + batch.value.count, batches: position + 1 };
  }
  return extent;
}

/** Quarantine alone: checksums and order. */
export function auditQuarantine(data: DataDirectory): StageResult {
  const audit = new JournalAudit(data, NO_LIMITS, () => {}, EVERYTHING);
  const finding = audit.auditQuarantine();
  return { counts: {}, ...(finding === undefined ? {} : { finding }) };
}

class JournalAudit {
  readonly #data: DataDirectory;
  readonly #limits: JournalLimits;
  readonly #onProgress: Progress;
  readonly #scope: AuditScope;
  readonly #reader: RecordReader;
  readonly #total: number;
  #records: Generator<JournalFrame, JournalEnd>;
  #recordsEnd: JournalEnd | undefined;
  #leafHashes = Buffer.alloc(4096 * HASH_BYTES);
  readonly #producers = new ProducerCounts();
  readonly #removed: RemovedPayloads;
  /** Opened with the first confidential record. */
  #salts: SaltKeys | undefined;
  /** The first confidential record that is not what it was committed with. */
  #uncommitted: Finding | undefined;
  #malformed: { readonly frame: JournalFrame; readonly detail: string } | undefined;
  /** Position of the next record; of the next batch; end of what the batches so far cover. */
  #next = 0;
  #batches = 0;
  #sealed = 0;
  #hashed = 0;
  /** Confidential records whose content was held against their commitment. */
  #committed = 0;
  #looked = 0;
  #lookedAt: LookedAt;
  firstPosition = 0;
  bytes = 0;
  remark: Bilingual | undefined;

  constructor(data: DataDirectory, limits: JournalLimits, onProgress: Progress, scope: AuditScope) {
    this.#data = data;
    this.#limits = limits;
    this.#onProgress = onProgress;
    this.#scope = scope;
    this.#reader = new RecordReader(join(data.journal, 'records'));
    this.#records = journalFrames(join(data.journal, 'records'));
    this.#removed = new RemovedPayloads(() => erasuresIn(journalFrames(join(data.journal, 'records'))), withheldIn(data));
    const extent = limits === NO_LIMITS ? journalExtent(data) : limits;
    this.#total = extent.records;
    if (scope.after !== undefined) {
      this.#batches = scope.after.batches;
      this.#sealed = scope.after.records;
      this.#lookedAt = { chosen: undefined, from: scope.after.batches, of: limits.batches - scope.after.batches };
      return;
    }
    const from = scope.since === undefined ? 0 : firstBatchWithin(data, scope.since, extent.batches);
    this.#lookedAt = { chosen: undefined, from, of: Math.max(0, extent.batches - from) };
    if (scope.sample === undefined) return;
    const chosen = new Set(drawSample(scope.sample, this.#lookedAt.of).map((i) => from + i));
    this.#lookedAt = { ...this.#lookedAt, chosen };
  }

  get lookedAt(): LookedAt {
    return this.#lookedAt;
  }

  get counts(): { readonly [what: string]: number } {
    const gone = {
      removed: this.#removed.count,
      erased: this.#removed.erased,
      withheld: this.#removed.withheld,
      committed: this.#committed,
    };
    const removed = Object.fromEntries(Object.entries(gone).filter(([, count]) => count > 0));
    const chain = this.#looked === this.#batches ? {} : { chain: this.#batches };
    return {
      records: this.#hashed,
      batches: this.#looked,
      ...chain,
      unsealed: Math.max(0, this.#next - this.#sealed),
      ...removed,
    };
  }

  run(): Finding | undefined {
    if (this.#scope.after !== undefined) return this.#auditBatches() ?? this.#uncommitted;
    return this.#auditBatches() ?? this.#auditUnsealed() ?? this.#uncommitted ?? this.#auditRemoved() ?? this.auditQuarantine();
  }

  /** The chain is followed from its beginning, which costs little; of batches that are not asked for the records are not read. */
  #auditBatches(): Finding | undefined {
    const dir = join(this.#data.journal, 'batches');
    const { after } = this.#scope;
    const frames = after === undefined ? journalFrames(dir) : new RecordReader(dir).from(after.batches);
    let previousHash: string | null = after?.lastBatch ?? null;
    let step = frames.next();
    for (; step.done !== true; step = frames.next()) {
      if (this.#batches >= this.#limits.batches) return undefined;
      const frame = step.value;
      const bytes = frame.body.subarray(1);
      const batch = decodeBatchRecord(bytes);
      if (!batch.ok) return this.#at('batches', 'BATCH_MALFORMED', frame, `batch ${this.#batches}: ${batch.detail}`);
      const broken = this.#chainFault(batch.value, previousHash);
      if (broken !== undefined) return this.#at('batches', 'BATCH_CHAIN_BROKEN', frame, broken);
      const finding = this.#isChosen(batch.value.seq) ? this.#auditRecordsOf(batch.value, frame) : undefined;
      if (finding !== undefined) return finding;
      previousHash = hash('sha256', bytes, 'hex');
      this.#batches++;
      this.#sealed = batch.value.first + batch.value.count;
    }
    return this.#endFault('batches', step.value);
  }

  #isChosen(seq: number): boolean {
    const { chosen, from } = this.#lookedAt;
    return seq >= from && (chosen === undefined || chosen.has(seq));
  }

  #chainFault(batch: BatchRecord, previousHash: string | null): string | undefined {
    if (batch.seq !== this.#batches) return `batch ${batch.seq} stands at the place of batch ${this.#batches}`;
    if (batch.prev !== previousHash) return `batch ${batch.seq} follows ${batch.prev}, but the batch before has hash ${previousHash}`;
    if (batch.first !== this.#sealed)
      return `batch ${batch.seq} begins at position ${batch.first}, the batch before ends at ${this.#sealed}`;
    return undefined;
  }

  #auditRecordsOf(batch: BatchRecord, batchFrame: JournalFrame): Finding | undefined {
    if (this.#looked++ === 0) this.firstPosition = batch.first;
    this.#goTo(batch.first);
    if (this.#leafHashes.length < batch.count * HASH_BYTES) this.#leafHashes = Buffer.alloc(batch.count * HASH_BYTES);
    for (let i = 0; i < batch.count; i++) {
      const frame = this.#nextRecord();
      if (frame === undefined) {
        const damage = this.#endFault('journal', this.#recordsEnd ?? { next: this.#next });
        const detail = `batch ${batch.seq} covers ${batch.count} records from position ${batch.first} on; the journal ends at ${this.#next}`;
        return damage ?? this.#at('journal', 'JOURNAL_BEHIND_BATCHES', batchFrame, detail);
      }
      if (this.#malformed !== undefined) return this.#at('journal', 'RECORD_MALFORMED', this.#malformed.frame, this.#malformed.detail);
      // The body is the leaf preimage as it stands (RFC 6962 §2.1).
      this.#producers.add(headerTexts(frame.body, latin1));
      this.#leafHashes.set(leafHashOfBody(frame.body, sha256), i * HASH_BYTES);
    }
    const root = Buffer.from(rootOfLeafHashes(this.#leafHashes.subarray(0, batch.count * HASH_BYTES), sha)).toString('hex');
    const index = producersRootOf(this.#producers.take(), sha);
    if (root === batch.root) return this.#producersFault(batch, index, batchFrame);
    const detail = `batch ${batch.seq}, positions ${batch.first} to ${this.#next - 1}: the records have root ${root}, the batch says ${batch.root}`;
    return { ...this.#at('batches', 'BATCH_ROOT_MISMATCH', batchFrame, detail), position: batch.first };
  }

  /**
   * Makes `position` the next record. What a policy removed from a segment is told by dataset for the whole of it, so an
   * audit of all that came since then begins at a segment; one of a sample cannot hold removals against their records.
   */
  #goTo(position: number): void {
    if (this.#next === position) return;
    const { chosen } = this.#lookedAt;
    const begin = chosen === undefined ? (this.#reader.segmentOf(position) ?? 0) : position;
    this.#records = chosen === undefined ? journalFrames(join(this.#data.journal, 'records'), begin) : this.#reader.from(begin);
    this.#next = begin;
    while (this.#next < position && this.#nextRecord() !== undefined);
  }

  #producersFault({ seq, first, producers }: BatchRecord, found: ProducersRoot, batchFrame: JournalFrame): Finding | undefined {
    if (found.root === producers.root && found.count === producers.count) return undefined;
    const detail = `batch ${seq}: the index of producers has ${found.count} lines and root ${found.root}, the batch says ${producers.count} and ${producers.root}`;
    return { ...this.#at('batches', 'BATCH_PRODUCERS_MISMATCH', batchFrame, detail), position: first };
  }

  /** Records after the last batch: their checksums are all that speaks for them yet. */
  #auditUnsealed(): Finding | undefined {
    if (this.#looked === 0 && this.#scope.since !== undefined) this.firstPosition = this.#sealed;
    this.#goTo(this.#sealed);
    while (this.#next < this.#limits.records) {
      if (this.#nextRecord() === undefined) return this.#endFault('journal', this.#recordsEnd ?? { next: this.#next });
    }
    return undefined;
  }

  /** Whatever is gone must be on record; while ingest runs, the record may stand behind what is audited. */
  #auditRemoved(): Finding | undefined {
    if (this.#scope.sample !== undefined) return undefined;
    while (this.#removed.hasUnaccounted) {
      const step = this.#records.next();
      if (step.done === true) break;
      this.#removed.take(step.value);
    }
    const gap = this.#removed.unaccounted();
    if (gap === undefined) return undefined;
    return this.#at('journal', 'RETENTION_MISMATCH', gap.frame, unaccountedText(gap));
  }

  auditQuarantine(): Finding | undefined {
    const frames = journalFrames(join(this.#data.journal, 'quarantine'));
    let step = frames.next();
    while (step.done !== true) step = frames.next();
    return this.#endFault('journal', step.value);
  }

  #nextRecord(): JournalFrame | undefined {
    const step = this.#records.next();
    if (step.done === true) {
      this.#recordsEnd ??= step.value;
      return undefined;
    }
    const detail = this.#removed.take(step.value);
    if (isSaltedBody(step.value.body)) this.#auditCommitment(step.value);
    this.#hashed++;
    this.bytes += step.value.body.length;
    if (detail !== undefined) this.#malformed ??= { frame: step.value, detail };
    this.#next++;
    if (this.#hashed % PROGRESS_EVERY === 0) this.#onProgress(this.#next, this.#total);
    return step.value;
  }

  /** What a confidential record holds beside its root, no leaf hash covers. */
  #auditCommitment(frame: JournalFrame): void {
    this.#committed++;
    if (this.#uncommitted !== undefined) return;
    const fault = this.#commitmentFault(frame);
    if (fault !== undefined) this.#uncommitted = this.#at('journal', fault.code, frame, fault.detail);
  }

  #commitmentFault({ body, position }: JournalFrame): ReturnType<typeof commitmentFault> {
    try {
      this.#salts ??= SaltKeys.open(join(this.#data.keys, 'salts'));
    } catch (error) {
      if (!(error instanceof AirtightError)) throw error;
      return { code: error.code, detail: `record ${position}: ${error.detail}` };
    }
    return commitmentFault(body, position, this.#salts);
  }

  #endFault(stage: 'journal' | 'batches', end: JournalEnd): Finding | undefined {
    if (end.damage !== undefined) return this.#at(stage, 'JOURNAL_CORRUPT', end.damage, end.damage.detail);
    if (end.unfinished !== undefined && this.#limits === NO_LIMITS) {
      const { file, offset, sizeBytes } = end.unfinished;
      const place = `${relative(this.#data.root, file)}, byte ${offset}`;
      this.remark = {
        zh: `${place}：${sizeBytes} 字节属于因崩溃中断的写入，从未确认，下次启动时截去`,
        en: `${place}: ${sizeBytes} bytes of a write that a crash interrupted; never acknowledged, cut off at the next start`,
      };
    }
    return undefined;
  }

  #at(
    stage: 'journal' | 'batches',
    code: Finding['code'],
    place: { position: number; file: string; offset: number },
    detail: string,
  ): Finding {
    const { file, offset, position } = place;
    const isRecord = file.startsWith(join(this.#data.journal, 'records'));
    return { stage, code, file: relative(this.#data.root, file), offset, ...(isRecord ? { position } : {}), detail };
  }
}

/** Sequence number of the first batch that holds something of what came since. */
function firstBatchWithin(data: DataDirectory, since: Since, count: number): number {
  for (const { position, body } of journalFrames(join(data.journal, 'batches'))) {
    const batch = decodeBatchRecord(body.subarray(1));
    if (!batch.ok || isWithin(since, batch.value)) return position;
  }
  return count;
}

/** What a mirror was not given; a damaged `mirror.json` is found with the other derived files. */
export function withheldIn(data: DataDirectory): readonly string[] {
  try {
    return readMirrorInfo(data)?.withheld ?? [];
  } catch {
    return [];
  }
}

/** The chain before batch `seq`, by the batch record before it; undefined when that cannot be read. */
export function chainPointAt(data: DataDirectory, seq: number): ChainPoint | undefined {
  if (seq === 0) return { batches: 0, lastBatch: null, records: 0 };
  const step = new RecordReader(join(data.journal, 'batches')).from(seq - 1).next();
  const bytes = step.done === true ? new Uint8Array(0) : step.value.body.subarray(1);
  const batch = decodeBatchRecord(bytes);
  if (!batch.ok) return undefined;
  return { batches: seq, lastBatch: hash('sha256', bytes, 'hex'), records: batch.value.first + batch.value.count };
}
