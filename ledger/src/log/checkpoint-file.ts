/** The files of a log that change. */
import type { LedgerFile } from '../storage/durable-files.ts';

/** The newest checkpoint, as soon as the log has signed it; cosignatures are added as they come. */
export const CHECKPOINT_FILE = 'checkpoint';
/** The newest checkpoint that as many witnesses have cosigned as the policy asks for. */
export const FINAL_CHECKPOINT_FILE = 'checkpoint.final';

export function checkpointFile(note: string, path: string = CHECKPOINT_FILE): LedgerFile {
  return { path, bytes: Buffer.from(note) };
}
