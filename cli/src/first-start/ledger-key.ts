/** The ledger's identity, made once per deployment: its signing keys, and what readers verify by. */
import { existsSync, writeFileSync } from 'node:fs';
import type { DataDirectory } from '../data-directory.ts';
import type { Environment } from '../supervise/services.ts';

/**
 * Creates the signing key when there is none, and beside it the public files `ledger.vkey` (the verifier key) and
 * `policy` (a tlog-policy that trusts this log and asks for no witness), which may be handed to anyone who verifies.
 * A ledger that is to be a witness gets the key of the witness too.
 * @param section the `ledger` section of the configuration file, which may name the log and the witness
 */
export async function createLedgerIdentity(data: DataDirectory, section: unknown, env: Environment): Promise<void> {
  const { generateLedgerKey, readLedgerVkey, resolveLedgerConfig } = await import('@airtight/ledger');
  const config = resolveLedgerConfig(section, { ...env, AIRTIGHT_DATA: data.root });
  if (config.witnessName !== '') await createWitnessIdentity(data, config);
  if (existsSync(data.ledgerKeyFile) && existsSync(data.ledgerVkeyFile) && existsSync(data.policyFile)) return;
  const { origin, keyFile } = config;
  const vkey = existsSync(keyFile) ? await readLedgerVkey(keyFile, origin) : await generateLedgerKey(keyFile, origin);
  writeFileSync(data.ledgerVkeyFile, `${vkey}\n`, { flush: true });
  writeFileSync(data.policyFile, `log ${vkey}\nquorum none\n`, { flush: true });
}

interface WitnessSettings {
  readonly witnessName: string;
  readonly witnessKeyFile: string;
  readonly witnessLogsFile: string;
}

/** The key, its public half, and a list of logs that is still empty: whom to cosign for is for people to say. */
async function createWitnessIdentity(
  data: DataDirectory,
  { witnessName, witnessKeyFile, witnessLogsFile }: WitnessSettings,
): Promise<void> {
  if (!existsSync(witnessLogsFile)) {
    writeFileSync(witnessLogsFile, '# log <verifier key> <address of its tiles>\nquorum none\n', { flush: true });
  }
  if (existsSync(witnessKeyFile) && existsSync(data.witnessVkeyFile)) return;
  const { generateWitnessKey, readWitnessVkey } = await import('@airtight/ledger');
  const isThere = existsSync(witnessKeyFile);
  const vkey = isThere ? await readWitnessVkey(witnessKeyFile, witnessName) : await generateWitnessKey(witnessKeyFile, witnessName);
  writeFileSync(data.witnessVkeyFile, `${vkey}\n`, { flush: true });
}
