/**
 * Admission by a dataset's definition, from outside: a unit nobody knows is quarantined, the dataset is mended, the message is
 * replayed and its value is there; ppb become µg/m³; a correction is visible beside what it corrects; a wrong clock is shown.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { LatestItem, ObservationItem, Producer, QuarantineItem, QuarantinePage } from '@airtight/protocol';
import type { Page } from 'playwright-core';
import { openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { readJournal } from './harness/evidence.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const WAIT_MS = 90_000;
const MINUTE_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), 'airtight-admission-test-'));
const snow = {
  type: 'dataset',
  dataset: 'snow',
  title: { zh: '积雪', en: 'Snow' },
  cadenceMs: 3_600_000,
  properties: { depth: { title: { zh: '雪深', en: 'Snow depth' }, unit: 'Cel' } },
};
let product: Product;
let gauge: Device;
let station: Device;

before(async () => {
  await buildDashboard();
  product = await startProduct();
  await define('Cel');
  gauge = await product.enrol('gauge-1', 'snow');
  station = await product.enrol('station-1');
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const snowIn = (unit: string) => ({ ...snow, properties: { depth: { ...snow.properties.depth, unit } } });

/** By the inner interface, which is quicker than a command. */
async function define(unit: string): Promise<void> {
  await product.ingest('/records', {
    records: [{ agency: 'airtight', dataset: 'sys.datasets', producer: 'test', messageId: `id:${Date.now()}`, payload: snowIn(unit) }],
  });
}

function defineSnow(unit: string, ...more: readonly string[]): ReturnType<typeof airtight> {
  const file = join(folder, 'snow.json');
  writeFileSync(file, JSON.stringify(snowIn(unit)));
  return airtight(['dataset', 'set', file, '--data', product.dataDir, ...more]);
}

const observations = (query: { readonly [name: string]: string }) => product.all<ObservationItem>('observations', query);

test('an incompatible unit is quarantined; when the dataset is mended the message is replayed and its value is there', async () => {
  const time = Date.now() - MINUTE_MS;
  await publishAll(product, gauge, [{ seq: 1, t: time, m: { depth: { v: 12.5, u: 'cm' } } }]);
  const page = (await product.page('quarantine', { dataset: 'snow' })) as unknown as QuarantinePage;
  const [message] = page.items as [QuarantineItem];
  assert.equal(message.code, 'UNIT_INCOMPATIBLE');
  assert.match(message.detail, /depth.*"cm".*"Cel"/);
  assert.equal(page.counts['UNIT_INCOMPATIBLE'], 1);
  const refused = await defineSnow('furlong');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /DATASET_INVALID.*depth/);
  assert.equal((await defineSnow('mm', '--json')).code, 0);
  const dryRun = await product.ingest('/quarantine/replay', { by: 'test', dryRun: true });
  assert.deepEqual(((await dryRun.json()) as { results: object[] }).results, [{ id: Number(message.id), status: 'admissible' }]);
  const replayed = await airtight(['quarantine', 'replay', '--dataset', 'snow', '--data', product.dataDir, '--json']);
  assert.equal(replayed.code, 0, replayed.stderr);
  const [{ position }] = JSON.parse(replayed.stdout).results;

  await product.untilProjected();
  const [observation] = await observations({ dataset: 'snow' });
  assert.ok(observation);
  assert.deepEqual([observation.result, observation.unit, observation.flags], [125, 'mm', ['converted']]);
  assert.deepEqual([observation.record, observation.receivedAt], [String(position), message.receivedAt], 'received when it was received');
  const after = (await product.page<QuarantineItem>('quarantine', { dataset: 'snow' })).items[0];
  assert.equal(after?.released, String(position));
  const { stdout } = await airtight(['quarantine', 'list', '--data', product.dataDir, '--lang', 'zh']);
  assert.match(stdout, /单位与数据集的单位无法换算/);
  const releases = (await readJournal(product)).filter(({ header }) => header.dataset === 'sys.releases');
  assert.equal(releases.length, 1);
});

test('a message refused for its topic is no matter of the dataset', async () => {
  const foreign = { ...gauge, topic: station.topic };
  await publishAll(product, foreign, [{ t: Date.now(), m: { pm25: 1 } }]);
  const [message] = (await product.page<QuarantineItem>('quarantine', { code: 'TOPIC_NOT_ALLOWED' })).items;
  const { stdout, code } = await airtight(['quarantine', 'replay', '--id', message?.id as string, '--data', product.dataDir, '--json']);
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).results[0].code, 'QUARANTINE_NOT_ADMISSION');
});

test('ppb become µg/m³ at 298.15 K, in the API and in the index; the record keeps what was sent', async () => {
  await publishAll(product, station, [
    { t: Date.now() - 10 * MINUTE_MS, m: { o3: { v: 70, u: 'ppb' }, temp: { v: 68, u: '°F' }, co: { v: 400, u: 'µg/m³' } } },
  ]);
  await product.untilProjected();
  const values = await observations({ producer: station.producer });
  assert.deepEqual(
    values.map(({ observedProperty, result, unit, flags }) => [observedProperty, Number((result as number).toFixed(3)), unit, flags]),
    [
      ['o3', 137.332, 'ug/m3', ['converted']],
      ['temp', 20, 'Cel', ['converted']],
      ['co', 0.4, 'mg/m3', ['converted']],
    ],
  );
  const [latest] = await product.all<LatestItem>('latest', { producer: station.producer });
  assert.equal(latest?.index?.iaqi['o3'], 43);
  const { code, stdout } = await airtight(['audit', '--data', product.dataDir]);
  assert.equal(code, 0, stdout);
});

