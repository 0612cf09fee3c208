/** Nothing is missing, and who says so can be held to it: late, missing, removed and withheld readings are told apart. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CONTROL_AGENCY, DATASETS_DATASET, type Receipt } from '@airtight/protocol';
import mqtt from 'mqtt';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

/** Far more than the readings need to arrive, so that none is late by the machine's fault. */
const CADENCE_MS = 600_000;
const SLOTS = 30;
const folder = mkdtempSync(join(tmpdir(), 'airtight-complete-'));
/** Of the last slots the first ten come late. */
const CHUNK = 6;
const LATE_MS = 20.5 * CADENCE_MS;
const DATASET = 'counted';
/** The device counts from 100: of these numbers it never sends 117 to 119, and number 125 comes last of all. */
const NEVER = [17, 18, 19];
const LATE = 25;
let product: Product;
let device: Device;
let from: number;

const reading = (i: number) => ({ seq: 100 + i, t: from + i * CADENCE_MS, m: { pm25: 20 + i / 10 } });

before(async () => {
  product = await startProduct({ environment: { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer', AIRTIGHT_INGEST_GAP_WINDOW_S: '1' } });
  const payload = {
    ...{ type: 'dataset', dataset: DATASET, title: { zh: '计数', en: 'Counted' }, cadenceMs: CADENCE_MS, clock: { lateMs: LATE_MS } },
    properties: { pm25: { title: { zh: 'PM2.5', en: 'PM2.5' }, unit: 'ug/m3' } },
  };
  await product.ingest('/records', { records: [{ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: 'test', payload }] });
  device = await product.enrol('counted-1', DATASET);
  const other = await product.enrol('another-1', DATASET);
  from = Date.now() - SLOTS * CADENCE_MS;
  const sent = Array.from({ length: SLOTS }, (_, i) => i).filter((i) => !NEVER.includes(i) && i !== LATE);
  // In batches of their own, so that a proof has several to be parted at.
  for (let i = 0; i < sent.length; i += CHUNK) {
    await publishAll(product, device, sent.slice(i, i + CHUNK).map(reading));
    await product.untilAnchored();
  }
  await publishAll(product, other, [reading(0), reading(1)]);
  await until('both gaps are on record', async () => (await product.all('gaps', { producer: device.producer })).length === 2);
  await publishAll(product, device, [reading(LATE)]);
  await product.untilAnchored();
  await product.untilProjected();
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function proofText(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const times = { from: new Date(from).toISOString(), to: new Date(from + SLOTS * CADENCE_MS).toISOString() };
  const query = new URLSearchParams({ producer: device.producer, dataset: device.dataset, ...times, ...more });
  const response = await fetch(`${product.httpUrl}/api/v1/completeness?${query}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

async function verify(text: string, ...more: string[]) {
  const file = join(folder, 'proof.airtight-complete.json');
  writeFileSync(file, text);
  return airtight(['verify', file, '--data', product.dataDir, '--lang', 'en', ...more]);
}

test('the proof of a range names what never arrived', async () => {
  const { code, stdout, stderr } = await verify(await proofText());
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /received: 27 of 30; 10 late; numbers 117–119 never arrived/);
  assert.match(stdout, /What this does not prove/);
  const { slots, withheld, records } = JSON.parse((await verify(await proofText(), '--json')).stdout);
  assert.deepEqual([withheld, records], [[], 27]);
  assert.deepEqual(slots.counts, { present: 17, late: 10, missing: 3, deleted: 0, withheld: 0, 'no-reading': 0 });
  const at = (i: number) => from + i * CADENCE_MS;
  const [late, missing, ...others] = slots.runs;
  assert.deepEqual([late.kind, late.from, late.to, late.slots], ['late', at(0), at(9), 10]);
  assert.ok(late.delayMs >= SLOTS * CADENCE_MS);
  assert.deepEqual(missing, { kind: 'missing', from: at(17), to: at(19), slots: 3, numbers: [[117, 119]] });
  assert.deepEqual(others, []);
});

test('gaps are on record: what never came is open, what came late is closed', async () => {
  // Time passes by what is on record: a tick every ten seconds, or the next reading.
  const gaps = await until('both gaps are on record', async () => {
    const items = await product.all<{ first: number; last: number; state: string; missing: number[][] }>('gaps', {
      producer: device.producer,
    });
    return items.length === 2 && items.some(({ state }) => state === 'closed') ? items : false;
  });
  const told = gaps.map(({ first, last, state, missing }) => ({ first, last, state, missing })).sort((a, b) => a.first - b.first);
  assert.deepEqual(told, [
    { first: 117, last: 119, state: 'open', missing: [[117, 119]] },
    { first: 125, last: 125, state: 'closed', missing: [] },
  ]);
  const open = await product.all<{ first: number }>('gaps', { state: 'open' });
  assert.deepEqual(
    open.map(({ first }) => first),
    [117],
  );
});

test('a server that hides a record, or a batch, is found and what it hides is named', async () => {
  const proof = JSON.parse(await proofText());
  const batch = proof.batches.find(({ records = [] }: { records?: object[] }) => records.length > 0);
  const { position } = batch.records[batch.records.length - 1];
  const hidden = structuredClone(proof);
  for (const one of hidden.batches) {
    if (one.records?.at(-1)?.position === position) one.records.pop();
  }
  const found = await verify(JSON.stringify(hidden), '--json');
  assert.equal(found.code, 1);
  const { withheld, steps } = JSON.parse(found.stdout);
  assert.ok(steps.some(({ step, ok }: { step: string; ok: boolean }) => step === 'records' && !ok));
  assert.ok(withheld.some(({ first, last }: { first: number; last: number }) => first <= position && position <= last));
  const cut = { ...proof, batches: proof.batches.filter((one: object) => one !== batch) };
  const chain = await verify(JSON.stringify(cut));
  assert.equal(chain.code, 1);
  assert.match(chain.stdout, /BATCH_CHAIN_BROKEN|RANGE_NOT_COVERED/);
});

test('a long range comes in parts: together they prove what the whole does, and a part that is missing is named', async () => {
  const files: string[] = [];
  const begins: number[] = [];
  let more: Readonly<Record<string, string>> | undefined = { batches: '2' };
  while (more !== undefined) {
    const text = await proofText(more);
    const { next, until: asked, batches } = JSON.parse(text);
    begins.push(JSON.parse(Buffer.from(batches[0].record, 'base64').toString()).seq);
    files.push(join(folder, `part-${files.length}.json`));
    writeFileSync(files.at(-1) as string, text);
    more = next === undefined ? undefined : { batches: '2', batch: String(next), until: new Date(asked).toISOString() };
  }
  assert.ok(files.length >= 3, `${files.length} parts`);
  const check = (parts: readonly string[]) => airtight(['verify', ...parts, '--data', product.dataDir, '--lang', 'en']);
  const joined = await check(files.toReversed());
  assert.equal(joined.code, 0, joined.stdout + joined.stderr);
  assert.match(joined.stdout, /received: 27 of 30; 10 late; numbers 117–119 never arrived/);
  const cut = await check(files.toSpliced(1, 1));
  assert.equal(cut.code, 1);
  assert.match(cut.stdout, new RegExp(`BATCH_CHAIN_BROKEN.*batches ${begins[1]} to ${(begins[2] as number) - 1} are missing`));
  const short = await check(files.slice(0, -1));
  assert.match(short.stdout, new RegExp(`RANGE_NOT_COVERED.*the part that begins with batch ${begins.at(-1)} is missing`));
  const out = join(folder, 'exported');
  const range = ['--from', new Date(from).toISOString(), '--to', new Date(from + SLOTS * CADENCE_MS).toISOString()];
  const named = ['--producer', device.producer, '--dataset', device.dataset, ...range, '--out', out, '--data', product.dataDir, '--json'];
  const exported = await airtight(['export', 'completeness', ...named]);
  assert.equal(exported.code, 0, exported.stderr);
  assert.equal((await check(JSON.parse(exported.stdout).files)).code, 0);
});

/** What the device is told of two readings and of a message that is none, until both are anchored. */
async function keptReceipts(): Promise<Receipt[]> {
  const { username, secret: password, topic } = device;
  const client = await mqtt.connectAsync({ host: '127.0.0.1', port: product.mqttPort, username, password, reconnectPeriod: 0 });
  const kept: Receipt[] = [];
  client.on('message', (_, payload) => kept.push(JSON.parse(payload.toString())));
  try {
    await client.subscribeAsync(`${topic}/receipt`);
    for (const i of [SLOTS, SLOTS + 1]) await client.publishAsync(topic, JSON.stringify(reading(i)), { qos: 1 });
    await client.publishAsync(topic, '{"m":{"pm25":1}}', { qos: 1 });
    await until('both are anchored', () => kept.filter(({ status }) => status === 'anchored').length === 2);
    return kept;
  } finally {
    await client.endAsync(true);
  }
}

/** The platform, but for one record that it denies to have. */
async function hiding(record: string) {
  const server = createServer(async ({ url = '', headers }, response) => {
    if (url.startsWith(`/api/v1/records/${record}/`)) {
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code: 'NOT_FOUND', detail: record }));
      return;
    }
    const answer = await fetch(`${product.httpUrl}${url}`, { headers: { authorization: headers.authorization ?? '' } });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('a device that keeps its receipts names the record that is withheld, and the one that is swapped', async () => {
  const kept = await keptReceipts();
  const file = join(folder, 'receipts');
  const check = async (receipts: readonly object[], ...more: string[]) => {
    writeFileSync(file, receipts.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const { code, stdout, stderr } = await airtight(['verify', '--receipt', file, '--data', product.dataDir, '--json', ...more]);
    assert.notEqual(stdout, '', stderr);
    const told = JSON.parse(stdout) as {
      quarantined: number;
      receipts: { status: string; record: string; code: string; restsOn?: string }[];
    };
    return { code, ...told, told: told.receipts.map(({ status, code, restsOn }) => [status, code, restsOn]) };
  };
  const held = await check(kept);
  assert.equal(held.code, 0, JSON.stringify(held.receipts));
  assert.equal(held.quarantined, 1);
  const all = (status: string) => Array(2).fill([status, 'RECEIPT_HOLDS', undefined]);
  assert.deepEqual(held.told.sort(), [...all('accepted'), ...all('anchored')].sort());

  const [first, second] = kept.filter((one) => 'leafHash' in one);
  assert.ok(first !== undefined && second !== undefined);
  const anchored = kept.find((one) => one.status === 'anchored' && one.record === first.record) as object;
  const swapped = await check([{ ...first, leafHash: second.leafHash }, { ...anchored, ledgerIndex: 0 }, second]);
  assert.deepEqual(
    [swapped.code, ...swapped.told],
    [
      1,
      ['accepted', 'RECEIPT_SWAPPED', 'receipt'],
      ['anchored', 'RECEIPT_ANCHOR_MISMATCH', 'receipt'],
      ['accepted', 'RECEIPT_HOLDS', undefined],
    ],
  );

  const { server, url } = await hiding(first.record);
  try {
    const hidden = await check([first, anchored, second], '--api', url);
    assert.deepEqual(
      [hidden.code, ...hidden.told],
      [
        1,
        ['accepted', 'RECEIPT_WITHHELD', 'receipt'],
        ['anchored', 'RECEIPT_WITHHELD', 'ledger'],
        ['accepted', 'RECEIPT_HOLDS', undefined],
      ],
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
  const bundle = join(folder, 'kept.airtight-proof.json');
  writeFileSync(bundle, await (await product.fetch(`/api/v1/records/${first.record}/proof`)).text());
  const offline = await check([first, anchored, second], bundle);
  assert.deepEqual(
    offline.told.map(([, code]) => code),
    ['RECEIPT_HOLDS', 'RECEIPT_HOLDS', 'RECEIPT_WITHHELD'],
  );
  const last = kept.find((one) => one.status === 'anchored' && one.record === second.record) as object;
  assert.deepEqual((await check([last], bundle, '--ledger', product.dataDir)).told, [['anchored', 'RECEIPT_WITHHELD', 'ledger']]);
});
