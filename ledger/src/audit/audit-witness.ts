/**
 * Audit of what a ledger keeps as a witness: every checkpoint that it cosigned carries a cosignature of one of its keys,
 * and every evidence file is whole. Reads plain files only.
 */
import { join } from 'node:path';
import type { Vkey } from '@airtight/tlog';
import { DurableFiles } from '../storage/durable-files.ts';
import { nodeFileSystem } from '../storage/file-system.ts';
import { findWrongCosigned } from '../witness/cosigned-checkpoints.ts';
import { findWrongEvidence } from '../witness/evidence.ts';
import { WITNESS_FOLDER } from '../witness/witness-folder.ts';

export interface WitnessFinding {
  readonly code: 'WITNESS_STATE_INVALID';
  /** Relative to the log's directory. */
  readonly file: string;
  readonly detail: string;
}

/**
 * @param dir directory of the log
 * @param logs keys of the logs that are cosigned, where they are known: their signatures are checked too
 * @returns one finding for each wrong file; none when this ledger never was a witness
 */
export async function auditWitness(dir: string, logs: readonly Vkey[] = []): Promise<readonly WitnessFinding[]> {
  const files = new DurableFiles(nodeFileSystem, join(dir, WITNESS_FOLDER));
  const wrong = [...(await findWrongCosigned(files, logs)), ...(await findWrongEvidence(files))];
  return wrong.map(({ path, detail }) => ({ code: 'WITNESS_STATE_INVALID', file: `${WITNESS_FOLDER}/${path}`, detail }));
}
