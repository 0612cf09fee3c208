/**
 * The key that signs audit reports: a line `PRIVATE+KEY+name+id+base64`, as for checkpoints, and beside it the public half.
 * One that lies in the audited data directory says only which installation a report comes from; who is to be believed
 * against the operator brings a key of his own.
 */
import { randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { ED25519, formatSigningKey, formatVkey, isKeyName, type NoteSignature, parseSigningKey, type Vkey, vkeyOf } from '@airtight/tlog';
import { EnvironmentError } from '../command.ts';
import { writeSecret } from '../data-directory.ts';

const SEED_BYTES = 32;

export interface AuditorKey {
  readonly vkey: Vkey;
  sign(text: string): NoteSignature;
}

/**
 * Reads the key; makes it, and `…vkey` beside it, when there is none.
 * @param name of the auditor, as for a new key; a schema-less URL or a word, without spaces and plus
 * @throws EnvironmentError when the file is no such key, others can read it, or the name cannot be one
 */
export async function auditorKey(file: string, name: string): Promise<AuditorKey> {
  if (!existsSync(file)) createKey(file, name);
  const key = parseSigningKey(readFileSync(file, 'utf8').trimEnd());
  if (!key.ok || key.value.type !== ED25519) throw unusable(file, key.ok ? 'another kind of key' : key.detail);
  if ((statSync(file).mode & 0o077) !== 0) throw unusable(file, 'others than its owner have access: chmod 600');
  const vkey = vkeyOf(key.value);
  const { privateKeyOfSeed } = await import('@airtight/ledger');
  const privateKey = privateKeyOfSeed(key.value.seed);
  return {
    vkey,
    sign: (text) => ({ name: vkey.name, keyId: vkey.keyId, signature: sign(null, Buffer.from(text), privateKey) }),
  };
}

/** Where the public half of a key file lies. */
export function vkeyFileOf(keyFile: string): string {
  return `${keyFile.replace(/\.key$/, '')}.vkey`;
}

function createKey(file: string, name: string): void {
  if (!isKeyName(name)) throw unusable(file, `not a key name: ${JSON.stringify(name)}`);
  const key = { name, type: ED25519, seed: randomBytes(SEED_BYTES) };
  writeSecret(file, `${formatSigningKey(key)}\n`);
  writeFileSync(vkeyFileOf(file), `${formatVkey(vkeyOf(key))}\n`, { flush: true });
}

function unusable(file: string, detail: string): EnvironmentError {
  return new EnvironmentError({
    zh: `${file} 不能用作审计签名密钥：${detail}`,
    en: `${file} cannot be used as an auditor's signing key: ${detail}`,
  });
}
