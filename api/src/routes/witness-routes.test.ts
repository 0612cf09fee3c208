/** The witness and the final checkpoint through the public port. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADD_CHECKPOINT_MAX_BYTES, parseBundle, policyOfLog, verifyBundle } from '@airtight/tlog';
import { buildProof } from '../query/proof.ts';
import { Deployment } from '../testing/deployment.ts';

const T0 = Date.UTC(2026, 3, 1);
const d = new Deployment();
const positions: number[] = [];

before(async () => {
  await d.begin({ AIRTIGHT_API_ANONYMOUS_ROLE: 'none' });
  d.defineAir();
  for (let batch = 0; batch < 5; batch++) {
    positions.push(d.reading('s1', T0 + batch * 1000, { pm25: batch }));
    const sealed = d.journal.seal();
    sealed.ledgerIndex = d.ledger.add(sealed.bytes);
  }
  await d.startApi();
  await d.settled();
});
after(() => d.end());

function submit(body: string): Promise<Response> {
  return fetch(`${d.api.url}/witness/v0/add-checkpoint`, { method: 'POST', body });
}

test('requests to the witness and its answers pass as they are, without a sign-in', async () => {
  d.ledger.answer = { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '— w AAAA\n' };
  const taken = await submit('old 0\n\ncheckpoint');
  assert.deepEqual([taken.status, await taken.text()], [200, '— w AAAA\n']);
  assert.equal(String(d.ledger.submitted.at(-1)), 'old 0\n\ncheckpoint');
  d.ledger.answer = { status: 409, headers: { 'content-type': 'text/x.tlog.size' }, body: '17\n' };
  const behind = await submit('x');
  assert.deepEqual([behind.status, behind.headers.get('content-type'), await behind.text()], [409, 'text/x.tlog.size', '17\n']);
  d.ledger.answer = { status: 429, headers: { 'retry-after': '7' }, body: 'slow' };
  const often = await submit('x');
  assert.deepEqual([often.status, often.headers.get('retry-after'), await often.text()], [429, '7', 'slow']);
});

test('a body beyond the limit goes no further', async () => {
  const before = d.ledger.submitted.length;
  assert.equal((await submit('x'.repeat(ADD_CHECKPOINT_MAX_BYTES + 1))).status, 413);
  assert.equal(d.ledger.submitted.length, before);
});

test('one address may ask so often', async () => {
  let status = 0;
  // As often as it may within a minute, and once more from the beginning where the minute ended meanwhile.
  for (let asked = 0; asked < 2500 && status !== 429; asked += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${d.api.url}/witness/v0/evidence`)));
    status = answers.find((answer) => answer.status === 429)?.status ?? 200;
  }
  assert.equal(status, 429);
});

test('nothing else of the ledger is reachable', async () => {
  for (const path of ['info', 'cosigning', 'evidence/../../info', 'evidence/x', 'x/checkpoint', '..%2finfo']) {
    assert.equal((await fetch(`${d.api.url}/witness/v0/${path}`)).status < 300, false, path);
  }
});

test('a proof stands under the final checkpoint when that covers the entry, else under the newest', async () => {
  d.ledger.finalSize = 3;
  const { size } = d.ledger.info();
  for (const [at, position] of positions.entries()) {
    const bundle = parseBundle(await buildProof(position, d.api.context));
    assert.ok(bundle.ok);
    assert.ok(verifyBundle(bundle.value, policyOfLog(d.ledger.vkey)).ok);
    assert.equal(Number(bundle.value.checkpoint.split('\n')[1]), at < 3 ? 3 : size);
  }
});
