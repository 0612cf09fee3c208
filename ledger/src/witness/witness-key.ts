/** The key that cosigns other logs' checkpoints (c2sp.org/tlog-cosignature). Never the key of a log. */
import { sign } from 'node:crypto';
import {
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  formatTimestampedSignature,
  formatVkey,
  type NoteSignature,
  type Vkey,
} from '@airtight/tlog';
import { generateKeyFile, readKeyFile } from '../signing-key-file.ts';

export interface WitnessKey {
  readonly vkey: Vkey;
  /**
   * The cosignature of a checkpoint text.
   * @param timeS POSIX seconds
   */
  cosign(text: Uint8Array, timeS: number): NoteSignature;
}

/**
 * Makes a new key and its file.
 * @param name name of the witness: a schema-less URL without spaces and plus, e.g. `witness.beijing.example`
 * @returns the verifier key, to be published
 * @throws LedgerError LEDGER_KEY_EXISTS, LEDGER_KEY_INVALID
 */
export function generateWitnessKey(keyFile: string, name: string): Promise<string> {
  return generateKeyFile(keyFile, name, ED25519_COSIGNATURE);
}

/** @throws LedgerError LEDGER_KEY_INVALID */
export async function readWitnessKey(keyFile: string, name: string): Promise<WitnessKey> {
  const { vkey, privateKey } = await readKeyFile(keyFile, name, ED25519_COSIGNATURE);
  return {
    vkey,
    cosign(text, timeS) {
      const signature = sign(null, ed25519CosignatureMessage(timeS, text), privateKey);
      return { name: vkey.name, keyId: vkey.keyId, signature: formatTimestampedSignature({ time: timeS, signature }) };
    },
  };
}

/** The verifier key of a key file. @throws LedgerError LEDGER_KEY_INVALID */
export async function readWitnessVkey(keyFile: string, name: string): Promise<string> {
  return formatVkey((await readWitnessKey(keyFile, name)).vkey);
}
