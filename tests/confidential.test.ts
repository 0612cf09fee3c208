/**
 * A confidential dataset, the whole way: one field is shown with a proof and nothing else, a day of a producer is erased
 * from the disk, and everything else verifies as before.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { contractVersion } from '@airtight/contracts-engine';
import { type AlertItem, CONTRACTS_DATASET, CONTROL_AGENCY, DATASETS_DATASET, type ObservationItem } from '@airtight/protocol';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const SUBJECT = 'patient-name-that-must-go';
/** Of the subject: a value that stands nowhere else. */
const FEVER = 41.373737;
const CONTRACT = `
contract: fever
title: { zh: 过热, en: Too warm }
agency: ${AGENCY}
source: made up for this test
inputs:
  clinic: { dataset: clinic, accept: { flags: [late] } }
rules:
  - id: warm
    severity: severe
    raise: { when: tvc > 40.0 }
    clear: { when: tvc < 8.0 }
    message: { zh: "{subject}：{tvc}", en: "{subject}: {tvc}" }
`;
const SETTINGS = {
  AIRTIGHT_INGEST_COMPRESS_AFTER_S: '0',
  AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer',
};
const folder = mkdtempSync(join(tmpdir(), 'airtight-confidential-'));
let product: Product;
let subject: Device;
let neighbour: Device;
/** Records of the subject and of its neighbour. */
let own: string[];
let others: string[];

const reading = (i: number) => ({ id: `${SUBJECT}-id-${i}`, t: Date.now() - 60_000 + i, m: { tvc: 2 + i / 10, alarm: `${SUBJECT}-${i}` } });

async function define(dataset: string, more: object): Promise<Response> {
  const payload = {
    type: 'dataset',
    dataset,
    title: { zh: '机密冷链', en: 'confidential cold chain' },
    cadenceMs: 60_000,
    properties: { tvc: { title: { zh: '温度', en: 'temperature' }, unit: 'Cel' } },
    quality: { properties: { tvc: { ratePerHour: { suspect: 1e9 } } } },
    ...more,
  };
  return product.ingest('/records', { records: [{ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: 'tests', payload }] });
}

async function records(producer: string): Promise<string[]> {
  const items = await product.all<ObservationItem>('observations', { dataset: 'clinic', producer });
  return [...new Set(items.map(({ record }) => record))];
}

async function api(path: string, token?: string, init: RequestInit = {}): Promise<Response> {
  const authorization = `Bearer ${token ?? (await product.apiToken())}`;
  return fetch(`${product.httpUrl}/api/v1/${path}`, { ...init, headers: { authorization, ...init.headers } });
}

