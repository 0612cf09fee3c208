/**
 * The files in keys/: private and public halves belong together, certificates are of their authority, policies can be read
 * and name the own log. What a key has signed is checked where it stands.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatVkey, parsePolicy, parseSigningKey, vkeyOf } from '@airtight/tlog';
import type { DataDirectory } from '../data-directory.ts';
import type { Finding, StageResult } from './finding.ts';

export function auditKeys(data: DataDirectory): StageResult {
  let keys = 0;
  for (const [file, check] of CHECKS) {
    if (!existsSync(join(data.keys, file))) continue;
    keys++;
    const detail = faultOf(() => check(data));
    if (detail !== undefined) return { counts: { keys }, finding: keyFinding(file, detail) };
  }
  return { counts: { keys } };
}

type Check = (data: DataDirectory) => string | undefined;

/** In the order in which a fault of one explains that of the next. */
const CHECKS: readonly (readonly [file: string, check: Check])[] = [
  ['ledger.key', (data) => keyPairFault(data, 'ledger')],
  ['witness.key', (data) => keyPairFault(data, 'witness')],
  ['audit.key', (data) => keyPairFault(data, 'audit')],
  ['policy', (data) => policyFault(data, 'policy') ?? ownLogFault(data)],
  ['witness-logs', (data) => policyFault(data, 'witness-logs')],
  ['region', (data) => policyFault(data, 'region')],
  ['ca.crt', (data) => certificateFault(data, 'ca', 'ca')],
  ['server.crt', (data) => certificateFault(data, 'server', 'ca')],
];

/** What a reader of such files throws says what is wrong with them. */
function faultOf(check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function keyPairFault(data: DataDirectory, name: string): string | undefined {
  const key = parseSigningKey(readFileSync(join(data.keys, `${name}.key`), 'utf8').trimEnd());
  if (!key.ok) return key.detail;
  const publicFile = join(data.keys, `${name}.vkey`);
  if (!existsSync(publicFile)) return undefined;
  const vkey = formatVkey(vkeyOf(key.value));
  return readFileSync(publicFile, 'utf8') === `${vkey}\n` ? undefined : `its public half is ${vkey}, ${name}.vkey says something else`;
}

function policyFault(data: DataDirectory, name: string): string | undefined {
  const policy = parsePolicy(readFileSync(join(data.keys, name), 'utf8'));
  return policy.ok ? undefined : policy.detail;
}

function ownLogFault(data: DataDirectory): string | undefined {
  const policy = parsePolicy(readFileSync(data.policyFile, 'utf8'));
  if (!policy.ok || !existsSync(data.ledgerVkeyFile)) return undefined;
  const own = readFileSync(data.ledgerVkeyFile, 'utf8').trim();
  return policy.value.logs.some(({ vkey }) => formatVkey(vkey) === own) ? undefined : `the log ${own} is not among those it trusts`;
}

/** A certificate names its key and is signed by its authority; the `.key` beside it, when it is there, is its private half. */
function certificateFault({ keys }: DataDirectory, name: string, authority: string): string | undefined {
  const certificate = new X509Certificate(readFileSync(join(keys, `${name}.crt`)));
  const issuer = join(keys, `${authority}.crt`);
  if (existsSync(issuer) && !certificate.verify(new X509Certificate(readFileSync(issuer)).publicKey))
    return `not signed by ${authority}.crt`;
  const keyFile = join(keys, `${name}.key`);
  if (!existsSync(keyFile)) return undefined;
  return certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile))) ? undefined : `${name}.key is not its key`;
}

function keyFinding(file: string, detail: string): Finding {
  const code = file.endsWith('.key') ? 'LEDGER_KEY_INVALID' : 'KEY_FILE_INVALID';
  return { stage: 'keys', code, file: `keys/${file}`, detail };
}
