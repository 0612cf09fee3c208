/**
 * One writer per journal. Node has no flock; SQLite has: an exclusive transaction holds an operating system lock that
 * ends with the process, kill -9 included.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AirtightError } from '@airtight/protocol';

export interface WriteLock {
  release(): void;
}

/** @throws AirtightError JOURNAL_LOCKED while another process holds it */
export function acquireWriteLock(dir: string): WriteLock {
  const path = join(dir, 'writer.lock');
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    db.close();
    throw new AirtightError('JOURNAL_LOCKED', path, { cause });
  }
  return { release: () => db.close() };
}
