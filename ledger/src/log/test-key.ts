/** A signing key with a public seed, for tests alone. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { ED25519, makeVkey } from '@airtight/tlog';
import type { LedgerKey } from '../ledger-key.ts';

export function signingKey(name: string, fill: number): LedgerKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, fill)]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const vkey = makeVkey(name, ED25519, publicKey);
  return { vkey, signNote: (text) => ({ name, keyId: vkey.keyId, signature: sign(null, Buffer.from(text), privateKey) }) };
}