async function save(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function verify(file: string) {
  return airtight(['verify', file, '--policy', join(product.dataDir, 'keys/policy'), '--lang', 'en']);
}

/** Files of the data directory in which the text stands, compressed segments decompressed. */
function filesWith(text: string): string[] {
  return globSync('**/*', { cwd: product.dataDir }).filter((name) => {
    const path = join(product.dataDir, name);
    if (!statSync(path).isFile()) return false;
    const bytes = readFileSync(path);
    return bytes.includes(text) || (name.endsWith('.seg.zst') && zstdDecompressSync(bytes).includes(text));
  });
}

/** The same without the tables' own files, which lose deleted rows some minutes later. */
const kept = (text: string): string[] => filesWith(text).filter((name) => !name.startsWith('store/') || name.endsWith('.json'));

const audit = () => airtight(['audit', '--data', product.dataDir, '--lang', 'en'], 120_000);

before(async () => {
  product = await startProduct({ environment: SETTINGS });
  await define('clinic', { confidential: true });
  subject = await product.enrol('fridge-a', 'clinic');
  neighbour = await product.enrol('fridge-b', 'clinic');
  const payload = { type: 'contract', contract: 'fever', version: contractVersion(CONTRACT), text: CONTRACT, author: 'a', approver: 'b' };
  await product.ingest('/records', { records: [{ agency: AGENCY, dataset: CONTRACTS_DATASET, producer: 'tests', payload }] });
  await publishAll(product, subject, [0, 1, 2].map(reading));
  await publishAll(product, subject, [{ ...reading(3), m: { tvc: FEVER, alarm: `${SUBJECT}-3` } }]);
  await publishAll(product, neighbour, [
    { t: Date.now(), m: { tvc: 4.5 } },
    { t: Date.now() + 1, m: { tvc: 4.6 } },
  ]);
  await product.untilAnchored();
  await product.untilProjected();
  own = await records('fridge-a');
  others = await records('fridge-b');
  assert.deepEqual([own.length, others.length], [4, 2]);
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a dataset cannot become public, nor confidential, later', async () => {
  for (const [dataset, more] of [
    ['clinic', {}],
    ['air', { confidential: true }],
  ] as const) {
    await assert.rejects(define(dataset, more), /422 .*DATASET_INVALID/, dataset);
  }
});

test('visitors see nothing of it', async () => {
  const visitor = (path: string) => fetch(`${product.httpUrl}/api/v1/${path}`);
  assert.equal((await visitor('observations?limit=10')).status, 200);
  for (const path of [
    `records/${own[0]}`,
    `records/${own[0]}/proof?fields=/m/tvc`,
    'observations?dataset=clinic',
    'series?producer=fridge-a&dataset=clinic&observedProperty=tvc',
  ])
    assert.equal((await visitor(path)).status, 401, path);
  for (const path of ['observations', 'latest', 'observations?producer=fridge-a', `observations?record=${own[0]}`])
    assert.ok(!(await (await visitor(path)).text()).includes('clinic'), path);
});

test('one field is shown with its proof, and nothing else; a changed value or salt fails with its step', async () => {
  const answer = await api(`records/${own[1]}/proof?fields=/m/tvc`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.ok(!text.includes(SUBJECT) && !Buffer.from(JSON.parse(text).record, 'base64').includes(SUBJECT));
  const shown = await verify(await save('one.airtight-proof.json', text));
  assert.equal(shown.code, 0, shown.stdout + shown.stderr);
  assert.match(shown.stdout, /\/m\/tvc = 2\.1/);
  const compact = JSON.stringify(JSON.parse(text)).length;
  assert.ok(compact < 4000, `${compact} characters`);
  const changed = {
    value: (field: { value: string }) => (field.value = '2.2'),
    salt: (field: { salt: string }) => (field.salt = `A${field.salt.slice(1)}`),
  };
  for (const [what, change] of Object.entries(changed)) {
    const bundle = JSON.parse(text);
    change(bundle.disclosure.fields[0]);
    const failed = await verify(await save(`${what}.json`, JSON.stringify(bundle)));
    assert.equal(failed.code, 1);
    assert.match(failed.stdout, /✗ The fields that are shown[^\n]*\n\s*PROOF_MISMATCH/);
    assert.equal(failed.stdout.match(/✗/g)?.length, 1, failed.stdout);
  }
  assert.equal((await api(`records/${own[1]}/proof?fields=/m/nothing`)).status, 404);
});

test('all of it is shown to who may see it, and made smaller offline', async () => {
  const full = await save('full.airtight-proof.json', await (await api(`records/${own[2]}/proof`)).text());
  const verified = await verify(full);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, new RegExp(`messageId = .*${SUBJECT}-id-2`));
  const smaller = join(folder, 'smaller.airtight-proof.json');
  const disclosed = await airtight(['disclose', full, '--fields', '/m/alarm', '--out', smaller, '--lang', 'en']);
  assert.equal(disclosed.code, 0, disclosed.stdout + disclosed.stderr);
  assert.deepEqual(
    JSON.parse(readFileSync(smaller, 'utf8')).disclosure.fields.map(({ name }: { name: string }) => name),
    ['/m/alarm'],
  );
  assert.equal((await verify(smaller)).code, 0);
  const set = await api(`proofs?producer=fridge-a&dataset=clinic&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z`);
  const verifiedSet = await verify(await save('set.airtight-proofs.json', await set.text()));
  assert.equal(verifiedSet.code, 0, verifiedSet.stdout);
});

test('an alert about it names its records and none of their values', async () => {
  const alert = await until(
    'the alert',
    async () => (await product.all<AlertItem>('alerts')).find(({ contract }) => contract === 'fever') ?? false,
  );
  assert.deepEqual([alert.subject, alert.values, alert.message.en], ['fridge-a', {}, 'fridge-a: [see the records]']);
  assert.ok(alert.evidence.map(String).includes(own[3] as string), JSON.stringify(alert));
  await until('the state of the contracts is on the disk', () => filesWith(String(FEVER)).includes('store/contracts-state.json'));
});

test('a day is erased: gone from the disk, and everything else verifies', async () => {
  assert.ok(filesWith(`${SUBJECT}-1`).length > 0);
  const before = await (await api(`records/${others[0]}/proof`)).text();
  const viewer = await api('erasures', undefined, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ producer: 'fridge-a', day: '2026-02-30', reason: 'no such day' }),
  });
  assert.equal(viewer.status, 400);
  const days = new Set(
    await Promise.all(
      own.map(async (id) =>
        new Date(((await (await api(`records/${id}`)).json()) as { header: { receivedAt: number } }).header.receivedAt)
          .toISOString()
          .slice(0, 10),
      ),
    ),
  );
  for (const day of days) {
    const erased = await airtight(
      ['erase', '--producer', 'fridge-a', '--day', day, '--reason', 'asked for by the patient', '--data', product.dataDir, '--lang', 'en'],
      60_000,
    );
    assert.equal(erased.code, 0, erased.stdout + erased.stderr);
  }
  await product.untilProjected();
  await until('the rows are gone', async () => (await records('fridge-a')).length === 0);
  for (const id of own) {
    const answer = await api(`records/${id}`);
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [410, 'RECORD_EXPIRED']);
    assert.equal((await api(`records/${id}/proof?fields=/m/tvc`)).status, 410);
  }
  assert.deepEqual(await records('fridge-b'), others);
  assert.equal((await verify(await save('before.json', before))).code, 0);
  assert.equal((await verify(await save('after.json', await (await api(`records/${others[1]}/proof`)).text()))).code, 0);
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const complete = await api(`completeness?producer=fridge-a&dataset=clinic&from=${from}&to=${new Date().toISOString()}`);
  const counted = await verify(await save('all.airtight-complete.json', await complete.text()));
  assert.match(counted.stdout, /deleted|removed/i, counted.stdout);
  assert.equal(counted.code, 0, counted.stdout);
  // What was shown before stays proven: its holder has salts and path.
  assert.equal((await verify(join(folder, 'one.airtight-proof.json'))).code, 0);
  await until(
    'it left the state of contracts and of quality',
    () => [SUBJECT, String(FEVER)].every((text) => kept(text).length === 0),
    30_000,
  );
  assert.ok(
    (await product.all<AlertItem>('alerts')).some(({ contract }) => contract === 'fever'),
    'the alert stays',
  );
});

test('the audit is clean, running and stopped, and counts what is erased; after a restart the same device goes on', async () => {
  const running = await audit();
  assert.equal(running.code, 0, running.stdout + running.stderr);
  assert.match(running.stdout, /4 confidential records erased/);
  await product.halt();
  const stopped = await audit();
  assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
  assert.match(stopped.stdout, /2 confidential records held against/);
  await product.start();
  await publishAll(product, subject, [reading(7)]);
  await product.untilAnchored();
  await product.untilProjected();
  const [again] = await records('fridge-a');
  assert.equal((await verify(await save('again.json', await (await api(`records/${again}/proof?fields=payload`)).text()))).code, 0);
  for (const text of [`${SUBJECT}-3`, String(FEVER)]) assert.deepEqual(kept(text), []);
});
