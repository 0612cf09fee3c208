/** A signed reading in a bundle: what the operator could change, with a ledger that fits, is found by name. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  ED25519,
  formatBundle,
  formatCheckpoint,
  formatNote,
  inclusionPath,
  leafHash,
  makeVkey,
  type ProofBundle,
  type ProvenRecord,
  parseBundle,
  policyOfLog,
  rootOfLeafHashes,
} from '@airtight/tlog';
import { encodeBatchRecord } from '../batches/batch.ts';
import { countProducers, producersRootOf } from '../batches/producer-index.ts';
import { KEYS_DATASET, type KeyRecord } from '../control.ts';
import { decodePublicKey, signedMessage } from '../identity/device-signature.ts';
import { encodeRecord, type RecordHeader } from '../records/record.ts';
import { parseDeviceKey, verifyProof } from './verify-proof.ts';

const TIME = Date.UTC(2026, 10, 22, 8);
const KID = '0123456789abcdef';
const PLACE = { agency: 'bj', dataset: 'air', producer: 's1' };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const keys = generateKeyPairSync('ed25519');
const otherKeys = generateKeyPairSync('ed25519');
const log = generateKeyPairSync('ed25519');
const textOf = (key: KeyObject): string => key.export({ format: 'jwk' }).x as string;
const rawOf = (key: KeyObject): Uint8Array => decodePublicKey(textOf(key)) as Uint8Array;
const LOG = makeVkey('ledger.example', ED25519, rawOf(log.publicKey));
const policy = policyOfLog(LOG);

function signed(payload: string, by: KeyObject = keys.privateKey, change: Partial<RecordHeader> = {}): Uint8Array {
  const sig = sign(null, signedMessage(PLACE, utf8(payload)), by).toString('base64url');
  const header = {
    v: 1,
    ...PLACE,
    receivedAt: TIME,
    door: 'mqtt',
    contentType: 'application/json',
    signature: { kid: KID, sig },
    ...change,
  };
  return encodeRecord(header as RecordHeader, utf8(payload));
}

function keyRecord(change: Partial<KeyRecord> = {}): Uint8Array {
  const key = { type: 'key', producer: 's1', agency: 'bj', kid: KID, publicKey: textOf(keys.publicKey), validFrom: TIME - 1000, ...change };
  const header = { agency: 'airtight', dataset: KEYS_DATASET, producer: 's1', door: 'internal', contentType: 'application/json' };
  return encodeRecord({ v: 1, ...header, receivedAt: TIME - 1000 }, utf8(JSON.stringify(key)));
}

/** A ledger that holds these records, each in a batch of its own, and fits in every hash: as an operator could make it. */
function bundleOf(records: readonly Uint8Array[], reading: number, key?: number): ProofBundle {
  const batches = records.map((record, seq) =>
    encodeBatchRecord({
      ...{ v: 1, type: 'batch', stream: 'r/a', seq, prev: null, first: seq, count: 1, firstAt: TIME, lastAt: TIME },
      ...{
        root: Buffer.from(rootOfLeafHashes(leafHash(record))).toString('hex'),
        tree: 'rfc6962-sha256',
        commitment: 'plain',
        producers: producersRootOf(countProducers([record])),
      },
    }),
  );
  const leaves = Uint8Array.from(batches.flatMap((batch) => [...leafHash(batch)]));
  const text = formatCheckpoint({ origin: LOG.name, size: batches.length, root: rootOfLeafHashes(leaves) });
  const signature = new Uint8Array(sign(null, utf8(text), log.privateKey));
  const proven = (position: number): ProvenRecord => ({
    record: records[position] as Uint8Array,
    position,
    batch: { record: batches[position] as Uint8Array, index: 0, path: [] },
    ledger: { index: position, path: inclusionPath(leaves, position) },
  });
  const bundle = { ...proven(reading), checkpoint: formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]) };
  const parsed = parseBundle(formatBundle(key === undefined ? bundle : { ...bundle, deviceKey: proven(key) }));
  assert.ok(parsed.ok);
  return parsed.value;
}

/** Steps that fail, with their codes; empty when all hold. */
function faults(bundle: ProofBundle, deviceKey?: Uint8Array): string[] {
  const { ok, steps } = verifyProof(bundle, policy, { deviceKey });
  const failed = steps.filter((step) => !step.ok).map(({ step, code }) => `${step} ${code}`);
  assert.equal(ok, failed.length === 0);
  return failed;
}

const reading = '{"t":1,"m":{"pm25":35.4}}';

