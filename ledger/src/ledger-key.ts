/**
 * The key that signs checkpoints: a file of one line, `PRIVATE+KEY+origin+id+base64`, as Go's note package writes it,
 * readable by its owner alone. One key signs one log, ever: two logs under one key would be two histories of the same
 * name. Beside a new key lies `<key file>.unused`, which goes when its log is created; without it no log is created.
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { chmod, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  ED25519,
  formatSigningKey,
  formatVkey,
  isKeyName,
  type NoteSignature,
  parseSigningKey,
  type SignatureAlgorithms,
  type Vkey,
  vkeyOf,
} from '@airtight/tlog';
import { LedgerError } from './ledger-error.ts';

const SEED_BYTES = 32;
const SECRET_MODE = 0o600;
/** PKCS #8 and SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) are these prefixes and 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export interface LedgerKey {
  readonly vkey: Vkey;
  /** The log signature of a note text. */
  signNote(text: string): NoteSignature;
}

/** Ed25519 by OpenSSL; ten times faster than in JavaScript. */
export const nodeAlgorithms: SignatureAlgorithms = {
  ed25519: (publicKey, message, signature) => verify(null, message, publicKeyObject(publicKey), signature),
};

/**
 * Makes a new key and its file.
 * @param origin name of the log: a schema-less URL without spaces and plus, unique in the world, e.g. `beijing.example/ledger`
 * @returns the verifier key, to be published
 * @throws LedgerError LEDGER_KEY_EXISTS, LEDGER_KEY_INVALID
 */
export async function generateLedgerKey(keyFile: string, origin: string): Promise<string> {
  if (!isKeyName(origin)) throw new LedgerError('LEDGER_KEY_INVALID', `not a log origin: ${JSON.stringify(origin)}`);
  const key = { name: origin, type: ED25519, seed: randomBytes(SEED_BYTES) };
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
 * @throws LedgerError LEDGER_KEY_INVALID when it is not there, others can read it, it is malformed, or it is another log's
 */
export async function readLedgerKey(keyFile: string, origin: string): Promise<LedgerKey> {
  let text: string;
  try {
    if (((await stat(keyFile)).mode & 0o077) !== 0) throw new Error('others than its owner have access: chmod 600');
    text = await readFile(keyFile, 'utf8');
  } catch (cause) {
    throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const parsed = parseSigningKey(text.trimEnd());
  if (!parsed.ok) throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: ${parsed.detail}`);
  if (parsed.value.name !== origin) {
    throw new LedgerError('LEDGER_KEY_INVALID', `${keyFile}: the key of ${parsed.value.name}, not of ${origin}`);
  }
  return toLedgerKey(parsed.value.seed, vkeyOf(parsed.value));
}

/** The verifier key of a key file. @throws LedgerError LEDGER_KEY_INVALID */
export async function readLedgerVkey(keyFile: string, origin: string): Promise<string> {
  return formatVkey((await readLedgerKey(keyFile, origin)).vkey);
}

/** True as long as no log was created with this key. */
export function isUnusedKey(keyFile: string): Promise<boolean> {
  return exists(unusedMark(keyFile));
}

/** To be called once a log of this key is there, before anything is appended to it. */
export async function markKeyUsed(keyFile: string): Promise<void> {
  await rm(unusedMark(keyFile), { force: true });
  await syncDirectory(dirname(keyFile));
}

function toLedgerKey(seed: Uint8Array, vkey: Vkey): LedgerKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return {
    vkey,
    signNote: (text) => ({ name: vkey.name, keyId: vkey.keyId, signature: sign(null, Buffer.from(text), privateKey) }),
  };
}

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
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
