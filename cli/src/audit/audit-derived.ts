/**
 * What is made from the journal and kept beside it: side indices against their segments, and the sealed snapshots against
 * their seals. Nothing of it is evidence; a service that believed a changed one would still do the wrong thing.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isExpiredBody, openSealedText } from '@airtight/protocol';
import type { DataDirectory } from '../data-directory.ts';
import { type JournalFrame, journalFrames, segmentsIn } from '../journal/journal-walk.ts';
import type { Finding, Progress, StageResult } from './finding.ts';

const JOURNALS = ['records', 'batches', 'anchors', 'quarantine'] as const;
const SEALED = [
  'journal/control.snapshot.json',
  'store/contracts-state.json',
  'store/quality-state.json',
  'imports/*.json',
  'audit/progress.json',
  'mirror.json',
  'evidence/*.json',
];
const PROGRESS_EVERY = 16_384;

/** What ingest knows of its side indices. */
interface IndexFormat {
  readonly INDEX_ENTRY_BYTES: number;
  readonly indexPath: (dir: string, first: number) => string;
  readonly tagOfBody: (body: Uint8Array) => number;
}

/** Side indices. @param from position of the records from which on they are looked at */
export async function auditIndices(data: DataDirectory, onProgress: Progress, from = 0): Promise<StageResult> {
  const format = await import('@airtight/ingest');
  let indices = 0;
  for (const name of JOURNALS) {
    const dir = join(data.journal, name);
    const segments = segmentsIn(dir);
    // The last segment has none yet.
    for (const [at, first] of segments.slice(0, -1).entries()) {
      if (name === 'records' && (segments[at + 1] as number) <= from) continue;
      const finding = indexFault(data, dir, first, format, name === 'records', onProgress);
      if (finding !== undefined) return { counts: { indices }, finding };
      indices++;
    }
  }
  return { counts: { indices } };
}

/** Sealed files alone. */
export function auditSeals(data: DataDirectory): StageResult {
  let snapshots = 0;
  for (const file of globSync(SEALED, { cwd: data.root })) {
    const finding = sealFault(data, file);
    if (finding !== undefined) return { counts: { snapshots }, finding };
    snapshots++;
  }
  return { counts: { snapshots } };
}

function sealFault(data: DataDirectory, file: string): Finding | undefined {
  let text: string;
  try {
    text = readFileSync(join(data.root, file), 'utf8');
  } catch {
    // Replaced by its service at this moment, or not ours to read.
    return undefined;
  }
  if (openSealedText(text) !== undefined) return undefined;
  return { stage: 'derived', code: 'DERIVED_FILE_CHANGED', file, offset: 0, detail: 'the content does not have the hash under it' };
}

function indexFault(
  data: DataDirectory,
  dir: string,
  first: number,
  format: IndexFormat,
  isRecords: boolean,
  onProgress: Progress,
): Finding | undefined {
  const path = format.indexPath(dir, first);
  if (!existsSync(path)) return undefined;
  const finding = compareIndex(data, path, framesOfSegment(dir, first), format, isRecords, onProgress);
  // Retention puts segment and index in the place of the old ones, one after the other: looked at again it is one of the two.
  return finding === undefined ? undefined : compareIndex(data, path, framesOfSegment(dir, first), format, isRecords, onProgress);
}

function* framesOfSegment(dir: string, first: number): Generator<JournalFrame> {
  for (const frame of journalFrames(dir, first)) {
    if (frame.position > first && frame.offset === 0) return;
    yield frame;
  }
}

function compareIndex(
  data: DataDirectory,
  path: string,
  frames: Iterable<JournalFrame>,
  { INDEX_ENTRY_BYTES: entryBytes, tagOfBody }: IndexFormat,
  isRecords: boolean,
  onProgress: Progress,
): Finding | undefined {
  const index = readFileSync(path);
  const at = (offset: number, detail: string): Finding => {
    return { stage: 'index', code: 'DERIVED_FILE_CHANGED', file: relative(data.root, path), offset, detail };
  };
  let count = 0;
  for (const { position, offset, body } of frames) {
    const entry = count * entryBytes;
    if (entry + entryBytes > index.length) return at(index.length, `the index ends before record ${position}`);
    const says = index.readUInt32LE(entry);
    if (says !== offset) return at(entry, `record ${position} stands at byte ${offset}, the index says ${says}`);
    const tag = isRecords ? tagOfBody(body) : 0;
    // Of a record without payload and message id the fingerprint cannot be made again.
    if (tag !== index.readUInt32LE(entry + 4) && !isExpiredBody(body)) return at(entry + 4, `record ${position} has another fingerprint`);
    count++;
    if (count % PROGRESS_EVERY === 0) onProgress(position, undefined);
  }
  return count * entryBytes === index.length ? undefined : at(count * entryBytes, 'the index holds more than its segment');
}