test('a signed reading is proven to be of the device whose key was on record before', () => {
  const bundle = bundleOf([keyRecord(), signed(reading)], 1, 0);
  assert.deepEqual(faults(bundle), []);
  assert.deepEqual(
    verifyProof(bundle, policy).steps.map(({ step }) => step),
    ['record', 'batch', 'ledger', 'checkpoint', 'witnesses', 'signature', 'deviceKey'],
  );
  assert.deepEqual(faults(bundle, rawOf(keys.publicKey)), []);
  assert.deepEqual(faults(bundleOf([signed(reading)], 0), rawOf(keys.publicKey)), [], 'who has the key needs none from the bundle');
});

test('an unsigned reading has the five steps it always had; asked for a signature, it fails', () => {
  const bundle = bundleOf([signed(reading, keys.privateKey, { signature: undefined as never })], 0);
  assert.equal(verifyProof(bundle, policy).steps.length, 5);
  assert.deepEqual(faults(bundle), []);
  assert.deepEqual(faults(bundle, rawOf(keys.publicKey)), ['signature SIGNATURE_MISSING']);
});

test('what the operator changes and seals anew is named: the ledger fits, the signature does not', () => {
  const forged = signed(reading).map((byte, at, all) => (at === all.length - 4 ? byte + 1 : byte));
  assert.deepEqual(faults(bundleOf([keyRecord(), forged], 1, 0)), ['signature SIGNATURE_INVALID']);
  const moved = signed(reading, keys.privateKey, { producer: 's2' });
  assert.deepEqual(faults(bundleOf([keyRecord({ producer: 's2' }), moved], 1, 0)), ['signature SIGNATURE_INVALID']);
  const byAnother = signed(reading, otherKeys.privateKey);
  assert.deepEqual(faults(bundleOf([keyRecord(), byAnother], 1, 0)), ['signature SIGNATURE_INVALID']);
  // A key of the operator's own, put on record for the device: only who has the true key finds it.
  const swapped = bundleOf([keyRecord({ publicKey: textOf(otherKeys.publicKey) }), byAnother], 1, 0);
  assert.deepEqual(faults(swapped), []);
  assert.deepEqual(faults(swapped, rawOf(keys.publicKey)), ['signature SIGNATURE_INVALID', 'deviceKey SIGNING_KEY_WRONG']);
});

test('a key that was not this device’s, not valid then, or put on record afterwards does not count', () => {
  for (const change of [{ producer: 's2' }, { agency: 'tj' }, { kid: 'f'.repeat(16) }, { validFrom: TIME + 1 }, { validTo: TIME }])
    assert.deepEqual(faults(bundleOf([keyRecord(change), signed(reading)], 1, 0)), ['deviceKey SIGNING_KEY_WRONG'], JSON.stringify(change));
  assert.deepEqual(faults(bundleOf([keyRecord({ validTo: TIME + 1 }), signed(reading)], 1, 0)), []);
  assert.deepEqual(faults(bundleOf([signed(reading), keyRecord()], 0, 1)), ['deviceKey SIGNING_KEY_WRONG']);
  assert.deepEqual(faults(bundleOf([signed(reading)], 0)), ['signature SIGNING_KEY_WRONG', 'deviceKey SIGNING_KEY_WRONG']);
  const bundle = bundleOf([keyRecord(), signed(reading)], 1, 0);
  const [other] = [bundleOf([keyRecord({ validFrom: 1 }), signed(reading)], 1, 0).deviceKey as ProvenRecord];
  assert.deepEqual(faults({ ...bundle, deviceKey: other }), ['deviceKey PROOF_MISMATCH']);
});

test('whatever stands in header and key record, there is an answer', () => {
  const odd = [
    signed(reading, keys.privateKey, { signature: null as never }),
    signed(reading, keys.privateKey, { signature: { kid: 1, sig: {} } as never }),
    signed(reading, keys.privateKey, { agency: { toString: 1 } as never }),
    signed(reading, keys.privateKey, { receivedAt: 'now' as never }),
  ];
  for (const record of odd) assert.equal(verifyProof(bundleOf([keyRecord(), record], 1, 0), policy).ok, false);
  for (const change of [{ validFrom: 1e300 }, { validTo: {} }, { publicKey: 'x' }, { publicKey: 7 }, { type: 'other' }] as never[])
    assert.equal(verifyProof(bundleOf([keyRecord(change), signed(reading)], 1, 0), policy).ok, false);
});

test('a public key is read from PEM and base64url', () => {
  assert.deepEqual(parseDeviceKey(keys.publicKey.export({ type: 'spki', format: 'pem' }) as string), rawOf(keys.publicKey));
  assert.deepEqual(parseDeviceKey(`${textOf(keys.publicKey)}\n`), rawOf(keys.publicKey));
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }) as string;
  for (const text of ['', 'x', ec]) assert.equal(parseDeviceKey(text), undefined);
});
