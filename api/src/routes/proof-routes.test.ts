import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ProvenValues, verifyProofs } from '@airtight/protocol';
import { parseProofSet, policyOfLog } from '@airtight/tlog';
import { Deployment } from '../testing/deployment.ts';

const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const positions: number[] = [];

before(async () => {
  await d.begin();
  d.defineAir();
  d.station('s1');
  for (let batch = 0; batch < 5; batch++) {
    for (let i = 0; i < 7; i++) positions.push(d.reading('s1', T0 + (batch * 7 + i) * 1000, { pm25: i }));
    const sealed = d.journal.seal();
    sealed.ledgerIndex = d.ledger.add(sealed.bytes);
  }
  await d.startApi();
  await d.settled();
});
after(() => d.end());

const rangeOf = (parameters: { readonly [name: string]: string }) =>
  `/api/v1/proofs?${new URLSearchParams({ producer: 's1', dataset: 'air', from: new Date(T0).toISOString(), ...parameters })}`;

/** The positions that a proof set proves, with their values. */
async function provenBy(response: Response): Promise<(readonly [number, unknown])[]> {
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const set = parseProofSet(text);
  assert.ok(set.ok, 'the set is well-formed');
  const verdict = verifyProofs(set.value, policyOfLog(d.ledger.vkey));
  assert.equal(verdict.ok, true);
  return new ProvenValues(verdict.records).all().map(({ position, result }) => [position, result]);
}

test('one file proves a whole series, with the definition that its values are read by', async () => {
  const range = { observedProperty: 'pm25', to: new Date(T0 + 20_000).toISOString() };
  const proven = await provenBy(await d.get(rangeOf(range)));
  assert.deepEqual(
    proven,
    positions.slice(0, 20).map((position, i) => [position, i % 7]),
  );
  const none = await d.get(rangeOf({ ...range, observedProperty: 'pm10' }));
  assert.deepEqual([none.status, ((await none.json()) as { code: string }).code], [404, 'NOT_FOUND']);
  assert.equal((await d.get(rangeOf({ to: new Date(T0 - 1).toISOString() }))).status, 400);
});

test('one file proves the records that are named; control records only for administrators', async () => {
  const post = (body: object) =>
    fetch(`${d.api.url}/api/v1/proofs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const chosen = [positions[30], positions[2], positions[2], positions[9]].map(String);
  assert.deepEqual(
    (await provenBy(await post({ records: chosen }))).map(([position]) => position),
    [positions[2], positions[9], positions[30]],
  );
  assert.equal((await post({ records: ['0'] })).status, 200, 'a definition holds nothing secret');
  assert.equal((await post({ records: ['1'] })).status, 401, 'the record of a device, asked for by a visitor');
  assert.equal((await post({ records: ['999999'] })).status, 404);
  assert.equal((await post({ records: [] })).status, 400);
  assert.equal((await post({ records: Array(10_001).fill('1') })).status, 400);
});

test('records that are not anchored yet are refused by name, or left out and counted', async () => {
  const position = d.reading('s1', T0 + 200_000, { pm25: 1 });
  await d.settled();
  const range = { from: new Date(T0 + 20_000).toISOString(), to: new Date(T0 + 300_000).toISOString() };
  const codeOf = async () => ((await (await d.get(rangeOf(range))).json()) as { code: string }).code;
  assert.equal(await codeOf(), 'RECORD_NOT_SEALED');
  const sealed = d.journal.seal();
  assert.equal(await codeOf(), 'RECORD_NOT_ANCHORED');
  const skipped = await d.get(rangeOf({ ...range, pending: 'skip' }));
  assert.equal(skipped.headers.get('airtight-pending'), '1');
  const proven = await provenBy(skipped);
  assert.equal(
    proven.some(([at]) => at === position),
    false,
  );
  sealed.ledgerIndex = d.ledger.add(sealed.bytes);
  assert.equal((await provenBy(await d.get(rangeOf(range)))).length, proven.length + 1);
});
