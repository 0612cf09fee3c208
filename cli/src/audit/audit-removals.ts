/**
 * Removals alone, for the audit that runs on: every record without payload is held against what is on record of retention and
 * erasure. A removal is told of a whole segment and the record that tells of it stands behind, so this reads the journal as a
 * whole; hashes are the business of the batches.
 */
import { join, relative } from 'node:path';
import type { DataDirectory } from '../data-directory.ts';
import { journalFrames } from '../journal/journal-walk.ts';
import { withheldIn } from './audit-journal.ts';
import type { Finding } from './finding.ts';
import { erasuresIn, RemovedPayloads, unaccountedText } from './removed-payloads.ts';

/** Read between two rests. */
const REST_EVERY_BYTES = 8 * 1024 * 1024;

/** @param pace rests for so many bytes; @returns RETENTION_MISMATCH for the first stretch that nothing accounts for */
export async function auditRemovals(data: DataDirectory, pace: (bytes: number) => Promise<void>): Promise<Finding | undefined> {
  // An erasure that begins while the journal is read is on record only behind what was read for erasures.
  return (await readOnce(data, pace)) === undefined ? undefined : await readOnce(data, pace);
}

async function readOnce(data: DataDirectory, pace: (bytes: number) => Promise<void>): Promise<Finding | undefined> {
  const dir = join(data.journal, 'records');
  const removed = new RemovedPayloads(() => erasuresIn(journalFrames(dir)), withheldIn(data));
  let sizeBytes = 0;
  const frames = journalFrames(dir);
  for (let step = frames.next(); ; step = frames.next()) {
    if (step.done === true) {
      // Damage is found, and told, with the batches; behind it may stand what would account for a removal.
      if (step.value.damage !== undefined) return undefined;
      break;
    }
    removed.take(step.value);
    sizeBytes += step.value.body.length;
    if (sizeBytes < REST_EVERY_BYTES) continue;
    await pace(sizeBytes);
    sizeBytes = 0;
  }
  const gap = removed.unaccounted();
  if (gap === undefined) return undefined;
  const { file, offset, position } = gap.frame;
  const place = { file: relative(data.root, file), offset, position };
  return { stage: 'journal', code: 'RETENTION_MISMATCH', ...place, detail: unaccountedText(gap) };
}
