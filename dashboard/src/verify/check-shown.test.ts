import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  airIndexOf,
  countProducers,
  type DatasetDefinition,
  encodeBatchRecord,
  encodeRecord,
  type LatestItem,
  type Observation,
  producersRootOf,
} from '@airtight/protocol';
import { ED25519, formatCheckpoint, formatNote, formatProofSet, formatVkey, leafHash, makeVkey, rootOfLeafHashes } from '@airtight/tlog';
import { checkShown } from './check-shown.ts';
import { latestClaims, type ShownClaim } from './shown-claim.ts';
import { policyForKey } from './trust.ts';

const TIME = Date.UTC(2026, 10, 22, 8);
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const LOG = makeVkey('ledger.example', ED25519, new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)));
const POLICY = policyForKey(formatVkey(LOG));

const recordOf = (dataset: string, producer: string, door: 'internal' | 'mqtt', payload: object): Uint8Array =>
  encodeRecord(
    { v: 1, agency: 'bj', dataset, producer, receivedAt: TIME, door, contentType: 'application/json' },
    new TextEncoder().encode(JSON.stringify(payload)),
  );
/** µg/m³. */
const CLEAN = { pm25: 10, pm10: 50, so2: 8, no2: 30, o3: 80, co: 700 };
const DEFINITION = {
  ...{ type: 'dataset', dataset: 'air', title: { zh: '空气', en: 'Air' }, cadenceMs: 3_600_000, index: 'cn-aqi' },
  properties: Object.fromEntries(Object.keys(CLEAN).map((name) => [name, { title: { zh: name, en: name }, unit: 'ug/m3' }])),
};
const RECORDS = [
  recordOf('sys.datasets', 'air', 'internal', DEFINITION),
  recordOf('air', 's1', 'mqtt', { t: TIME, m: CLEAN }),
  recordOf('air', 's2', 'mqtt', { t: TIME, m: { pm25: 70, pm10: 150 } }),
  recordOf('air', 's3', 'mqtt', { t: TIME, m: { pm25: 10, pm10: 20 } }),
];

/** All records in one batch, those of the given positions in the file. */
function proofsOf(positions: readonly number[]): string {
  const leaves = RECORDS.map((record) => leafHash(record));
  const record = encodeBatchRecord({
    ...{ v: 1, type: 'batch', stream: 'r/a', seq: 0, prev: null, first: 0, count: RECORDS.length, firstAt: TIME, lastAt: TIME },
    ...{
      root: Buffer.from(rootOfLeafHashes(Buffer.concat(leaves))).toString('hex'),
      ...{ tree: 'rfc6962-sha256', commitment: 'plain', producers: producersRootOf(countProducers(RECORDS)) },
    },
  });
  const text = formatCheckpoint({ origin: LOG.name, size: 1, root: leafHash(record) });
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  const path = RECORDS.length === positions.length ? [] : pathBeside(leaves, positions);
  const records = positions.map((position) => ({
    position,
    leafHash: leaves[position] as Uint8Array,
    record: RECORDS[position] as Uint8Array,
  }));
  return formatProofSet({
    checkpoint: formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]),
    ledger: [],
    batches: [{ record, index: 0, entryHash: leafHash(record), path, records }],
  });
}

/** Of four leaves: what the first three, or all but the third, need beside them. */
function pathBeside(leaves: readonly Uint8Array[], positions: readonly number[]): Uint8Array[] {
  return leaves.filter((_, position) => !positions.includes(position));
}

function latest(producer: string, record: number, shown: { readonly [property: string]: number }, index?: LatestItem['index']): LatestItem {
  const phenomenonTime = new Date(TIME).toISOString();
  const quality = { flag: 1, tests: {} };
  const values = Object.fromEntries(Object.entries(shown).map(([name, result]) => [name, { result, unit: 'ug/m3', flags: [], quality }]));
  return {
    agency: 'bj',
    dataset: 'air',
    producer,
    phenomenonTime,
    receivedAt: phenomenonTime,
    record: String(record),
    values,
    ...(index && { index }),
  };
}

