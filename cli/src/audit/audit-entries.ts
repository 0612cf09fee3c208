/** Batches against the ledger: every batch that is said to be anchored is the entry it is said to be, byte for byte. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { decodeBatchRecord } from '@airtight/protocol';
import { entryBundlePath, splitEntries, TILE_WIDTH } from '@airtight/tlog';
import type { DataDirectory } from '../data-directory.ts';
import { type JournalFrame, journalFrames } from '../journal/journal-walk.ts';
import { RecordReader } from '../journal/record-reader.ts';
import type { JournalLimits, LookedAt } from './audit-journal.ts';
import type { Finding, Progress, StageResult } from './finding.ts';

/**
 * @param size of the ledger, by its checkpoint; its own tiles were audited before
 * @param lookedAt batches that were audited; those are compared. Default: all
 */
export function auditEntries(
  data: DataDirectory,
  limits: JournalLimits,
  size: number,
  onProgress: Progress,
  lookedAt: LookedAt = ALL_BATCHES,
): StageResult {
  const entries = new LedgerEntries(data.ledger, size);
  const begin = lookedAt.chosen === undefined ? lookedAt.from : 0;
  const batches = framesFrom(join(data.journal, 'batches'), begin);
  const anchors = framesFrom(join(data.journal, 'anchors'), begin);
  let anchored = 0;
  let count = begin;
  let skipped = 0;
  let lastIndex = -1;
  let stream: string | undefined;
  let anchor = anchors.next();
  for (const frame of batches) {
    if (count >= limits.batches) break;
    stream ??= streamOf(frame.body.subarray(1));
    count++;
    if (anchor.done === true) continue;
    if (!isLookedAt(lookedAt, frame.position)) {
      skipped++;
      anchor = anchors.next();
      continue;
    }
    const { index, finding } = compare(data, entries, frame, anchor.value, size);
    if (finding !== undefined) return { counts: { anchored }, finding };
    lastIndex = Math.max(lastIndex, index);
    anchored++;
    onProgress(anchored, undefined);
    anchor = anchors.next();
  }
  const end = anchor.done === true ? anchor.value : { next: anchored };
  if (end.damage !== undefined) {
    const { file, offset, detail } = end.damage;
    return {
      counts: { anchored },
      finding: { stage: 'entries', code: 'JOURNAL_CORRUPT', file: relative(data.root, file), offset, detail },
    };
  }
  // While ingest runs the ledger may hold newer batches than were there when the audit began.
  const isPartial = lookedAt.chosen !== undefined;
  const missing = Number.isFinite(limits.batches) || isPartial ? undefined : missingBatch(entries, stream, lastIndex + 1, count);
  return { counts: { anchored, waiting: count - begin - anchored - skipped }, ...(missing === undefined ? {} : { finding: missing }) };
}

function framesFrom(dir: string, position: number): ReturnType<typeof journalFrames> {
  return position === 0 ? journalFrames(dir) : new RecordReader(dir).from(position);
}

const ALL_BATCHES: LookedAt = { chosen: undefined, from: 0, of: 0 };

function isLookedAt({ chosen, from }: LookedAt, seq: number): boolean {
  return seq >= from && (chosen === undefined || chosen.has(seq));
}

/** Which entries the batches that were looked at are, as far as they are anchored; damaged notes are told by auditEntries. */
export function entriesOf(data: DataDirectory, lookedAt: LookedAt): number[] {
  const indexes: number[] = [];
  for (const { position, body } of journalFrames(join(data.journal, 'anchors'))) {
    if (isLookedAt(lookedAt, position)) indexes.push(readAnchor(body).ledgerIndex);
  }
  return indexes;
}

interface AnchorNote {
  readonly seq: number;
  readonly ledgerIndex: number;
}

function readAnchor(body: Uint8Array): AnchorNote {
  return JSON.parse(Buffer.from(body).toString('utf8', 1)) as AnchorNote;
}

function compare(
  data: DataDirectory,
  entries: LedgerEntries,
  batch: JournalFrame,
  anchor: JournalFrame,
  size: number,
): { readonly index: number; readonly finding?: Finding } {
  const place = { stage: 'entries', file: relative(data.root, anchor.file), offset: anchor.offset } as const;
  const { seq, ledgerIndex } = readAnchor(anchor.body);
  if (seq !== batch.position || !(ledgerIndex < size)) {
    const detail = `anchor ${anchor.position} says batch ${seq} is entry ${ledgerIndex} of ${size}`;
    return { index: ledgerIndex, finding: { ...place, code: 'LEDGER_ENTRY_MISMATCH', detail } };
  }
  const entry = entries.read(ledgerIndex);
  if (entry !== undefined && Buffer.compare(entry, batch.body.subarray(1)) === 0) return { index: ledgerIndex };
  const detail = `entry ${ledgerIndex} of the ledger is not batch ${batch.position}`;
  return { index: ledgerIndex, finding: { ...place, code: 'LEDGER_ENTRY_MISMATCH', detail } };
}

/** The ledger never forgets: a batch of this stream that only the ledger has was lost from the journal. */
function missingBatch(entries: LedgerEntries, stream: string | undefined, from: number, count: number): Finding | undefined {
  for (let index = from; index < entries.size; index++) {
    const batch = decodeBatchRecord(entries.read(index) ?? new Uint8Array(0));
    if (!batch.ok || (stream !== undefined && batch.value.stream !== stream) || batch.value.seq < count) continue;
    const detail = `entry ${index} of the ledger is batch ${batch.value.seq}, the journal holds ${count} batches`;
    return { stage: 'entries', code: 'LEDGER_ENTRY_MISMATCH', detail };
  }
  return undefined;
}

function streamOf(bytes: Uint8Array): string | undefined {
  const batch = decodeBatchRecord(bytes);
  return batch.ok ? batch.value.stream : undefined;
}

/** Entries of the log on disk, by index; the last bundle is kept, as they are asked for in order. */
class LedgerEntries {
  readonly size: number;
  readonly #dir: string;
  #bundle: { readonly index: number; readonly entries: readonly Uint8Array[] } | undefined;

  constructor(dir: string, size: number) {
    this.#dir = dir;
    this.size = size;
  }

  /** Undefined when it is not there. */
  read(index: number): Uint8Array | undefined {
    const bundle = Math.floor(index / TILE_WIDTH);
    if (this.#bundle?.index !== bundle) this.#bundle = { index: bundle, entries: this.#readBundle(bundle) };
    return this.#bundle.entries[index % TILE_WIDTH];
  }

  #readBundle(index: number): readonly Uint8Array[] {
    const width = Math.min(TILE_WIDTH, this.size - index * TILE_WIDTH);
    // The log may have grown meanwhile, and the full bundle have taken the partial one's place.
    for (const path of [entryBundlePath(index, width), entryBundlePath(index)]) {
      try {
        const entries = splitEntries(readFileSync(join(this.#dir, path)));
        if (entries.ok) return entries.value;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    return [];
  }
}
