/** Proof bundles: exactly the link that is broken fails, and no changed bit goes unnoticed. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import {
  ED25519,
  ED25519_COSIGNATURE,
  ed25519CosignatureMessage,
  formatBundle,
  formatCheckpoint,
  formatNote,
  formatSignatureLine,
  formatTimestampedSignature,
  inclusionPath,
  leafHash,
  makeVkey,
  type Policy,
  PROOF_LIMITS,
  type ProofBundle,
  parseBundle,
  policyOfLog,
  rootOfLeafHashes,
  type SignatureAlgorithms,
  verifyBundle,
} from './index.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const seed = (fill: number) => new Uint8Array(32).fill(fill);
const LOG = makeVkey('log.example', ED25519, ed25519.getPublicKey(seed(1)));
const WITNESS = makeVkey('witness.example', ED25519_COSIGNATURE, ed25519.getPublicKey(seed(2)));
const TRUSTED: Policy = { ...policyOfLog(LOG), witnesses: [{ name: 'w', vkey: WITNESS }], quorum: 'w' };
const FIRST = 4096;
const INDEX = 5;

/** OpenSSL, for the many verifications of the test with flipped bits. */
const publicKeys = new Map(
  [LOG, WITNESS].map(({ publicKey }) => [
    bytesToHex(publicKey),
    createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]), format: 'der', type: 'spki' }),
  ]),
);
const nodeAlgorithms: SignatureAlgorithms = {
  ed25519: (publicKey, message, signature) => {
    const key = publicKeys.get(bytesToHex(publicKey));
    return key !== undefined && verify(null, message, key, signature);
  },
};

/** A real batch of 11 records, as entry 2 of a log of 7. */
function makeBundle(): ProofBundle {
  const records = Array.from({ length: 11 }, (_, i) => utf8(`{"v":1,"producer":"st-${i}"}\n{"t":1735689600000,"m":{"pm25":35.${i}}}`));
  const leaves = flat(records);
  const batchRecord = utf8(
    JSON.stringify({ commitment: 'plain', count: 11, first: FIRST, root: bytesToHex(rootOfLeafHashes(leaves)), tree: 'rfc6962-sha256' }),
  );
  const entries = flat([utf8('a'), utf8('b'), batchRecord, utf8('d'), utf8('e'), utf8('f'), utf8('g')]);
  const text = formatCheckpoint({ origin: LOG.name, size: 7, root: rootOfLeafHashes(entries) });
  const note = formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature: ed25519.sign(utf8(text), seed(1)) }]);
  const cosigned = ed25519.sign(ed25519CosignatureMessage(1_767_225_600, utf8(text)), seed(2));
  const signature = formatTimestampedSignature({ time: 1_767_225_600, signature: cosigned });
  return {
    record: records[INDEX] as Uint8Array,
    position: FIRST + INDEX,
    batch: { record: batchRecord, index: INDEX, path: inclusionPath(leaves, INDEX) },
    ledger: { index: 2, path: inclusionPath(entries, 2) },
    checkpoint: note + formatSignatureLine({ name: WITNESS.name, keyId: WITNESS.keyId, signature }),
  };
}

function flat(leaves: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(leaves.map((leaf) => leafHash(leaf))));
}

/** Names of the failed steps with their codes. */
function failures(bundle: ProofBundle, policy: Policy = TRUSTED): string {
  const verdict = verifyBundle(bundle, policy);
  assert.deepEqual(
    verdict.steps.map(({ step }) => step),
    ['record', 'batch', 'ledger', 'checkpoint', 'witnesses'],
  );
  assert.equal(
    verdict.ok,
    verdict.steps.every(({ ok }) => ok),
  );
  return verdict.steps
    .filter(({ ok }) => !ok)
    .map(({ step, code }) => `${step} ${code}`)
    .join(', ');
}

const replaceIn = (bytes: Uint8Array, from: string, to: string) => utf8(new TextDecoder().decode(bytes).replace(from, to));

test('an untouched bundle passes every step, and reads back as written', () => {
  const bundle = makeBundle();
  const verdict = verifyBundle(bundle, TRUSTED);
  assert.equal(failures(bundle), '');
  assert.equal(verdict.checkpoint?.size, 7);
  assert.deepEqual(
    verdict.cosigners.map(({ name, time }) => [name, time]),
    [['w', 1_767_225_600]],
  );
  assert.deepEqual(parseBundle(formatBundle(bundle)), { ok: true, value: bundle });
  assert.ok(PROOF_LIMITS.every(({ code, zh, en }) => /^NOT_/.test(code) && /\p{Script=Han}/u.test(zh) && en.length > 20));
});

test('a changed digit in the record fails at the batch alone, and names the leaf hash', () => {
  const bundle = makeBundle();
  const changed = { ...bundle, record: replaceIn(bundle.record, '35.5', '34.5') };
  assert.equal(failures(changed), 'batch PROOF_MISMATCH');
  const { steps } = verifyBundle(changed, TRUSTED);
  const [record, batch] = steps;
  assert.equal(record?.hashes.leafHash, bytesToHex(leafHash(changed.record)));
  assert.equal(batch?.hashes.leafHash, record?.hashes.leafHash);
  assert.notEqual(batch?.hashes.computedRoot, batch?.hashes.expectedRoot);
  assert.ok(batch?.detail.includes(`leaf hash ${bytesToHex(leafHash(changed.record))} leads to root`));
});

