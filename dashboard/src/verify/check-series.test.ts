import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { countProducers, encodeBatchRecord, encodeRecord, producersRootOf } from '@airtight/protocol';
import {
  ED25519,
  formatCheckpoint,
  formatNote,
  formatProofSet,
  formatVkey,
  leafHash,
  makeVkey,
  type ProofSet,
  rootOfLeafHashes,
} from '@airtight/tlog';
import type { SeriesPoint } from '../series/series-points.ts';
import { checkChart, type ShownChart } from './check-series.ts';
import { policyForKey } from './trust.ts';

const MINUTE = 60_000;
const FROM = Date.UTC(2026, 10, 22, 8);
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const LOG = makeVkey('ledger.example', ED25519, new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)));
const POLICY = policyForKey(formatVkey(LOG));

const reading = (time: number, m: object): Uint8Array =>
  encodeRecord(
    { v: 1, agency: 'bj', dataset: 'air', producer: 's1', receivedAt: time, door: 'mqtt', contentType: 'application/json' },
    new TextEncoder().encode(JSON.stringify({ t: time, m })),
  );

/** All records in one batch, the only entry of the ledger. */
function proofsOf(records: readonly Uint8Array[]): ProofSet {
  const leaves = records.map((record) => leafHash(record));
  const record = encodeBatchRecord({
    ...{ v: 1, type: 'batch', stream: 'r/a', seq: 0, prev: null, first: 0, count: records.length, firstAt: FROM, lastAt: FROM },
    ...{
      root: Buffer.from(rootOfLeafHashes(Buffer.concat(leaves))).toString('hex'),
      tree: 'rfc6962-sha256',
      commitment: 'plain',
      producers: producersRootOf(countProducers(records)),
    },
  });
  const text = formatCheckpoint({ origin: LOG.name, size: 1, root: leafHash(record) });
  const signature = new Uint8Array(sign(null, Buffer.from(text), privateKey));
  const items = records.map((bytes, position) => ({ position, leafHash: leaves[position] as Uint8Array, record: bytes }));
  return {
    checkpoint: formatNote(text, [{ name: LOG.name, keyId: LOG.keyId, signature }]),
    ledger: [],
    batches: [{ record, index: 0, entryHash: leafHash(record), path: [], records: items }],
  };
}

/** Two readings a minute for ten minutes; the sixth minute's first is corrected by a later record. */
const RECORDS = [
  ...Array.from({ length: 20 }, (_, i) => reading(FROM + i * 30_000, { pm25: i / 10, text: 'N' })),
  reading(FROM + 5 * MINUTE, { pm25: 9.9 }),
];
const PROOFS = proofsOf(RECORDS);
const POINTS = Array.from({ length: 10 }, (_, i): SeriesPoint => {
  const pair = [i === 5 ? 9.9 : (2 * i) / 10, (2 * i + 1) / 10];
  return [FROM + i * MINUTE, ((pair[0] as number) + (pair[1] as number)) / 2, Math.min(...pair), Math.max(...pair), 2, 0, 1, 1];
});
const CHART: ShownChart = {
  ...{ producer: 's1', dataset: 'air', from: FROM, to: FROM + 10 * MINUTE },
  series: [{ property: 'pm25', bucketMs: MINUTE, points: POINTS }],
};
const withPoints = (points: readonly SeriesPoint[]): ShownChart => ({ ...CHART, series: [{ property: 'pm25', bucketMs: MINUTE, points }] });

function check(chart: ShownChart, set = PROOFS) {
  const checked = checkChart(chart, formatProofSet(set), POLICY);
  assert.ok(checked.ok);
  const { ok, points, proven, waiting, failing } = checked.value;
  return { ok, points, proven, waiting, failing: failing.map(({ start, step }) => [(start - FROM) / MINUTE, step]) };
}

test('every point is computed again from proven records, the latest telling of a moment', () => {
  assert.deepEqual(check(CHART), { ok: true, points: 10, proven: 10, waiting: 0, failing: [] });
});

test('a point that shows something else fails, and so does one that is left out', () => {
  for (const change of [1, 2, 3, 4]) {
    const points = POINTS.map((point, i) => (i === 3 ? (point.with(change, (point[change] as number) + 1) as SeriesPoint) : point));
    assert.deepEqual(check(withPoints(points)), { ok: false, points: 10, proven: 9, waiting: 0, failing: [[3, 'value']] });
  }
  assert.deepEqual(check(withPoints(POINTS.filter((_, i) => i !== 4))).failing, [[4, 'value']]);
  assert.equal(check({ ...CHART, producer: 's2' }).proven, 0);
  assert.equal(check(withPoints([])).ok, false, 'nothing shown is nothing proven');
});

test('a changed record spoils its own point, with its step', () => {
  const [batch] = PROOFS.batches;
  assert.ok(batch);
  const records = batch.records.map((one) => (one.position === 15 ? { ...one, record: reading(FROM + 15 * 30_000, { pm25: 7 }) } : one));
  const changed = { ...PROOFS, batches: [{ ...batch, records }] };
  assert.deepEqual(check(CHART, changed), { ok: false, points: 10, proven: 9, waiting: 0, failing: [[7, 'batch']] });
});

test('a changed record that is about no moment of the chart any more is no excuse for the newest point', () => {
  const [batch] = PROOFS.batches;
  assert.ok(batch);
  const records = batch.records.map((one) => (one.position === 19 ? { ...one, record: reading(FROM + 999 * MINUTE, { pm25: 7 }) } : one));
  const changed = { ...PROOFS, batches: [{ ...batch, records }] };
  assert.deepEqual(check(CHART, changed), { ok: false, points: 10, proven: 9, waiting: 0, failing: [[9, 'value']] });
});

test('newest points that the proofs do not reach yet wait; an older one without proof fails', () => {
  const earlier = proofsOf(RECORDS.filter((_, i) => i < 17));
  const points = POINTS.map((point, i) => (i === 5 ? ([FROM + 5 * MINUTE, 1.05, 1, 1.1, 2, 0, 1, 1] as SeriesPoint) : point));
  assert.deepEqual(check(withPoints(points), earlier), { ok: true, points: 10, proven: 8, waiting: 2, failing: [] });
  const holed = proofsOf(RECORDS.filter((_, i) => i !== 4 && i !== 5));
  assert.deepEqual(check(CHART, holed).failing, [[2, 'value']]);
});

test('what are no proofs or no policy is said to be so', () => {
  const garbage = checkChart(CHART, '{}', POLICY);
  assert.deepEqual([garbage.ok, !garbage.ok && garbage.what], [false, 'bundle']);
  const wrong = checkChart(CHART, formatProofSet(PROOFS), 'nonsense');
  assert.deepEqual([wrong.ok, !wrong.ok && wrong.what], [false, 'policy']);
});
