/**
 * The files in keys/: private and public halves belong together, certificates are of their authority, policies can be read
 * and name the own log, keys of salts can be unwrapped. What a key has signed is checked where it stands.
 */
import { createPrivateKey, sign, verify, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyFilesFault } from '@airtight/ingest/confidential.ts';
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
  const salts = keyFilesFault(join(data.keys, 'salts'));
  if (salts !== undefined)
    return {
      counts: { keys },
      finding: { stage: 'keys', code: 'SALTS_UNREADABLE', file: `keys/salts/${salts.file}`, detail: salts.detail },
    };
  return { counts: { keys } };
}

type Check = (data: DataDirectory) => string | undefined;

/** In the order in which a fault of one explains that of the next. */
const CHECKS: readonly (readonly [file: string, check: Check])[] = [
  ['ledger.key', (data) => keyPairFault(data, 'ledger')],
  ['next.key', (data) => keyPairFault(data, 'next')],
  ['witness.key', (data) => keyPairFault(data, 'witness')],
  ['audit.key', (data) => keyPairFault(data, 'audit')],
  ['policy', (data) => policyFault(data, 'policy') ?? ownLogFault(data)],
  ['witness-logs', (data) => policyFault(data, 'witness-logs')],
  ['region', (data) => policyFault(data, 'region')],
  ['tsa-roots.pem', rootsFault],
  ['ca.crt', (data) => certificateFault(data, 'ca', 'ca')],
  ['server.crt', (data) => certificateFault(data, 'server', 'ca')],
  ['ca.key', (data) => certificateKeyFault(data, 'ca')],
  ['server.key', (data) => certificateKeyFault(data, 'server')],
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

/** A certificate is signed by its authority; the `.key` beside it, when it is there, is its private half. Both as they are written. */
function certificateFault({ keys }: DataDirectory, name: string, authority: string): string | undefined {
  const text = readFileSync(join(keys, `${name}.crt`), 'utf8');
  const certificate = new X509Certificate(text);
  if (!isPem(text, certificate.toString())) return 'not the PEM text of its certificate';
  const issuer = join(keys, `${authority}.crt`);
  if (existsSync(issuer) && !certificate.verify(new X509Certificate(readFileSync(issuer)).publicKey))
    return `not signed by ${authority}.crt`;
  return undefined;
}

function certificateKeyFault({ keys }: DataDirectory, name: string): string | undefined {
  const text = readFileSync(join(keys, `${name}.key`), 'utf8');
  const key = createPrivateKey(text);
  if (!isPem(text, key.export({ type: 'pkcs8', format: 'pem' }).toString())) return 'not the PEM text of its key';
  if (!existsSync(join(keys, `${name}.crt`))) return undefined;
  const { publicKey } = new X509Certificate(readFileSync(join(keys, `${name}.crt`)));
  // A key file holds its public half too, which says nothing about the private one.
  const isPair = verify(null, PROBE, publicKey, sign(null, PROBE, key));
  return isPair ? undefined : `not the key of ${name}.crt`;
}

const PROBE = Buffer.from('airtight audit');

/** PEM readers overlook much; what we wrote is one text. */
function isPem(text: string, written: string): boolean {
  const line = written.trimEnd();
  return text === line || text === `${line}\n`;
}

/** Each is signed by itself, or by another of them. */
function rootsFault({ tsaRootsFile }: DataDirectory): string | undefined {
  const pem = readFileSync(tsaRootsFile, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (pem.length === 0) return 'no certificate';
  const roots = pem.map((one) => new X509Certificate(one));
  if (roots.some((root, at) => root.toString().trim() !== pem[at]?.replaceAll('\r', '')))
    return 'a certificate that is not written as usual';
  const wrong = roots.find((root) => !roots.some(({ publicKey }) => root.verify(publicKey)));
  return wrong === undefined ? undefined : `${wrong.subject.replaceAll('\n', ', ')} is signed by none of them`;
}

function keyFinding(file: string, detail: string): Finding {
  const isSigning = file === 'ledger.key' || file === 'witness.key';
  const code = isSigning ? 'LEDGER_KEY_INVALID' : 'KEY_FILE_INVALID';
  return { stage: 'keys', code, file: `keys/${file}`, detail };
}
