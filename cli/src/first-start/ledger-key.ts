/** The ledger's identity, made once per deployment: its signing key, and what readers verify by. */
import { existsSync, writeFileSync } from 'node:fs';
import type { DataDirectory } from '../data-directory.ts';
import type { Environment } from '../supervise/services.ts';

/**
 * Creates the signing key when there is none, and beside it the public files `ledger.vkey` (the verifier key) and
 * `policy` (a tlog-policy that trusts this log and asks for no witness), which may be handed to anyone who verifies.
 * @param section the `ledger` section of the configuration file, which may name the log
 */
export async function createLedgerIdentity(data: DataDirectory, section: unknown, env: Environment): Promise<void> {
  if (existsSync(data.ledgerKeyFile) && existsSync(data.ledgerVkeyFile) && existsSync(data.policyFile)) return;
  const { generateLedgerKey, readLedgerVkey, resolveLedgerConfig } = await import('@airtight/ledger');
  const { origin, keyFile } = resolveLedgerConfig(section, { ...env, AIRTIGHT_DATA: data.root });
  const vkey = existsSync(keyFile) ? await readLedgerVkey(keyFile, origin) : await generateLedgerKey(keyFile, origin);
  writeFileSync(data.ledgerVkeyFile, `${vkey}\n`, { flush: true });
  writeFileSync(data.policyFile, `log ${vkey}\nquorum none\n`, { flush: true });
}