test('a correction counts, and what it corrects stays beside it', async () => {
  const time = Date.now() - 5 * MINUTE_MS;
  await publishAll(product, station, [
    { seq: 7, t: time, m: { pm25: 40 } },
    { seq: 7, t: time, m: { pm25: 44 } },
  ]);
  await product.untilProjected();
  const told = await observations({ producer: station.producer, observedProperty: 'pm25' });
  assert.deepEqual(
    told.map(({ result, revision }) => [result, revision?.number, revision?.of, revision?.newest]),
    [
      [40, 1, 2, told[1]?.record],
      [44, 2, 2, told[1]?.record],
    ],
  );
  const [latest] = await product.all<LatestItem>('latest', { producer: station.producer });
  assert.equal(latest?.values['pm25']?.result, 44);
});

test('a clock that is three minutes ahead is shown', async () => {
  const fast = await product.enrol('fast-1');
  await publishAll(
    product,
    fast,
    Array.from({ length: 6 }, (_, i) => ({ t: Date.now() + 3 * MINUTE_MS + i, m: { pm25: i } })),
  );
  await product.untilProjected();
  const producer = (await (await product.fetch(`/api/v1/producers/${fast.producer}`)).json()) as Producer;
  assert.equal(producer.clockSkewReadings, 6);
  assert.ok(Math.abs((producer.clockSkewMs ?? 0) - 3 * MINUTE_MS) < MINUTE_MS, `${producer.clockSkewMs} ms`);
});

async function signIn(page: Page, name: string, role: string): Promise<void> {
  const { stdout } = await airtight(['password', name, '--role', role, '--data', product.dataDir, '--json']);
  const { password } = JSON.parse(stdout) as { password: string };
  await page.locator('[data-testid="sign-in"]').first().click();
  await page.locator('dialog[open] input[name="name"]').fill(name);
  await page.locator('dialog[open] input[name="password"]').fill(password);
  await page.locator('dialog[open] button[type="submit"]').click();
  await page.locator('[data-testid="who"]').waitFor({ timeout: WAIT_MS });
}

test('the screens: an administrator releases from the quarantine page; a correction and a wrong clock are shown', async (t) => {
  if (!has(t, 'chromium')) return;
  await define('Cel');
  await publishAll(product, gauge, [
    { seq: 10, t: Date.now(), m: { depth: { v: 1, u: 'furlong' } } },
    { seq: 11, t: Date.now(), m: { depth: { v: 3, u: 'cm' } } },
  ]);
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  const byId = (id: string) => page.locator(`[data-testid="${id}"]`).first();
  await page.goto(`${product.httpUrl}/quarantine`);
  await signIn(page, 'lin', 'administrator');
  await byId('count-UNIT_UNKNOWN').waitFor({ timeout: WAIT_MS });
  assert.match((await byId('count-UNIT_UNKNOWN').textContent()) ?? '', /单位无法识别/);
  await page.screenshot({ path: join(folder, 'quarantine-zh-CN.png') });
  await byId('lang').click();
  await page.getByText('The unit is not known').first().waitFor({ timeout: WAIT_MS });
  await page.screenshot({ path: join(folder, 'quarantine-en.png') });
  // The page's Content-Security-Policy takes no foreign script: axe comes in through the debugger.
  await page.evaluate(AXE);
  const violations = await page.evaluate(
    'axe.run().then(({ violations }) => violations.filter(({ impact }) => /serious|critical/.test(impact)).map(({ id }) => id))',
  );
  assert.deepEqual(violations, []);
  await define('mm');
  const [message] = (await product.page<QuarantineItem>('quarantine', { code: 'UNIT_INCOMPATIBLE', limit: 1 })).items;
  await byId(`replay-${message?.id}`).click();
  await byId(`released-${message?.id}`).waitFor({ timeout: WAIT_MS });
  await until('the value is in the store', async () => (await observations({ dataset: 'snow' })).some(({ result }) => result === 30));

  const [first] = await observations({ producer: station.producer, observedProperty: 'pm25' });
  await page.goto(`${product.httpUrl}/records/${first?.record}`);
  await byId('superseded').waitFor({ timeout: WAIT_MS });
  await page.screenshot({ path: join(folder, 'revision.png') });
  const [ozone] = await observations({ producer: station.producer, observedProperty: 'o3' });
  await page.goto(`${product.httpUrl}/records/${ozone?.record}`);
  await page.getByText('converted to 298.15 K, 101.325 kPa').first().waitFor({ timeout: WAIT_MS });
  await page.screenshot({ path: join(folder, 'converted.png') });
  await page.goto(`${product.httpUrl}/stations/fast-1`);
  await byId('clock-skew').waitFor({ timeout: WAIT_MS });
  assert.match((await byId('clock-skew').textContent()) ?? '', /3 min ahead/);
  await page.screenshot({ path: join(folder, 'skew.png') });
  assert.deepEqual(browser.foreignRequests, []);
});
