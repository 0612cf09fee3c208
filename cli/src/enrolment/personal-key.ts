/** A person's own signing key in a file: Ed25519 as PKCS #8 in PEM (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { actMessage, type PersonalSignature, possessionMessage } from '@airtight/protocol';
import type { ApiClient } from '../api-client.ts';
import { EnvironmentError } from '../command.ts';

export interface KeyItem {
  readonly person: string;
  readonly kid: string;
  readonly publicKey: string;
  readonly validFrom: string;
  readonly validTo: string | null;
}

export class PersonalKey {
  readonly publicKey: string;
  /** First 16 hex digits of SHA-256 over the 32 bytes of the public key. */
  readonly kid: string;
  readonly #key: KeyObject;

  constructor(key: KeyObject) {
    this.#key = key;
    this.publicKey = createPublicKey(key).export({ format: 'jwk' }).x as string;
    this.kid = createHash('sha256').update(Buffer.from(this.publicKey, 'base64url')).digest('hex').slice(0, 16);
  }

  /** Signs an act with the time and id that it says, if it says any. */
  sign(dataset: string, act: object, said: Pick<PersonalSignature, 'at' | 'id'> = {}): PersonalSignature {
    return { kid: this.kid, sig: this.#sign(actMessage(dataset, act)), ...said };
  }

  /** What shows, when the key is put on record, that the person holds it. */
  possession(person: string): string {
    return this.#sign(possessionMessage(person, this.publicKey));
  }

  #sign(message: Uint8Array): string {
    return sign(null, message, this.#key).toString('base64url');
  }
}

/** Makes a key. @throws EnvironmentError when the file is there already or cannot be written */
export function makePersonalKey(path: string): PersonalKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx', flush: true });
  } catch (cause) {
    throw unusable(path, cause);
  }
  return new PersonalKey(privateKey);
}

/** @throws EnvironmentError when the file holds no such key */
export function readPersonalKey(path: string): PersonalKey {
  try {
    const key = createPrivateKey(readFileSync(path, 'utf8'));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`a key of type ${key.asymmetricKeyType}`);
    return new PersonalKey(key);
  } catch (cause) {
    throw unusable(path, cause);
  }
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

function unusable(path: string, cause: unknown): EnvironmentError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new EnvironmentError({ zh: `签名密钥 ${path}：${why}`, en: `signing key ${path}: ${why}` });
}
