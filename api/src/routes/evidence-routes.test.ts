import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { formatVkey, leafHash, parseBundle, policyOfLog, verifyBundle } from '@airtight/tlog';
import { Deployment, until } from '../testing/deployment.ts';

const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const positions: number[] = [];

before(async () => {
  await d.begin();
  d.defineAir();
  for (let batch = 0; batch < 5; batch++) {
    for (let i = 0; i < 7; i++) positions.push(d.reading('s1', T0 + (batch * 7 + i) * 1000, { pm25: i }));
    const sealed = d.journal.seal();
    sealed.ledgerIndex = d.ledger.add(sealed.bytes);
  }
  await d.startApi();
  await d.settled();
});
after(() => d.end());

test('a record as it was sent, with its leaf hash and its batch', async () => {
  const position = positions[9] as number;
  const record = await d.json(`/api/v1/records/${position}`);
  assert.equal(Buffer.from(record.payload, 'base64').toString(), JSON.stringify({ t: T0 + 9000, m: { pm25: 2 } }));
  assert.equal(record.leafHash, Buffer.from(leafHash(d.journal.records[position] as Uint8Array)).toString('hex'));
  assert.deepEqual([record.batch, record.anchored, record.header.producer], [1, true, 's1']);
  assert.equal((await d.get('/api/v1/records/999999')).status, 404);
});

test('every record has a proof bundle that verifies by the key of the log alone', async () => {
  for (const position of positions) {
    const response = await d.get(`/api/v1/records/${position}/proof`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const bundle = parseBundle(text);
    assert.ok(bundle.ok);
    const verdict = verifyBundle(bundle.value, policyOfLog(d.ledger.vkey));
    assert.equal(verdict.ok, true, JSON.stringify(verdict.steps));
    assert.equal(bundle.value.position, position);
  }
});

test('a record that is not sealed, or whose batch is not anchored, says so', async () => {
  const position = d.reading('s1', T0 + 99_000, { pm25: 1 });
  const open = await d.get(`/api/v1/records/${position}/proof`);
  assert.deepEqual([open.status, ((await open.json()) as { code: string }).code], [409, 'RECORD_NOT_SEALED']);
  const sealed = d.journal.seal();
  const notAnchored = await d.get(`/api/v1/records/${position}/proof`);
  assert.deepEqual([notAnchored.status, ((await notAnchored.json()) as { code: string }).code], [409, 'RECORD_NOT_ANCHORED']);
  sealed.ledgerIndex = d.ledger.add(sealed.bytes);
  assert.equal((await d.get(`/api/v1/records/${position}/proof`)).status, 200);
});

test('batches come newest first, page by page', async () => {
  const first = await d.json('/api/v1/batches?limit=4');
  assert.deepEqual(
    first.items.map(({ seq }: { seq: number }) => seq),
    [5, 4, 3, 2],
  );
  const second = await d.json(`/api/v1/batches?limit=4&cursor=${first.next}`);
  assert.deepEqual(
    second.items.map(({ seq }: { seq: number }) => seq),
    [1, 0],
  );
  assert.equal(second.next, null);
  assert.equal(second.items[1].ledgerIndex, 0);
});

test('the ledger is shown as it was published, and its files are relayed, and nothing else', async () => {
  await until(async () => (await d.json('/api/v1/ledger')).size === 6);
  const ledger = await d.json('/api/v1/ledger');
  assert.equal(ledger.vkey, formatVkey(d.ledger.vkey));
  assert.equal(await (await d.get('/ledger/checkpoint')).text(), ledger.checkpoint);
  assert.equal((await (await d.get('/ledger/tile/0/000.p/6')).arrayBuffer()).byteLength, 6 * 32);
  for (const path of [
    'info',
    'metrics',
    'tile/0/../../info',
    'tile/0/%2e%2e/info',
    'tile/99/000',
    'entries',
    'tile/0/0000',
    'tile//0/000',
  ]) {
    const response = await fetch(`${d.api.url}/ledger/${path}`);
    assert.equal(response.status, 404, path);
  }
});
