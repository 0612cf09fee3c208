/** A proof set of readings: signatures, keys, definitions and births count only when they are proven too. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  ED25519,
  formatCheckpoint,
  formatNote,
  formatProofSet,
  leafHash,
  makeVkey,
  multiProof,
  type ProofSet,
  parseProofSet,
  policyOfLog,
  rootOfLeafHashes,
} from '@airtight/tlog';
import { encodeBatchRecord } from '../batches/batch.ts';
import { countProducers, producersRootOf } from '../batches/producer-index.ts';
import { DATASETS_DATASET, KEYS_DATASET } from '../control.ts';
import { decodePublicKey, signedMessage } from '../identity/device-signature.ts';
import { encodeRecord, type RecordHeader } from '../records/record.ts';
import { ProvenValues } from './proven-values.ts';
import { verifyProofs } from './verify-proofs.ts';

const TIME = Date.UTC(2026, 10, 22, 8);
const KID = '0123456789abcdef';
const PLACE = { agency: 'bj', dataset: 'air', producer: 's1' };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const keys = generateKeyPairSync('ed25519');
const log = generateKeyPairSync('ed25519');
const textOf = (key: KeyObject): string => key.export({ format: 'jwk' }).x as string;
const rawOf = (key: KeyObject): Uint8Array => decodePublicKey(textOf(key)) as Uint8Array;
const LOG = makeVkey('ledger.example', ED25519, rawOf(log.publicKey));
const policy = policyOfLog(LOG);

function reading(json: object, header: Partial<RecordHeader> = {}): Uint8Array {
  const full = { v: 1, ...PLACE, receivedAt: TIME, door: 'mqtt', contentType: 'application/json', ...header };
  return encodeRecord(full as RecordHeader, utf8(JSON.stringify(json)));
}

function signed(json: object, by = keys.privateKey): Uint8Array {
  const sig = sign(null, signedMessage(PLACE, utf8(JSON.stringify(json))), by).toString('base64url');
  return reading(json, { signature: { kid: KID, sig } });
}

const control = (dataset: string, json: object): Uint8Array =>
  reading(json, { agency: 'airtight', dataset, producer: 'p', door: 'internal', receivedAt: TIME - 1000 });
const KEY = control(KEYS_DATASET, {
  ...{ type: 'key', producer: 's1', agency: 'bj', kid: KID, publicKey: textOf(keys.publicKey), validFrom: TIME - 1000 },
});
const DEFINITION = control(DATASETS_DATASET, {
  ...{ type: 'dataset', dataset: 'air', title: { zh: '空气', en: 'Air' }, cadenceMs: 60_000 },
  properties: { temp: { title: { zh: '气温', en: 'Temperature' }, unit: 'Cel' } },
});

/** All records in batches of three, position = place; the set holds those that are asked for. */
function setOf(records: readonly Uint8Array[], asked = records.map((_, position) => position)): ProofSet {
  const firsts = records.flatMap((_, position) => (position % 3 === 0 ? [position] : []));
  const trees = firsts.map((first) => Uint8Array.from(records.slice(first, first + 3).flatMap((record) => [...leafHash(record)])));
  const batches = firsts.map((first, seq) =>
    encodeBatchRecord({
      ...{ v: 1, type: 'batch', stream: 'r/a', seq, prev: null, first, count: (trees[seq] as Uint8Array).length / 32 },
      ...{
        firstAt: TIME,
        lastAt: TIME,
        tree: 'rfc6962-sha256',
        commitment: 'plain',
        producers: producersRootOf(countProducers(records.slice(first, first + 3))),
      },
      root: Buffer.from(rootOfLeafHashes(trees[seq] as Uint8Array)).toString('hex'),
    }),
  );
  const entries = Uint8Array.from(batches.flatMap((batch) => [...leafHash(batch)]));
  const text = formatCheckpoint({ origin: LOG.name, size: batches.length, root: rootOfLeafHashes(entries) });
  const signature = new Uint8Array(sign(null, utf8(text), log.privateKey));
  const held = batches.flatMap((record, index) => {
    const here = asked.filter((position) => Math.floor(position / 3) === index);
    if (here.length === 0) return [];
    const path = multiProof(
      trees[index] as Uint8Array,
      here.map((position) => position - index * 3),
    );
    const items = here.map((position) => ({ position, record: records[position] as Uint8Array }));
    return [
      { record, index, entryHash: leafHash(record), path, records: items.map((item) => ({ ...item, leafHash: leafHash(item.record) })) },
    ];
  });
  const ledger = multiProof(
    entries,
    held.map(({ index }) => index),
  );
  const note = formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]);
  const parsed = parseProofSet(formatProofSet({ checkpoint: note, ledger, batches: held }));
  assert.ok(parsed.ok);
  return parsed.value;
}

