/** A local account with a generated password, put on record by the one way in. */

import { generatePassword, hashPassword } from '@airtight/api/password';
import { CONTROL_AGENCY, type Role, USERS_DATASET, type UserRecord } from '@airtight/protocol';
import type { IngestClient } from '../ingest-client.ts';

const ACCOUNTS_PRODUCER = 'airtight-cli';

/**
 * Creates the account, or gives an existing one a new password and role.
 * @returns the password, which is kept nowhere
 */
export async function writeAccount(ingest: IngestClient, name: string, role: Role): Promise<string> {
  const password = generatePassword();
  const user: UserRecord = { type: 'user', name, role, passwordHash: await hashPassword(password), disabled: false };
  await ingest.writeRecords([{ agency: CONTROL_AGENCY, dataset: USERS_DATASET, producer: ACCOUNTS_PRODUCER, payload: user }]);
  return password;
}