test('each broken link fails where it is', () => {
  const bundle = makeBundle();
  const { batch, ledger } = bundle;
  const [first = new Uint8Array(32), ...rest] = batch.path;
  const cases: readonly (readonly [string, ProofBundle, Policy?])[] = [
    ['record RECORD_MALFORMED, batch PROOF_MISMATCH', { ...bundle, record: utf8('no header line') }],
    ['batch PROOF_MISMATCH', { ...bundle, position: bundle.position + 1 }],
    ['batch PROOF_MISMATCH', { ...bundle, batch: { ...batch, path: [leafHash(first), ...rest] } }],
    ['batch PROOF_MISMATCH', { ...bundle, batch: { ...batch, index: 4 } }],
    ['batch PROOF_MALFORMED', { ...bundle, batch: { ...batch, index: 11 } }],
    ['batch PROOF_MALFORMED', { ...bundle, batch: { ...batch, path: rest } }],
    [
      'batch PROOF_MALFORMED, ledger PROOF_MISMATCH',
      { ...bundle, batch: { ...batch, record: replaceIn(batch.record, '"count":11', '"count":99') } },
    ],
    ['batch PROOF_MISMATCH, ledger PROOF_MISMATCH', { ...bundle, batch: { ...batch, record: replaceIn(batch.record, '4096', '4095') } }],
    ['batch BATCH_MALFORMED, ledger PROOF_MISMATCH', { ...bundle, batch: { ...batch, record: utf8('[]') } }],
    [
      'batch BATCH_MALFORMED, ledger PROOF_MISMATCH',
      { ...bundle, batch: { ...batch, record: replaceIn(batch.record, 'plain', 'salted') } },
    ],
    ['ledger PROOF_MISMATCH', { ...bundle, ledger: { ...ledger, index: 3 } }],
    ['ledger PROOF_MALFORMED', { ...bundle, ledger: { ...ledger, index: 7 } }],
    ['ledger PROOF_MALFORMED', { ...bundle, ledger: { ...ledger, path: ledger.path.slice(1) } }],
    [
      'ledger PROOF_MALFORMED, checkpoint NOTE_SIGNATURE_INVALID, witnesses NOTE_SIGNATURE_INVALID',
      { ...bundle, checkpoint: bundle.checkpoint.replace('\n7\n', '\n9\n') },
    ],
    ['ledger NOTE_MALFORMED, checkpoint NOTE_MALFORMED, witnesses NOTE_MALFORMED', { ...bundle, checkpoint: 'nothing' }],
    ['checkpoint NOTE_UNSIGNED', bundle, { ...TRUSTED, logs: [] }],
    ['witnesses QUORUM_NOT_MET', { ...bundle, checkpoint: bundle.checkpoint.split('— witness')[0] as string }],
  ];
  for (const [expected, changed, policy] of cases) assert.equal(failures(changed, policy), expected);
  const unwitnessed = { ...bundle, checkpoint: bundle.checkpoint.split('— witness')[0] as string };
  assert.equal(failures(unwitnessed, policyOfLog(LOG)), '', 'a policy may ask for no witness');
});

test('a flipped bit in any byte of a bundle file is found', () => {
  const file = utf8(formatBundle(makeBundle()));
  const isRefused = (bytes: Uint8Array): boolean => {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return true;
    }
    const bundle = parseBundle(text);
    return !bundle.ok || !verifyBundle(bundle.value, TRUSTED, nodeAlgorithms).ok;
  };
  assert.equal(isRefused(file), false);
  for (let at = 0; at < file.length; at++) {
    for (const bit of new Set([0, at % 8])) {
      const flipped = file.slice();
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      assert.ok(isRefused(flipped), `bit ${bit} of byte ${at}: ${new TextDecoder().decode(flipped.subarray(at - 10, at + 10))}`);
    }
  }
});

test('malformed bundles name the field', () => {
  const json = JSON.parse(formatBundle(makeBundle()));
  const detail = (changed: unknown): string => {
    const parsed = parseBundle(typeof changed === 'string' ? changed : JSON.stringify(changed));
    return parsed.ok ? 'accepted' : `${parsed.code} ${parsed.detail}`;
  };
  assert.match(detail('{'), /^BUNDLE_MALFORMED/);
  assert.match(detail([]), /bundle: not an object/);
  assert.match(detail({ ...json, more: 1 }), /unknown key "more"/);
  assert.match(detail({ ...json, format: 'airtight-proof@2' }), /format/);
  assert.match(detail({ ...json, position: -1 }), /position/);
  assert.match(detail({ ...json, position: '1' }), /position/);
  assert.match(detail({ ...json, record: 'AB==' }), /record: not base64/);
  assert.match(detail({ ...json, batch: { ...json.batch, path: ['AAAA'] } }), /batch\.path\[0\]: 3 bytes/);
  assert.match(detail({ ...json, ledger: { ...json.ledger, path: Array(64).fill(json.batch.path[0]) } }), /ledger\.path: not a list/);
  assert.match(detail({ ...json, checkpoint: null }), /checkpoint/);
  assert.match(detail({ ...json, batch: undefined }), /batch/);
});
