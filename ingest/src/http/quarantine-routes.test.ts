import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  DATASETS_DATASET,
  type DatasetDefinition,
  DEVICE_CREDENTIALS_HEADER,
  decodeRecord,
  RELEASES_DATASET,
  type RecordHeader,
} from '@airtight/protocol';
import type { Ingest } from '../ingest.ts';
import { KEPT_PAYLOAD_BYTES } from '../quarantine/quarantine.ts';
import { startWithoutTicks } from '../testing/start-ingest.ts';

const TOKEN = 'token of our own services';
const SECRET = 'a secret of the device';
const dir = mkdtempSync(join(tmpdir(), 'release-'));
const title = { zh: '土壤', en: 'Soil' };
const soil: DatasetDefinition = {
  type: 'dataset',
  dataset: 'soil',
  title,
  cadenceMs: 60_000,
  properties: { depth: { title, unit: 'Cel' } },
};
let ingest: Ingest;

async function start(): Promise<void> {
  const env = {
    AIRTIGHT_DATA: dir,
    AIRTIGHT_TOKEN_FILE: join(dir, 'keys/token'),
    // Nobody answers there: records wait for their ledger entry, which is no concern here.
    AIRTIGHT_LEDGER_URL: 'http://127.0.0.1:9',
  };
  ingest = await startWithoutTicks(env);
}