function faults(set: ProofSet, deviceKey?: Uint8Array): string[] {
  const verdict = verifyProofs(set, policy, { deviceKey });
  const failed = verdict.records.flatMap((one) => one.faults.map(({ step, code }) => `${one.position} ${step} ${code}`));
  assert.equal(verdict.ok, failed.length === 0);
  return failed;
}

/** The set with another record in place of the one at this position. */
function changed(set: ProofSet, position: number, record: Uint8Array): ProofSet {
  const batches = set.batches.map((batch) => ({
    ...batch,
    records: batch.records.map((one) => (one.position === position ? { ...one, record } : one)),
  }));
  return { ...set, batches };
}

const warm = { t: TIME, m: { temp: { v: 300.65, u: 'K' } } };
const claim = { position: 2, producer: 's1', observedProperty: 'temp', phenomenonTime: TIME, result: 27.5 };

test('signed readings are proven by the key that is proven with them, unsigned ones need none', () => {
  const records = [KEY, DEFINITION, signed(warm), reading({ t: TIME + 1, m: { temp: 1 } }), signed({ t: TIME + 2, m: { temp: 2 } })];
  const set = setOf(records);
  assert.deepEqual(faults(set), []);
  assert.equal(verifyProofs(set, policy).signed, 2);
  assert.deepEqual(faults(set, rawOf(keys.publicKey)), ['3 signature SIGNATURE_MISSING']);
  assert.deepEqual(faults(setOf(records, [2, 3])), ['2 signature SIGNING_KEY_WRONG', '2 deviceKey SIGNING_KEY_WRONG']);
  assert.deepEqual(faults(setOf(records, [2]), rawOf(keys.publicKey)), [], 'who has the key needs none from the file');
  const other = generateKeyPairSync('ed25519').privateKey;
  assert.deepEqual(faults(setOf([KEY, DEFINITION, signed(warm, other)])), ['2 signature SIGNATURE_INVALID']);
  assert.deepEqual(faults(setOf([DEFINITION, signed(warm), KEY])), ['1 signature SIGNING_KEY_WRONG', '1 deviceKey SIGNING_KEY_WRONG']);
  const brokenKey = Uint8Array.from(KEY, (byte, at) => (at === KEY.length - 3 ? byte ^ 1 : byte));
  assert.deepEqual(faults(changed(set, 0, brokenKey)).slice(0, 2), ['0 batch PROOF_MISMATCH', '2 signature SIGNING_KEY_WRONG']);
});

test('a value counts as the product shows it: converted by the definition that is proven with it', () => {
  const valuesOf = (set: ProofSet) => new ProvenValues(verifyProofs(set, policy).records);
  const records = [KEY, DEFINITION, reading(warm), reading({ t: TIME + 1, m: { temp: 1 } })];
  const values = valuesOf(setOf(records));
  assert.equal(values.faultOf(claim), undefined);
  assert.deepEqual(
    values.all().map(({ position, result, unit }) => [position, result, unit]),
    [
      [2, 27.5, 'Cel'],
      [3, 1, 'Cel'],
    ],
  );
  for (const change of [{ result: 27.6 }, { producer: 's2' }, { observedProperty: 'pm25' }, { phenomenonTime: TIME + 1 }, { position: 9 }])
    assert.equal(values.faultOf({ ...claim, ...change })?.step, 'value', JSON.stringify(change));
  assert.equal(valuesOf(setOf(records, [2, 3])).faultOf(claim)?.step, 'value', 'without the definition it is another number');
  const forged = valuesOf(changed(setOf(records), 2, reading({ ...warm, t: TIME + 5 })));
  assert.deepEqual([forged.faultOf(claim)?.step, forged.all().length], ['batch', 1]);
  const definition = new TextDecoder().decode(DEFINITION).replace('"Cel"', '"K"');
  const redefined = valuesOf(changed(setOf(records), 1, utf8(definition)));
  assert.equal(redefined.faultOf({ ...claim, result: 300.65 }), undefined, 'a definition that is not proven converts nothing');
});