const observationsOf = (values: object) =>
  Object.entries(values).map(
    ([observedProperty, result]) => ({ observedProperty, result, unit: 'ug/m3', flags: [], phenomenonTime: TIME }) as never as Observation,
  );

function check(items: readonly LatestItem[], positions: readonly number[]) {
  const claims = items.flatMap((item) => latestClaims(item));
  const checked = checkShown(claims, positions.length === 0 ? [] : [proofsOf(positions)], POLICY);
  assert.ok(checked.ok);
  const { ok, total, proven, waiting, computed, failing } = checked.value;
  return { ok, total, proven, waiting, computed, failing: failing.map(({ claim, step }) => [claim.key, step]) };
}

test('values are held against their records, whoever lies about one is found at it', () => {
  const items = [latest('s1', 1, CLEAN), latest('s2', 2, { pm25: 70, pm10: 151 })];
  assert.deepEqual(check(items, [0, 1, 2, 3]), {
    ...{ ok: false, total: 8, proven: 7, waiting: 0, computed: 0 },
    failing: [['s2 pm10 2', 'value']],
  });
});

test('an index is computed again from the proven values', () => {
  // HJ 633: PM10 of 50 µg/m³ is IAQI 50 exactly, and the greatest of these.
  const iaqi = airIndexOf(DEFINITION as DatasetDefinition, observationsOf(CLEAN))?.iaqi ?? {};
  const index = { standard: 'HJ 633-2026', aqi: 50, level: 1, primary: [], iaqi: { ...iaqi } } as const;
  assert.deepEqual(iaqi.pm10, 50);
  const fault = (aqi: number) => {
    const checked = checkShown(latestClaims(latest('s1', 1, CLEAN, { ...index, aqi, primary: [] })), [proofsOf([0, 1, 2, 3])], POLICY);
    assert.ok(checked.ok);
    const { proven, computed, failing } = checked.value;
    return [proven, computed, failing.map(({ step, detail }) => `${step} ${detail}`)];
  };
  assert.deepEqual(fault(50), [7, 1, []]);
  assert.deepEqual(fault(49), [6, 0, ['computed AQI = 50']]);
});

test('only what is newer than everything proven may wait', () => {
  const items = [latest('s2', 2, { pm25: 70, pm10: 150 }), latest('s3', 3, { pm25: 10, pm10: 20 })];
  assert.deepEqual(check(items, [0, 1, 2]), { ok: true, total: 4, proven: 2, waiting: 2, computed: 0, failing: [] });
  assert.deepEqual(check(items, [0, 1, 3]).failing, [
    ['s2 pm25 2', 'missing'],
    ['s2 pm10 2', 'missing'],
  ]);
  assert.deepEqual(check(items, []), { ok: false, total: 4, proven: 0, waiting: 4, computed: 0, failing: [] });
});

test('what is no proof, or no policy, is said to be so', () => {
  const garbage = checkShown([], ['{}'], POLICY);
  assert.deepEqual([garbage.ok, !garbage.ok && garbage.what], [false, 'bundle']);
  const wrong = checkShown([], [], 'nonsense');
  assert.deepEqual([wrong.ok, !wrong.ok && wrong.what], [false, 'policy']);
});

test('a value whose record has no payload any more is told as removed, not as withheld', () => {
  const claim: ShownClaim = {
    ...{ kind: 'value', key: 's1 pm25', record: 1, producer: 's1', observedProperty: 'pm25', phenomenonTime: TIME, result: 10 },
  };
  const stepWith = (removed: ReadonlySet<number>) => {
    const checked = checkShown([claim], [proofsOf([0, 2, 3])], POLICY, removed);
    return checked.ok ? checked.value.failing.map(({ step }) => step) : checked;
  };
  assert.deepEqual(stepWith(new Set()), ['missing']);
  assert.deepEqual(stepWith(new Set([1])), ['removed']);
});
