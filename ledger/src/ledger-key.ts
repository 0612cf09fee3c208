/** The key that signs checkpoints. One key signs one log, ever: two logs under one key would be two histories of one name. */
import { sign } from 'node:crypto';
import { ED25519, formatVkey, type NoteSignature, type Vkey } from '@airtight/tlog';
import { generateKeyFile, readKeyFile } from './signing-key-file.ts';

export interface LedgerKey {
  readonly vkey: Vkey;
  /** The log signature of a note text. */
  signNote(text: string): NoteSignature;
}

/**
 * Makes a new key and its file.
 * @param origin name of the log: a schema-less URL without spaces and plus, unique in the world, e.g. `beijing.example/ledger`
 * @returns the verifier key, to be published
 * @throws LedgerError LEDGER_KEY_EXISTS, LEDGER_KEY_INVALID
 */
export function generateLedgerKey(keyFile: string, origin: string): Promise<string> {
  return generateKeyFile(keyFile, origin, ED25519);
}

/**
 * Reads a key file.
 * @throws LedgerError LEDGER_KEY_INVALID when it is not there, others can read it, it is malformed, or it is another log's
 */
export async function readLedgerKey(keyFile: string, origin: string): Promise<LedgerKey> {
  const { vkey, privateKey } = await readKeyFile(keyFile, origin, ED25519);
  return {
    vkey,
    signNote: (text) => ({ name: vkey.name, keyId: vkey.keyId, signature: sign(null, Buffer.from(text), privateKey) }),
  };
}

/** The verifier key of a key file. @throws LedgerError LEDGER_KEY_INVALID */
export async function readLedgerVkey(keyFile: string, origin: string): Promise<string> {
  return formatVkey((await readLedgerKey(keyFile, origin)).vkey);
}
