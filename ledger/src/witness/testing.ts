/** What tests of witnessing need: a log in memory that can fork, and a witness's key with a public seed. */
import { createPublicKey, sign } from 'node:crypto';
import {
  consistencyPath,
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  formatAddCheckpoint,
  formatCheckpoint,
  formatNote,
  formatTimestampedSignature,
  leafHash,
  makeVkey,
  rootOfLeafHashes,
} from '@airtight/tlog';
import type { LedgerKey } from '../ledger-key.ts';
import { nodeSha256 } from '../log/sha256.ts';
import { privateKeyOfSeed } from '../signing-key-file.ts';
import type { WitnessKey } from './witness-key.ts';

export class LogInMemory {
  readonly #key: LedgerKey;
  readonly #leaves: Uint8Array;

  /** @param entries the log's content; logs of one key with other entries are forks */
  constructor(key: LedgerKey, entries: readonly string[]) {
    this.#key = key;
    this.#leaves = Buffer.concat(entries.map((entry) => leafHash(Buffer.from(entry), nodeSha256)));
  }

  checkpoint(size: number): string {
    const text = formatCheckpoint({ origin: this.#key.vkey.name, size, root: this.root(size) });
    return formatNote(text, [this.#key.signNote(text)]);
  }

  root(size: number): Uint8Array {
    return rootOfLeafHashes(this.#leaves.subarray(0, size * 32), nodeSha256);
  }

  path(oldSize: number, size: number): Uint8Array[] {
    return consistencyPath(this.#leaves.subarray(0, size * 32), oldSize, nodeSha256);
  }

  /** An add-checkpoint request. */
  request(oldSize: number, size: number): Uint8Array {
    return Buffer.from(formatAddCheckpoint({ oldSize, path: this.path(oldSize, size), note: this.checkpoint(size) }));
  }
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

export function witnessKeyOf(name: string, fill: number): WitnessKey {
  const privateKey = privateKeyOfSeed(Buffer.alloc(32, fill));
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const vkey = makeVkey(name, ED25519_COSIGNATURE, publicKey);
  return {
    vkey,
    cosign(text, timeS) {
      const signature = sign(null, ed25519CosignatureMessage(timeS, text), privateKey);
      return { name, keyId: vkey.keyId, signature: formatTimestampedSignature({ time: timeS, signature }) };
    },
  };
}
