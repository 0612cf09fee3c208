/** The one file of a log that changes. */
import type { LedgerFile } from '../storage/durable-files.ts';

export const CHECKPOINT_FILE = 'checkpoint';

export function checkpointFile(note: string): LedgerFile {
  return { path: CHECKPOINT_FILE, bytes: Buffer.from(note) };
}
