/**
 * Files of signing keys: one line, `PRIVATE+KEY+name+id+base64`, as Go's note package writes it, readable by its owner
 * alone. Beside a new key lies `<key file>.unused`, which goes when what the key signs for is created: what a key has
 * signed must not be begun a second time, or there would be two histories under one name.
 */
import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto';
import { chmod, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatSigningKey, formatVkey, isKeyName, parseSigningKey, type Vkey, vkeyOf } from '@airtight/tlog';
import { LedgerError } from './ledger-error.ts';

const SEED_BYTES = 32;
const SECRET_MODE = 0o600;
/** PKCS #8 of an Ed25519 key (RFC 8410) is this prefix and the 32 bytes of the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Makes a new Ed25519 key and its file.
 * @param type signature type: ED25519 for a log, ED25519_COSIGNATURE for a witness
 * @returns the verifier key, to be published
 * @throws LedgerError LEDGER_KEY_EXISTS, LEDGER_KEY_INVALID
 */
export async function generateKeyFile(keyFile: string, name: string, type: number): Promise<string> {
  if (!isKeyName(name)) throw new LedgerError('LEDGER_KEY_INVALID', `not a key name: ${JSON.stringify(name)}`);
  const key = { name, type, seed: randomBytes(SEED_BYTES) };
  if (await exists(keyFile)) throw new LedgerError('LEDGER_KEY_EXISTS', keyFile);
  // The mark first: a crash in between leaves a mark without a key, which the next attempt takes over.
  await rm(unusedMark(keyFile), { force: true });
  await writeNew(unusedMark(keyFile), '');
  await writeNew(keyFile, `${formatSigningKey(key)}\n`);
  await syncDirectory(dirname(keyFile));
  return formatVkey(vkeyOf(key));
}

/**
 * Reads a key file.
 * @throws LedgerError LEDGER_KEY_INVALID when it is not there, others can read it, it is malformed, or it is not the key
 *   of that name and type
 */
export async function readKeyFile(keyFile: string, name: string, type: number): Promise<{ vkey: Vkey; privateKey: KeyObject }> {
  let text: string;
  try {
    if (((await stat(keyFile)).mode & 0o077) !== 0) throw new Error('others than its owner have access: chmod 600');
    text = await readFile(keyFile, 'utf8');
  } catch (cause) {
    throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const parsed = parseSigningKey(text.trimEnd());
  if (!parsed.ok) throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: ${parsed.detail}`);
  const { value: key } = parsed;
  if (key.name !== name) throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: the key of ${key.name}, not of ${name}`);
  if (key.type !== type) throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: a key of signature type ${key.type}, not ${type}`);
  return { vkey: vkeyOf(key), privateKey: privateKeyOfSeed(key.seed) };
}

/** The KeyObject of an Ed25519 seed. */
export function privateKeyOfSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** True as long as nothing was created with this key. */
export function isUnusedKey(keyFile: string): Promise<boolean> {
  return exists(unusedMark(keyFile));
}

/** To be called once what the key signs for is there, before it signs more of it. */
export async function markKeyUsed(keyFile: string): Promise<void> {
  await rm(unusedMark(keyFile), { force: true });
  await syncDirectory(dirname(keyFile));
}

function unusedMark(keyFile: string): string {
  return `${keyFile}.unused`;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function writeNew(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', SECRET_MODE);
  try {
    await file.writeFile(text);
    await chmod(path, SECRET_MODE);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
