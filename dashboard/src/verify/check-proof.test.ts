import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  type BatchRecord,
  countProducers,
  encodeBatchRecord,
  encodeRecord,
  producersRootOf,
  SPARKPLUG_MEDIA_TYPE,
} from '@airtight/protocol';
import { encodeSparkplug, type SparkplugMetric } from '@airtight/standards/sparkplug-b.ts';
import {
  ED25519,
  formatBundle,
  formatCheckpoint,
  formatNote,
  formatVkey,
  inclusionPath,
  leafHash,
  makeVkey,
  rootOfLeafHashes,
} from '@airtight/tlog';
import { birthNeeded, checkProof, type ProofCheck } from './check-proof.ts';
import { policyForKey, policyKnows, readTrust } from './trust.ts';

const TIME = Date.UTC(2026, 10, 22, 8);
const flat = (hashes: readonly Uint8Array[]) => Uint8Array.from(hashes.flatMap((hash) => [...hash]));

const readingOf = (pm25: number): Uint8Array =>
  encodeRecord(
    { v: 1, agency: 'bj', dataset: 'air', producer: 's1', receivedAt: TIME, door: 'mqtt', contentType: 'application/json' },
    new TextEncoder().encode(JSON.stringify({ t: TIME, m: { pm25: { v: pm25, u: 'ug/m3' }, wd: 'N' } })),
  );

/** A ledger of batches of one record each, and the bundles of all. */
function makeProof(records: readonly Uint8Array[]): { readonly bundles: readonly string[]; readonly vkey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const origin = 'ledger.example/test';
  const vkey = makeVkey(origin, ED25519, new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)));
  const batches = records.map((record, seq) => {
    const root = Buffer.from(rootOfLeafHashes(leafHash(record))).toString('hex');
    const batch: BatchRecord = {
      ...{ v: 1, type: 'batch', stream: 'r/a', seq, prev: null, first: seq, count: 1, firstAt: TIME, lastAt: TIME, root },
      ...{ tree: 'rfc6962-sha256', commitment: 'plain', producers: producersRootOf(countProducers([record])) },
    } as BatchRecord;
    return encodeBatchRecord(batch);
  });
  const leaves = flat(batches.map((batch) => leafHash(batch)));
  const text = formatCheckpoint({ origin, size: batches.length, root: rootOfLeafHashes(leaves) });
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  const bundles = records.map((record, position) =>
    formatBundle({
      ...{ record, position },
      batch: { record: batches[position] as Uint8Array, index: 0, path: [] },
      ledger: { index: position, path: inclusionPath(leaves, position) },
      checkpoint: formatNote(text, [{ name: origin, keyId: vkey.keyId, signature }]),
    }),
  );
  return { bundles, vkey: formatVkey(vkey) };
}
const { bundles, vkey } = makeProof([35.4, 188.2, 40].map(readingOf));
const bundle = bundles[1] as string;
const policy = policyForKey(vkey);
const shown = { producer: 's1', phenomenonTime: new Date(TIME).toISOString(), observedProperty: 'pm25', result: 188.2 };
const outcome = (check: ProofCheck) => (check.ok ? Object.fromEntries(check.value.steps.map(({ step, ok }) => [step, ok])) : check);

test('an intact bundle passes every step, the shown value too', () => {
  const check = checkProof(bundle, policy, { value: shown });
  assert.deepEqual(outcome(check), { value: true, record: true, batch: true, ledger: true, checkpoint: true, witnesses: true });
  assert.ok(check.ok && check.value.ok);
  assert.equal(check.value.position, 1);
  assert.equal(check.value.record?.header.producer, 's1');
  assert.deepEqual(check.value.checkpoint, { origin: 'ledger.example/test', size: 3 });
  assert.equal(check.value.witnessed, false, 'a policy without quorum confirms nothing about witnesses');
  assert.ok(check.value.limits.length > 0);
});

test('one changed digit fails at the batch, and at the shown value', () => {
  const json = JSON.parse(bundle) as { record: string };
  const record = Buffer.from(json.record, 'base64').toString().replace('188.2', '18.22');
  const changed = JSON.stringify({ ...json, record: Buffer.from(record).toString('base64') });
  assert.deepEqual(outcome(checkProof(changed, policy, { value: shown })), {
    value: false,
    record: true,
    batch: false,
    ledger: true,
    checkpoint: true,
    witnesses: true,
  });
});

