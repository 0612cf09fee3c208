/** A person's own signing key in a file: Ed25519 as PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { PersonalKey } from '@airtight/protocol';
import type { ApiClient } from '../api-client.ts';
import { EnvironmentError } from '../command.ts';

const SEED_BYTES = 32;

export interface KeyItem {
  readonly person: string;
  readonly kid: string;
  readonly publicKey: string;
  readonly validFrom: string;
  readonly validTo: string | null;
}

/** Makes a key. @throws EnvironmentError when the file is there already or cannot be written */
export function makePersonalKey(path: string): PersonalKey {
  const key = new PersonalKey(randomBytes(SEED_BYTES));
  try {
    writeFileSync(path, key.toPem(), { mode: 0o600, flag: 'wx', flush: true });
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : String(cause));
  }
  return key;
}

/** @throws EnvironmentError when the file holds no such key */
export function readPersonalKey(path: string): PersonalKey {
  const key = PersonalKey.fromPem(readFileSync(path, 'utf8'));
  if (key === undefined) throw unusable(path, 'not an Ed25519 key in PEM');
  return key;
}

/** What is on record of a key. @throws EnvironmentError when it is on record for nobody, or has ended */
export async function keyOnRecord({ kid }: PersonalKey, api: ApiClient): Promise<KeyItem> {
  const { items } = await api.read<{ readonly items: readonly KeyItem[] }>('signing-keys');
  const known = items.find((item) => item.kid === kid);
  if (known === undefined || known.validTo !== null)
    throw new EnvironmentError({
      zh: `签名密钥 ${kid} ${known === undefined ? '不在案' : '已停用'}：先以 airtight signing-key register 登记`,
      en: `signing key ${kid} ${known === undefined ? 'is not on record' : 'has ended'}: put one on record with airtight signing-key register`,
    });
  return known;
}

function unusable(path: string, why: string): EnvironmentError {
  return new EnvironmentError({ zh: `签名密钥 ${path}：${why}`, en: `signing key ${path}: ${why}` });
}
