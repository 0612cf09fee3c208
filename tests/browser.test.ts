/** The screens in a real Chromium, far from the deployment's time zone: what a person sees is what was measured, and says when it is not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AlertItem, FlagItem, LatestItem, Producer } from '@airtight/protocol';
import type { Page } from 'playwright-core';
import { openBrowser } from './harness/browser.ts';
import { changeRecordDigit } from './harness/bundle.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { mosquittoPub } from './harness/mosquitto.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const WAIT_MS = 90_000;
/** How soon a lost connection must show (docs/reference: a stale value never looks like a live one). */
const LOST_SHOWN_MS = 5000;
const folder = mkdtempSync(join(tmpdir(), 'airtight-browser-test-'));
let product: Product;
let device: Device;

before(async () => {
  await buildDashboard();
  product = await startProduct({ arguments: ['--simulate'] });
  device = await product.enrol('screen-1');
  // Some of the network are always out of order, as in life.
  await until('the simulated network reports', async () => (await product.all<LatestItem>('latest')).length >= 40);
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a page and waits until it says that its data is drawn. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${product.httpUrl}${path}`);
  const drawn = page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: WAIT_MS });
  await drawn.catch((cause: unknown) => {
    throw new Error(`${path} is not drawn`, { cause });
  });
}

const byId = (page: Page, id: string) => page.locator(`[data-testid="${id}"]`);

interface AxeViolation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** Violations of impact serious or critical on the page as it stands. */
async function seriousViolations(page: Page): Promise<string[]> {
  // The page's Content-Security-Policy takes no foreign script: axe comes in through the debugger.
  await page.evaluate(AXE);
  const violations = (await page.evaluate('axe.run().then((result) => result.violations)')) as AxeViolation[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

for (const [locale, heading] of [
  ['zh-CN', /监测|总览|空气|站/],
  ['en-US', /overview|station|air/i],
] as const) {
  test(`overview with live stations, ${locale}: nothing from outside, no serious accessibility fault`, async (t) => {
    if (!has(t, 'chromium')) return;
    const browser = await openBrowser(t, product.httpUrl, locale);
    const page = await browser.newPage();
    await open(page, '/');
    assert.equal(await page.locator('html').getAttribute('lang'), locale === 'zh-CN' ? 'zh-CN' : 'en');
    assert.match((await page.locator('h1').first().textContent()) ?? '', heading);
    const stations = (await product.all<Producer>('producers')).filter(({ kind, simulated }) => kind === 'air-station' && simulated);
    assert.ok(stations.length >= 36);
    for (const { producer } of stations) await byId(page, `station-${producer}`).first().waitFor({ state: 'attached', timeout: WAIT_MS });
    await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: WAIT_MS });
    assert.deepEqual(await seriousViolations(page), []);
    await page.screenshot({ path: join(folder, `overview-${locale}.png`) });
    assert.deepEqual(browser.foreignRequests, []);
    assert.deepEqual(browser.errors, []);
  });
}

test('the language changes with one click and stays', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await open(page, '/');
  const before = await page.locator('h1').first().textContent();
  await byId(page, 'lang').click();
  await page.locator('html[lang="en"]').waitFor({ state: 'attached' });
  assert.notEqual(await page.locator('h1').first().textContent(), before);
  await open(page, '/');
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
});

test('every screen is free of serious accessibility faults', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  const [fridge] = (await product.all<Producer>('producers')).filter(({ kind }) => kind === 'fridge');
  const [reading] = await product.all<LatestItem>('latest');
  const [station] = (await product.all<Producer>('producers')).filter(({ kind, simulated }) => kind === 'air-station' && simulated);
  const violations: string[] = [];
  for (const path of [
    '/stations',
    `/stations/${station?.producer}`,
    '/coldchain',
    `/coldchain/${fridge?.producer}`,
    '/alerts',
    '/ledger',
    `/records/${reading?.record}`,
    '/verify',
  ]) {
    await open(page, path);
    violations.push(...(await seriousViolations(page)).map((violation) => `${path}: ${violation}`));
  }
  assert.deepEqual(violations, []);
  assert.deepEqual(browser.foreignRequests, []);
  assert.deepEqual(browser.errors, []);
});

test('a reading from mosquitto_pub appears on an open page', async (t) => {
  if (!has(t, 'chromium', 'mosquitto_pub')) return;
  await publishAll(product, device, [{ t: Date.now() - 60_000, m: { pm25: 11.1 } }]);
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await open(page, `/stations/${device.producer}`);
  await page.getByText('11.1').first().waitFor({ timeout: WAIT_MS });
  const { code, stderr } = await mosquittoPub(product, device, device.topic, ['-m', `{"t":${Date.now()},"m":{"pm25":77.7}}`]);
  assert.equal(code, 0, stderr);
  await page.getByText('77.7').first().waitFor({ timeout: WAIT_MS });
  assert.deepEqual(browser.errors, []);
});

test('an operator acknowledges an alert: it shows, and the name is on record', async (t) => {
  if (!has(t, 'chromium')) return;
  await publishAll(product, device, [{ t: Date.now(), m: { pm25: 222 } }]);
  const alert = await until('the alert is raised', async () =>
    (await product.all<AlertItem>('alerts')).find(({ subject, rule }) => subject === device.producer && rule === 'heavy'),
  );
  const password = await passwordOf('lin');
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await open(page, '/alerts');
  await signIn(page, 'lin', password);
  await byId(page, `ack-${alert.alert}`).first().click();
  await page.locator(`[data-testid="alert-${alert.alert}"][data-state="acknowledged"]`).first().waitFor({ timeout: WAIT_MS });
  const recorded = (await (await product.fetch(`/api/v1/alerts/${alert.alert}`)).json()) as AlertItem;
  assert.equal(recorded.state, 'acknowledged');
  assert.equal(recorded.acknowledgedBy, 'lin');
});

/** Of an operator. */
async function passwordOf(person: string): Promise<string> {
  const { stdout } = await airtight(['password', person, '--role', 'operator', '--data', product.dataDir, '--json']);
  return (JSON.parse(stdout) as { password: string }).password;
}

async function signIn(page: Page, person: string, password: string): Promise<void> {
  await byId(page, 'sign-in').click();
  await page.locator('dialog[open] input[name="name"]').fill(person);
  await page.locator('dialog[open] input[name="password"]').fill(password);
  await page.locator('dialog[open] button[type="submit"]').click();
  await byId(page, 'who').waitFor({ timeout: WAIT_MS });
}

test('suspect and failed values are marked and say why; an operator flags values on the page and withdraws it', async (t) => {
  if (!has(t, 'chromium')) return;
  const judged = await product.enrol('judged-1');
  const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  // A spike in the middle, later a value that cannot be; the newest one is good.
  const pm25 = (ago: number): number => (ago === 12 ? 420 : ago === 6 ? -5 : 40 + ((ago * 7) % 13));
  const readings = Array.from({ length: 20 }, (_, i) => ({ t: hour - (20 - i) * 3_600_000, m: { pm25: pm25(20 - i), pm10: 500 + i } }));
  await publishAll(product, judged, readings);
  await product.untilProjected();
  const password = await passwordOf('zhao');
  for (const [locale, spike, negative] of [
    ['zh-CN', /突变.*远离前后两个值/s, /负值/],
    ['en-US', /spike.*far from the values before and after/s, /below zero/],
  ] as const) {
    const browser = await openBrowser(t, product.httpUrl, locale);
    const page = await browser.newPage();
    await open(page, '/stations/judged-1?range=24h');
    await page.locator('[data-testid="worst-shown"][data-flag="4"]').waitFor({ timeout: WAIT_MS });
    assert.equal(await byId(page, 'worst-latest').getAttribute('data-flag'), '1');
    for (const key of ['key-suspect', 'key-failed']) await byId(page, key).waitFor({ timeout: WAIT_MS });
    const chart = byId(page, 'chart-pm25').locator('[role="img"]');
    await chart.focus();
    for (let back = 0; back < 5; back++) await page.keyboard.press('ArrowLeft');
    const note = page.locator('[data-testid="quality-note"][data-ready="true"]').first();
    await note.waitFor({ timeout: WAIT_MS });
    assert.match((await note.textContent()) ?? '', negative);
    for (let back = 0; back < 6; back++) await page.keyboard.press('ArrowLeft');
    await page.locator('[data-testid="quality-note"][data-ready="true"]').filter({ hasText: spike }).first().waitFor({ timeout: WAIT_MS });
    assert.deepEqual(await seriousViolations(page), []);
    await byId(page, 'good-only').click();
    await byId(page, 'key-failed').waitFor({ state: 'detached', timeout: WAIT_MS });
    assert.equal(await byId(page, 'key-suspect').count(), 0);
    await byId(page, 'good-only').click();
    await byId(page, 'key-failed').waitFor({ timeout: WAIT_MS });

    await signIn(page, 'zhao', password);
    await byId(page, 'place-flag').click();
    await page.locator('dialog[open] input[name="flag"][value="1"]').check();
    await page.locator('dialog[open] textarea[name="reason"]').fill(`fireworks ${locale}`);
    assert.deepEqual(await seriousViolations(page), []);
    await page.locator('dialog[open] button[type="submit"]').click();
    const [placed] = (await until('it is on record', async () => {
      const flags = await product.all<FlagItem>('observations/flags', { producer: 'judged-1' });
      return flags[0]?.reason === `fireworks ${locale}` ? flags : undefined;
    })) as [FlagItem];
    assert.deepEqual([placed.by, placed.flag, placed.observedProperty], ['zhao', 1, 'pm25']);
    await byId(page, `flag-${placed.id}`).waitFor({ timeout: WAIT_MS });
    await byId(page, 'key-failed').waitFor({ state: 'detached', timeout: WAIT_MS });
    await open(page, '/flags');
    await byId(page, `withdraw-${placed.id}`).click();
    await page.locator('dialog[open] textarea[name="reason"]').fill('the wrong hours');
    await page.locator('dialog[open] button[type="submit"]').click();
    await byId(page, 'flag-withdrawn').first().waitFor({ timeout: WAIT_MS });
    assert.deepEqual(await seriousViolations(page), []);
    // Before somebody signs in the server refuses, and the console says so.
    assert.deepEqual([...browser.foreignRequests, ...browser.errors.filter((text) => !text.includes('401'))], []);
  }
});

test('/verify: an intact bundle passes every step; with a changed digit the page names the step', async (t) => {
  if (!has(t, 'chromium')) return;
  await product.untilAnchored();
  const [latest] = await product.all<LatestItem>('latest', { producer: device.producer });
  assert.ok(latest);
  const bundle = await until('the record is anchored', async () => (await product.fetch(`/api/v1/records/${latest.record}/proof`)).text());
  const files = { intact: join(folder, 'intact.airtight-proof.json'), changed: join(folder, 'changed.airtight-proof.json') };
  writeFileSync(files.intact, bundle);
  writeFileSync(files.changed, changeRecordDigit(bundle));
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await open(page, '/verify');
  const outcome = async (file: string) => {
    await page.locator('input[type="file"]').setInputFiles(file);
    const steps: { [step: string]: string | null } = {};
    for (const step of ['record', 'batch', 'ledger', 'checkpoint']) {
      await byId(page, `step-${step}`).first().waitFor({ timeout: WAIT_MS });
      steps[step] = await byId(page, `step-${step}`).first().getAttribute('data-ok');
    }
    return steps;
  };
  assert.deepEqual(await outcome(files.intact), { record: 'true', batch: 'true', ledger: 'true', checkpoint: 'true' });
  await page.reload();
  await page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: WAIT_MS });
  assert.deepEqual(await outcome(files.changed), { record: 'true', batch: 'false', ledger: 'true', checkpoint: 'true' });
  assert.deepEqual(browser.foreignRequests, []);
});

test('when the server dies the page says so within 5 s, and no value looks live; when it is back the page catches up', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await open(page, '/');
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: WAIT_MS });
  const fridges = await browser.newPage();
  await open(fridges, '/coldchain');
  const shownFrom = performance.now();
  await product.halt();
  const stoppedAt = performance.now();
  await page
    .locator('[data-testid="connection"]:is([data-state="reconnecting"],[data-state="disconnected"])')
    .waitFor({ timeout: WAIT_MS });
  const shownAfterMs = performance.now() - stoppedAt;
  assert.ok(shownAfterMs < LOST_SHOWN_MS, `shown ${shownAfterMs} ms after the stop, which took ${stoppedAt - shownFrom} ms`);
  await page.locator('[data-testid="connection"][data-state="disconnected"]').waitFor({ timeout: WAIT_MS });
  assert.match((await byId(page, 'connection').textContent()) ?? '', /断开/);
  assert.equal(await page.locator('html').getAttribute('data-current'), 'false');
  await fridges.locator('html[data-current="false"]').waitFor({ state: 'attached', timeout: WAIT_MS });
  for (const without of [page, fridges]) assert.deepEqual(await seriousViolations(without), [], 'readable through an outage');
  await product.start(['--simulate']);
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 });
});