test('a screen that shows another number, station, time or property is found out', () => {
  for (const change of [
    { result: 188.3 },
    { producer: 's2' },
    { phenomenonTime: '2026-01-01T00:00:00.000Z' },
    { observedProperty: 'pm10' },
  ]) {
    const check = checkProof(bundle, policy, { value: { ...shown, ...change } });
    assert.ok(check.ok);
    assert.equal(check.value.ok, false, JSON.stringify(change));
    assert.equal(check.value.steps.find(({ step }) => step === 'value')?.ok, false);
  }
});

test('a value that was sent in another unit is found in the dataset’s unit', () => {
  const properties = { pm25: { title: { zh: '', en: '' }, unit: 'mg/m3' } };
  const definition = { type: 'dataset', dataset: 'air', title: { zh: '', en: '' }, cadenceMs: 1, properties } as const;
  const sent = new TextEncoder().encode(`{"t":${TIME},"m":{"pm25":{"v":188.2,"u":"ug/m3"}}}`);
  const header = {
    v: 1,
    agency: 'bj',
    dataset: 'air',
    producer: 's1',
    receivedAt: TIME,
    door: 'mqtt',
    contentType: 'application/json',
  } as const;
  const made = makeProof([encodeRecord(header, sent)]);
  const check = (result: number) => {
    const value = { ...shown, result };
    const checked = checkProof(made.bundles[0] as string, policyForKey(made.vkey), { value, definitionOf: () => definition });
    return checked.ok && checked.value.ok;
  };
  assert.deepEqual([check(0.1882), check(188.2)], [true, false]);
});

test('a checkpoint of a log that is not trusted fails at the checkpoint', () => {
  const check = checkProof(bundle, policyForKey(makeProof([readingOf(1)]).vkey));
  assert.deepEqual(outcome(check), { record: true, batch: true, ledger: true, checkpoint: false, witnesses: true });
});

test('what is no bundle or no policy is said to be so', () => {
  const garbage = checkProof('{"a":1}', policy);
  assert.deepEqual([garbage.ok, !garbage.ok && garbage.what], [false, 'bundle']);
  const wrong = checkProof(bundle, 'log nonsense\nquorum none\n');
  assert.deepEqual([wrong.ok, !wrong.ok && wrong.what], [false, 'policy']);
});

test('trust: what is stored, and whether it knows a key', () => {
  assert.deepEqual(readTrust(JSON.stringify({ policy, since: 5, origin: 'chosen' })), { policy, since: 5, origin: 'chosen' });
  assert.equal(readTrust('nonsense'), null);
  assert.equal(readTrust(null), null);
  assert.equal(readTrust('{"policy":1}'), null);
  assert.equal(policyKnows(policy, vkey), true);
  assert.equal(policyKnows(policy, makeProof([readingOf(1)]).vkey), false);
});

test('a value by Sparkplug alias is held against the birth, which must be proven too', () => {
  const sparkplug = (message: string, metrics: readonly SparkplugMetric[], birth?: number): Uint8Array =>
    encodeRecord(
      {
        ...{ v: 1, agency: 'bj', dataset: 'air', producer: 's1', receivedAt: TIME, door: 'mqtt', topic: `spBv1.0/g/${message}/e` },
        contentType: SPARKPLUG_MEDIA_TYPE,
        ...(birth === undefined ? {} : { birth }),
      },
      encodeSparkplug({ timestamp: TIME, seq: 0, metrics }),
    );
  const value = { field: 'double', value: 188.2 } as const;
  const born = (name: string) => sparkplug('NBIRTH', [{ name, alias: '1', value }]);
  const made = makeProof([born('pm25'), born('pm10'), sparkplug('NDATA', [{ alias: '1', value }], 0)]);
  const [birth, another, data] = made.bundles as [string, string, string];
  const check = (birthText?: string) => {
    const checked = checkProof(data, policyForKey(made.vkey), { value: shown, birthText });
    return checked.ok && checked.value.ok;
  };
  assert.equal(birthNeeded(data), 0);
  assert.equal(birthNeeded(birth), undefined);
  assert.equal(check(birth), true);
  assert.equal(check(another), false, 'the birth of another position');
  assert.equal(check(birth.replace('"position": 0', '"position": 1').replace('"position":0', '"position":1')), false);
  assert.equal(check(undefined), false);
  const forged = JSON.parse(birth);
  forged.record = JSON.parse(another).record;
  assert.equal(check(JSON.stringify(forged)), false, 'a birth that is not proven');
});
