/** What the first start puts on record: dataset definitions, contracts and the administrator's account. */
import { existsSync, writeFileSync } from 'node:fs';
import type { DataDirectory } from '../data-directory.ts';
import type { IngestClient } from '../ingest-client.ts';
import { writeAccount } from './account.ts';
import { defaultRecords } from './default-records.ts';

export const ADMINISTRATOR = 'admin';

export interface NewAccount {
  readonly name: string;
  /** To be shown once; kept nowhere. */
  readonly password: string;
}

/**
 * Writes the first records, once per data directory. A start that was cut short before the end does it again: the
 * definitions are repeats then, and the account gets a new password.
 * @returns the new account, or undefined when the first start was before
 */
export async function writeFirstRecords(ingest: IngestClient, data: DataDirectory): Promise<NewAccount | undefined> {
  if (existsSync(data.firstStartFile)) return undefined;
  await ingest.writeRecords(defaultRecords());
  const password = await writeAccount(ingest, ADMINISTRATOR, 'administrator');
  writeFileSync(data.firstStartFile, `${JSON.stringify({ at: new Date().toISOString() })}\n`, { mode: 0o600, flush: true });
  return { name: ADMINISTRATOR, password };
}