before(async () => {
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'keys/token'), TOKEN);
  await start();
  await define(soil);
  const device = { agency: 'a', producer: 'p', kind: 'air-station', name: title, secret: SECRET, datasets: ['soil'] };
  await call('/devices', device);
});
after(async () => {
  await ingest.close();
  rmSync(dir, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: tests look at answers of every shape
async function call(path: string, body?: unknown, status = 200): Promise<any> {
  const answer = await fetch(`${ingest.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  return JSON.parse(text);
}

const define = (payload: unknown, status = 200) =>
  call('/records', { records: [{ agency: 'airtight', dataset: DATASETS_DATASET, producer: 'test', payload }] }, status);

async function publish(...lines: readonly string[]): Promise<void> {
  const credentials = `Basic ${Buffer.from(`p:${SECRET}`).toString('base64')}`;
  const headers = { authorization: `Bearer ${TOKEN}`, [DEVICE_CREDENTIALS_HEADER]: credentials, 'content-type': 'application/x-ndjson' };
  const answer = await fetch(`${ingest.url}/publish`, { method: 'POST', headers, body: lines.join('\n') });
  assert.equal(answer.status, 200, await answer.text());
}

async function recordAt(position: number): Promise<{ readonly header: RecordHeader; readonly text: string }> {
  const answer = await fetch(`${ingest.url}/records/${position}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const record = decodeRecord(new Uint8Array(await answer.arrayBuffer()));
  assert.ok(record.ok);
  return { header: record.value.header, text: Buffer.from(record.value.payload).toString() };
}

const reading = (seq: number, unit: string): string => `{"seq":${seq},"t":1735689600000,"m":{"depth":{"v":1.5,"u":"${unit}"}}}`;
const replay = (request: object = {}) => call('/quarantine/replay', { by: 'li', ...request });

test('what a dataset did not take is released once its definition is mended, once, and says so for ever', async () => {
  const long = `{"t":1,"x":"${'x'.repeat(KEPT_PAYLOAD_BYTES)}","m":{"depth":{"v":1,"u":"cm"}}}`;
  await publish(reading(1, 'cm'), reading(2, 'furlong'), reading(1, 'cm'), 'not JSON', long);
  const before = await call('/quarantine');
  assert.deepEqual(before.counts, { UNIT_INCOMPATIBLE: 3, UNIT_UNKNOWN: 1, PAYLOAD_NOT_JSON: 1 });
  assert.deepEqual(
    before.items.map(({ id, code, agency, dataset, size, kept, released }: Record<string, unknown>) => ({
      id,
      code,
      agency,
      dataset,
      cut: size !== kept,
      released,
    })),
    [
      { id: 4, code: 'UNIT_INCOMPATIBLE', agency: 'a', dataset: 'soil', cut: true, released: null },
      { id: 3, code: 'PAYLOAD_NOT_JSON', agency: 'a', dataset: 'soil', cut: false, released: null },
      { id: 2, code: 'UNIT_INCOMPATIBLE', agency: 'a', dataset: 'soil', cut: false, released: null },
      { id: 1, code: 'UNIT_UNKNOWN', agency: 'a', dataset: 'soil', cut: false, released: null },
      { id: 0, code: 'UNIT_INCOMPATIBLE', agency: 'a', dataset: 'soil', cut: false, released: null },
    ],
  );
  assert.equal(Buffer.from((await call('/quarantine/4')).payload, 'base64').length, KEPT_PAYLOAD_BYTES);
  assert.equal(Buffer.from(before.items[0].payload, 'base64').length, 4096);
  await call('/quarantine/5', undefined, 404);
  assert.deepEqual(
    (await call('/quarantine?code=UNIT_UNKNOWN&producer=p&dataset=soil&door=http')).items.map(({ id }: { id: number }) => id),
    [1],
  );
  assert.deepEqual((await call('/quarantine?dataset=air')).items, []);

  const still = await replay({ ids: [0, 9] });
  assert.deepEqual(
    still.results.map(({ id, status, code }: Record<string, unknown>) => [id, status, code]),
    [
      [0, 'refused', 'UNIT_INCOMPATIBLE'],
      [9, 'refused', 'NOT_FOUND'],
    ],
  );
  await define({ ...soil, properties: { depth: { title, unit: 'm' } } });
  assert.deepEqual((await replay({ ids: [0], dryRun: true })).results, [{ id: 0, status: 'admissible' }]);
  assert.equal((await call('/quarantine/0')).released, null, 'a dry run releases nothing');

  const { results, next } = await replay();
  assert.equal(next, null);
  assert.deepEqual(
    results.map(({ id, status, code }: Record<string, unknown>) => [id, status, code]),
    [
      [0, 'accepted', undefined],
      [1, 'refused', 'UNIT_UNKNOWN'],
      [2, 'repeat', undefined],
      [3, 'refused', 'PAYLOAD_NOT_JSON'],
      [4, 'refused', 'QUARANTINE_CUT'],
    ],
  );
  const { header, text } = await recordAt(results[0].position);
  assert.equal(text, reading(1, 'cm'));
  assert.equal(header.receivedAt, before.items[4].receivedAt, 'the time of receipt stays');
  assert.deepEqual([header.door, header.dataset, header.producer, header.messageId], ['http', 'soil', 'p', 'seq:1']);
  const release = await recordAt(results[0].position + 1);
  assert.equal(release.header.dataset, RELEASES_DATASET);
  const { by, released } = JSON.parse(release.text);
  const position = results[0].position;
  assert.deepEqual(
    [by, released],
    [
      'li',
      [
        { id: 0, position },
        { id: 2, position },
      ],
    ],
  );

  await ingest.close();
  await start();
  const later = await call('/quarantine');
  assert.deepEqual(later.counts, { UNIT_INCOMPATIBLE: 1, UNIT_UNKNOWN: 1, PAYLOAD_NOT_JSON: 1 });
  assert.equal(later.items[4].released, position);
  assert.equal(
    (await replay()).results.some(({ id }: { id: number }) => id === 0),
    false,
  );
  assert.deepEqual(
    (await replay({ ids: [0] })).results.map(({ code }: { code: string }) => code),
    ['QUARANTINE_RELEASED'],
  );
  assert.match(await (await fetch(`${ingest.url}/metrics`)).text(), /airtight_ingest_released_total/);
});

test('a message that is still not admissible stays, and pages go on below the last', async () => {
  await publish('{"t":1,"m":{"depth":{"v":1,"u":"furlong"}}}');
  const [last] = (await call('/quarantine?limit=1')).items;
  assert.equal((await replay({ ids: [last.id] })).results[0].code, 'UNIT_UNKNOWN');
  assert.equal((await call('/quarantine?limit=1')).next, last.id);
});

test('a malformed definition does not enter', async () => {
  const problem = await define({ ...soil, properties: { depth: { title, unit: 'furlong' } } }, 422);
  assert.equal(problem.code, 'DATASET_INVALID');
  const { items } = await call('/datasets');
  assert.deepEqual(
    items.map(({ definition }: { definition: DatasetDefinition }) => [definition.dataset, definition.properties['depth']?.unit]),
    [['soil', 'm']],
  );
});
