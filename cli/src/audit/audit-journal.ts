/**
 * Journal and batches: every frame's checksum, every record's leaf hash again, the batches' chain (numbers, hash of the
 * one before, positions without gap) and each batch's Merkle root and index of producers over the records it covers. Of a record whose payload was
 * removed the kept hash counts, and a retention record must account for it.
 */
import { hash } from 'node:crypto';
import { join, relative } from 'node:path';
import {
  type BatchRecord,
  type Bilingual,
  decodeBatchRecord,
  leafHashOfBody,
  ProducerCounts,
  type ProducersRoot,
  producersRootOf,
} from '@airtight/protocol';
import { rootOfLeafHashes, sha256FromLatin1 } from '@airtight/tlog';
import type { DataDirectory } from '../data-directory.ts';
import { type JournalEnd, type JournalFrame, journalFrames } from '../journal/journal-walk.ts';
import type { Finding, Progress, StageResult } from './finding.ts';
import { RemovedPayloads } from './removed-payloads.ts';

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

export function auditJournal(data: DataDirectory, limits: JournalLimits, onProgress: Progress): StageResult {
  const audit = new JournalAudit(data, limits, onProgress);
  const finding = audit.run();
  return {
    counts: audit.counts,
    ...(finding === undefined ? {} : { finding }),
    ...(audit.remark === undefined ? {} : { remark: audit.remark }),
  };
}

class JournalAudit {
  readonly #data: DataDirectory;
  readonly #limits: JournalLimits;
  readonly #onProgress: Progress;
  readonly #records: Generator<JournalFrame, JournalEnd>;
  #recordsEnd: JournalEnd | undefined;
  #leafHashes = Buffer.alloc(4096 * HASH_BYTES);
  readonly #producers = new ProducerCounts((bytes, from, to) => Buffer.prototype.latin1Slice.call(bytes, from, to));
  readonly #removed = new RemovedPayloads();
  #malformed: { readonly frame: JournalFrame; readonly detail: string } | undefined;
  #next = 0;
  #batches = 0;
  #sealed = 0;
  remark: Bilingual | undefined;

  constructor(data: DataDirectory, limits: JournalLimits, onProgress: Progress) {
    this.#data = data;
    this.#limits = limits;
    this.#onProgress = onProgress;
    this.#records = journalFrames(join(data.journal, 'records'));
  }

  get counts(): { readonly [what: string]: number } {
    const removed = this.#removed.count === 0 ? {} : { removed: this.#removed.count };
    return { records: this.#next, batches: this.#batches, unsealed: this.#next - this.#sealed, ...removed };
  }

  run(): Finding | undefined {
    return this.#auditBatches() ?? this.#auditUnsealed() ?? this.#auditRemoved() ?? this.#auditQuarantine();
  }

  #auditBatches(): Finding | undefined {
    const frames = journalFrames(join(this.#data.journal, 'batches'));
    let previousHash: string | null = null;
    let step = frames.next();
    for (; step.done !== true; step = frames.next()) {
      if (this.#batches >= this.#limits.batches) return undefined;
      const frame = step.value;
      const bytes = frame.body.subarray(1);
      const batch = decodeBatchRecord(bytes);
      if (!batch.ok) return this.#at('batches', 'BATCH_MALFORMED', frame, `batch ${this.#batches}: ${batch.detail}`);
      const broken = this.#chainFault(batch.value, previousHash);
      if (broken !== undefined) return this.#at('batches', 'BATCH_CHAIN_BROKEN', frame, broken);
      const finding = this.#auditRecordsOf(batch.value, frame);
      if (finding !== undefined) return finding;
      previousHash = hash('sha256', bytes, 'hex');
      this.#batches++;
      this.#sealed = batch.value.first + batch.value.count;
    }
    return this.#endFault('batches', step.value);
  }

  #chainFault(batch: BatchRecord, previousHash: string | null): string | undefined {
    if (batch.seq !== this.#batches) return `batch ${batch.seq} stands at the place of batch ${this.#batches}`;
    if (batch.prev !== previousHash) return `batch ${batch.seq} follows ${batch.prev}, but the batch before has hash ${previousHash}`;
    if (batch.first !== this.#sealed)
      return `batch ${batch.seq} begins at position ${batch.first}, the batch before ends at ${this.#sealed}`;
    return undefined;
  }

  #auditRecordsOf(batch: BatchRecord, batchFrame: JournalFrame): Finding | undefined {
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
      this.#producers.add(frame.body);
      this.#leafHashes.set(leafHashOfBody(frame.body, sha256), i * HASH_BYTES);
    }
    const root = Buffer.from(rootOfLeafHashes(this.#leafHashes.subarray(0, batch.count * HASH_BYTES))).toString('hex');
    const index = producersRootOf(this.#producers.take(), sha);
    if (root === batch.root) return this.#producersFault(batch, index, batchFrame);
    const detail = `batch ${batch.seq}, positions ${batch.first} to ${this.#next - 1}: the records have root ${root}, the batch says ${batch.root}`;
    return { ...this.#at('batches', 'BATCH_ROOT_MISMATCH', batchFrame, detail), position: batch.first };
  }

  #producersFault({ seq, first, producers }: BatchRecord, found: ProducersRoot, batchFrame: JournalFrame): Finding | undefined {
    if (found.root === producers.root && found.count === producers.count) return undefined;
    const detail = `batch ${seq}: the index of producers has ${found.count} lines and root ${found.root}, the batch says ${producers.count} and ${producers.root}`;
    return { ...this.#at('batches', 'BATCH_PRODUCERS_MISMATCH', batchFrame, detail), position: first };
  }

  /** Records after the last batch: their checksums are all that speaks for them yet. */
  #auditUnsealed(): Finding | undefined {
    while (this.#next < this.#limits.records) {
      if (this.#nextRecord() === undefined) return this.#endFault('journal', this.#recordsEnd ?? { next: this.#next });
    }
    return undefined;
  }

  /** Whatever is gone must be on record; while ingest runs, the record may stand behind what is audited. */
  #auditRemoved(): Finding | undefined {
    while (this.#removed.hasUnaccounted) {
      const step = this.#records.next();
      if (step.done === true) break;
      this.#removed.take(step.value);
    }
    const gap = this.#removed.unaccounted();
    if (gap === undefined) return undefined;
    const { frame, dataset, count, toPosition } = gap;
    const detail = `${dataset}: ${count} records from position ${frame.position} to ${toPosition} are without payload; no retention record says so, or not with these headers and hashes`;
    return this.#at('journal', 'RETENTION_MISMATCH', frame, detail);
  }

  #auditQuarantine(): Finding | undefined {
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
    if (detail !== undefined) this.#malformed ??= { frame: step.value, detail };
    this.#next++;
    if (this.#next % PROGRESS_EVERY === 0) this.#onProgress(this.#next, undefined);
    return step.value;
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
