/** The proof of one record in a ledger as large as they get: 30 hashes to the root, cosigned by three witnesses. */
import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { countProducers, encodeBatchRecord, encodeRecord, producersRootOf } from '@airtight/protocol';
import {
  ED25519,
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  formatBundle,
  formatCheckpoint,
  formatNote,
  formatTimestampedSignature,
  formatVkey,
  leafHash,
  makeVkey,
  nodeHash,
  type Vkey,
} from '@airtight/tlog';

const BATCH_HASHES = 12;
const LEDGER_HASHES = 18;
const TIME = Date.UTC(2026, 10, 22, 8);

interface Signer {
  readonly vkey: Vkey;
  readonly privateKey: KeyObject;
}

function signerOf(name: string, type: number): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
  return { vkey: makeVkey(name, type, bytes), privateKey };
}

/** Siblings on the way up from the first leaf of a full tree, and the root they lead to. */
function climb(leaf: Uint8Array, hashes: number): { readonly path: Uint8Array[]; readonly root: Uint8Array } {
  const path = Array.from({ length: hashes }, (_, at) => new Uint8Array(hash('sha256', `sibling ${at}`, 'buffer')));
  return { path, root: path.reduce((root, sibling) => nodeHash(root, sibling), leaf) };
}

/** @returns an `airtight-proof@1`, and the policy that asks for all three witnesses */
export function longProof(): { readonly bundle: string; readonly policy: string } {
  const log = signerOf('ledger.example/long', ED25519);
  const witnesses = ['one', 'two', 'three'].map((name) => signerOf(`witness.example/${name}`, ED25519_COSIGNATURE));
  const header = {
    v: 1,
    agency: 'bj',
    dataset: 'air',
    producer: 's1',
    receivedAt: TIME,
    door: 'mqtt',
    contentType: 'application/json',
  } as const;
  const record = encodeRecord(header, Buffer.from(JSON.stringify({ t: TIME, m: { pm25: 35 } })));
  const inBatch = climb(leafHash(record), BATCH_HASHES);
  const batch = encodeBatchRecord({
    ...{ v: 1, type: 'batch', stream: 'r/a', seq: 0, prev: null, first: 0, count: 2 ** BATCH_HASHES, firstAt: TIME, lastAt: TIME },
    ...{ root: Buffer.from(inBatch.root).toString('hex'), tree: 'rfc6962-sha256', commitment: 'plain' },
    producers: producersRootOf(countProducers([record])),
  });
  const inLedger = climb(leafHash(batch), LEDGER_HASHES);
  const text = formatCheckpoint({ origin: log.vkey.name, size: 2 ** LEDGER_HASHES, root: inLedger.root });
  const time = TIME / 1000;
  const lines = witnesses.map(({ vkey, privateKey }) => {
    const signature = new Uint8Array(sign(null, ed25519CosignatureMessage(time, Buffer.from(text)), privateKey));
    return { name: vkey.name, keyId: vkey.keyId, signature: formatTimestampedSignature({ time, signature }) };
  });
  const own = { name: log.vkey.name, keyId: log.vkey.keyId, signature: new Uint8Array(sign(null, Buffer.from(text), log.privateKey)) };
  const bundle = formatBundle({
    ...{ record, position: 0 },
    batch: { record: batch, index: 0, path: inBatch.path },
    ledger: { index: 0, path: inLedger.path },
    checkpoint: formatNote(text, [own, ...lines]),
  });
  const policy = [
    `log ${formatVkey(log.vkey)}`,
    ...witnesses.map(({ vkey }, at) => `witness w${at} ${formatVkey(vkey)}`),
    'group all all w0 w1 w2',
    'quorum all',
  ];
  return { bundle, policy: `${policy.join('\n')}\n` };
}
