/** "Verify what I see": tables, indices and alerts prove themselves in a real Chromium over plain http, and a server that lies is caught. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AlertItem, LatestItem, LedgerStatus } from '@airtight/protocol';
import { judgeFork, parseVkey } from '@airtight/tlog';
import type { Page } from 'playwright-core';
import { type Browser, openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { longProof } from './harness/long-proof.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { type SecondLog, secondLog } from './harness/second-log.ts';
import { until } from './harness/waiting.ts';

const WAIT_MS = 90_000;
const STATIONS = 12;
const PROPERTIES = ['pm25', 'pm10', 'o3', 'no2', 'so2', 'co'];
/** Shown to be done: the hour's index. Heavy PM2.5 of the same station is suppressed by it. */
const ALERTS = 1;
let product: Product;
let devices: Device[];
let alert: AlertItem;

before(async () => {
  await buildDashboard();
  product = await startProduct({ environment: { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' } });
  devices = [];
  for (let i = 0; i < STATIONS; i++) devices.push(await product.enrol(`seen-${i}`));
  const fridge = await product.enrol('seen-fridge', 'coldchain', 'fridge');
  const now = Date.now();
  for (const [i, device] of devices.entries()) {
    // The first is above the limits of the shipped contracts heavy-pm25 and hourly-aqi: each raises an alert, the first suppressed by the other.
    const m = { pm25: i === 0 ? 180.5 : 20 + i, pm10: 60 + i, o3: 80 + i, no2: 30, so2: 8, co: { v: 0.7, u: 'mg/m3' } };
    await publishAll(product, device, [{ t: now - 1000, m }]);
  }
  await publishAll(product, fridge, [{ t: now - 1000, m: { tvc: 4.2, tamb: 21.5 } }]);
  alert = await until('the alerts are raised', async () => {
    const raised = (await product.all<AlertItem>('alerts')).filter(({ subject }) => subject === 'seen-0');
    const shown = raised.filter(({ state }) => state !== 'suppressed');
    return raised.length === ALERTS + 1 && shown.length === ALERTS && shown[0];
  });
  await until('all is in the ledger', async () => {
    const latest = await product.all<LatestItem>('latest');
    const newest = Math.max(...latest.map(({ record }) => Number(record)), ...alert.timeline.map(({ record }) => Number(record)));
    return latest.length === STATIONS + 1 && (await product.status()).anchoredThrough > newest;
  });
});
after(() => product?.stop());

const verdictIn = (page: Page) => page.locator('[data-testid="shown-verdict"]').first();

/** Opens a screen, presses its first "verify what I see" and waits for what it says. */
async function press(page: Page, path: string) {
  await page.goto(`${product.httpUrl}${path}`);
  await page.locator('[data-testid="verify-shown"]:enabled').first().click({ timeout: WAIT_MS });
  await verdictIn(page).waitFor({ timeout: WAIT_MS });
  const data = (name: string) => verdictIn(page).getAttribute(`data-${name}`);
  return {
    ok: await data('ok'),
    proven: Number(await data('proven')),
    total: Number(await data('total')),
    computed: Number(await data('computed')),
    ms: await data('took-ms'),
  };
}

/** How far what was drawn moved while the page was open, as the browser itself measures it. */
async function watchShift(page: Page): Promise<void> {
  await page.addInitScript(`globalThis.moved = []; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.moved.push(entry.startTime);
  }).observe({ type: 'layout-shift', buffered: true });`);
}

const marks = (page: Page) =>
  page
    .locator('[data-testid="fault-mark"]')
    .evaluateAll((found) =>
      found.map((mark) => [mark.getAttribute('data-claim')?.split(' ').slice(0, 2).join(' '), mark.getAttribute('data-step')]),
    );

for (const [locale, words] of [
  ['zh-CN', /个数值经本浏览器核验成立|个经本浏览器核验成立/],
  ['en-US', /checked in this browser hold/],
] as const) {
  test(`every screen verifies what it shows, ${locale}, over plain http`, async (t) => {
    if (!has(t, 'chromium')) return;
    const browser = await openBrowser(t, product.httpUrl, locale);
    const page = await browser.newPage();
    await watchShift(page);
    const screens = [
      ['/', STATIONS + 1 + ALERTS, STATIONS + ALERTS],
      ['/stations', STATIONS * (PROPERTIES.length + 1), STATIONS],
      ['/stations/seen-1', PROPERTIES.length + 1, 1],
      ['/coldchain', 2, 0],
      ['/coldchain/seen-fridge', 2, 0],
      ['/alerts', ALERTS, ALERTS],
      [`/records/${alert.evidence[0]}`, PROPERTIES.length, 0],
    ] as const;
    for (const [path, total, computed] of locale === 'en-US' ? screens : screens.slice(0, 3)) {
      const { ms, ...seen } = await press(page, path);
      assert.deepEqual(seen, { ok: 'true', proven: total, total, computed }, path);
      assert.match((await verdictIn(page).textContent()) ?? '', words, path);
      t.diagnostic(`${path}: ${total} claims checked in ${ms} ms`);
    }
    assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
  });
}

test('the verdict moves nothing, says what is not checked, and is read by keyboard', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await watchShift(page);
  await page.goto(`${product.httpUrl}/stations`);
  const button = page.locator('[data-testid="verify-shown"]:enabled');
  await button.waitFor({ timeout: WAIT_MS });
  const before = await button.boundingBox();
  await button.focus();
  const pressedAt = (await page.evaluate('performance.now()')) as number;
  await page.keyboard.press('Enter');
  await verdictIn(page).waitFor({ timeout: WAIT_MS });
  assert.deepEqual(await button.boundingBox(), before);
  assert.deepEqual(await page.evaluate(`globalThis.moved.filter((at) => at >= ${pressedAt})`), []);
  await page.locator('[data-testid="verdict-details"]').focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="not-checked"]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('[data-testid="not-checked"]').waitFor({ state: 'hidden' });
  assert.deepEqual(browser.errors, []);
});

/** Answers a list of the API with other content than the server's. */
async function lie<T>(page: Page, resource: string, change: (items: T[]) => void): Promise<void> {
  await page.route(`**/api/v1/${resource}*`, async (route) => {
    const response = await route.fetch();
    const list = (await response.json()) as { items: T[] };
    change(list.items);
    await route.fulfill({ response, json: list });
  });
}

async function liar(t: Parameters<typeof openBrowser>[0]): Promise<{ browser: Browser; page: Page }> {
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  return { browser, page: await browser.newPage() };
}

test('a server that lies in one cell is caught in that cell; an index it made up, at the computing', async (t) => {
  if (!has(t, 'chromium')) return;
  const { browser, page } = await liar(t);
  await lie<LatestItem>(page, 'latest', (items) => {
    for (const item of items) {
      const { no2 } = item.values;
      if (item.producer === 'seen-3' && no2 !== undefined) no2.result = 29;
      if (item.producer === 'seen-5' && item.index !== undefined) item.index.aqi = 12;
    }
  });
  const { ok, proven, total } = await press(page, '/stations');
  assert.deepEqual([ok, proven], ['false', total - 2]);
  assert.deepEqual((await marks(page)).sort(), [
    ['seen-3 no2', 'value'],
    ['seen-5 aqi', 'computed'],
  ]);
  await page.locator('[data-testid="verdict-details"]').click();
  const lines = await page.locator('[data-testid="failing"]').allTextContents();
  assert.equal(lines.length, 2);
  assert.deepEqual(browser.errors, []);
});

test('a server that gives another record with its proof, or none, is caught at that step', async (t) => {
  if (!has(t, 'chromium')) return;
  const { browser, page } = await liar(t);
  const [first] = (await product.all<LatestItem>('latest', { producer: 'seen-4' })) as [LatestItem];
  await page.route('**/api/v1/proofs', async (route) => {
    const asked = route.request().postDataJSON() as { records: string[] };
    const without = { ...asked, records: asked.records.filter((record) => record !== first.record) };
    const response = await route.fetch({ postData: JSON.stringify(without) });
    const text = (await response.text()).replace(/"record": ?"([^"]+)"/g, (whole, base64: string) => {
      const bytes = Buffer.from(base64, 'base64').toString('latin1');
      if (!bytes.includes('"seen-6"') || !bytes.includes('"no2":30')) return whole;
      return `"record":"${Buffer.from(bytes.replace('"no2":30', '"no2":31'), 'latin1').toString('base64')}"`;
    });
    await route.fulfill({ response, body: text });
  });
  assert.equal((await press(page, '/stations')).ok, 'false');
  const found = await marks(page);
  assert.deepEqual([...new Set(found.filter(([cell]) => cell?.startsWith('seen-4 ')).map(([, step]) => step))], ['missing']);
  assert.deepEqual([...new Set(found.filter(([cell]) => cell?.startsWith('seen-6 ')).map(([, step]) => step))], ['batch']);
  assert.equal(found.length, 2 * (PROPERTIES.length + 1));
  assert.deepEqual(browser.errors, []);
});

test('an alert with another value, another severity or another rule than is on record fails', async (t) => {
  if (!has(t, 'chromium')) return;
  const changes: ((item: AlertItem) => void)[] = [
    (item) => Object.assign(item.values, { pm25: 99 }),
    (item) => Object.assign(item, { severity: 'minor' }),
    (item) => Object.assign(item, { acknowledgedBy: 'somebody', state: 'acknowledged' }),
    (item) => Object.assign(item, { version: '0'.repeat(64) }),
    (item) => Object.assign(item, { subject: 'seen-1' }),
  ];
  const { browser, page } = await liar(t);
  for (const change of changes) {
    await page.unrouteAll();
    await lie<AlertItem>(page, 'alerts', (items) => items.filter((item) => item.alert === alert.alert).forEach(change));
    const { ok, proven } = await press(page, '/alerts');
    assert.deepEqual([ok, proven], ['false', 0], change.toString());
    const steps = (await marks(page)).map(([, step]) => step);
    assert.deepEqual(steps, new Array(ALERTS).fill('value'));
  }
  assert.deepEqual(browser.errors, []);
});

const panel = (page: Page) => page.locator('[data-testid="checkpoint-panel"]');

/** Opens the ledger's page and waits until this browser has compared. */
async function visit(page: Page) {
  await page.goto(`${product.httpUrl}/ledger`);
  await page.locator('[data-testid="checkpoint-panel"]:not([data-kind="pending"])').waitFor({ timeout: WAIT_MS });
  return { kind: await panel(page).getAttribute('data-kind'), text: (await panel(page).textContent()) ?? '' };
}

const ledgerSize = async () => ((await (await product.fetch('/api/v1/ledger')).json()) as LedgerStatus).size;

async function growLedger(): Promise<void> {
  const before = await ledgerSize();
  await publishAll(product, devices[1] as Device, [{ t: Date.now(), m: { pm25: 21 } }]);
  await until('the ledger grows', async () => (await ledgerSize()) > before);
}

/** The server shows another history that it signed with its own key: checkpoint and tiles. */
async function showOther(page: Page, other: SecondLog): Promise<void> {
  await page.routeWebSocket(/\/api\/v1\/stream/, () => undefined);
  await page.route('**/api/v1/status', async (route) => {
    const response = await route.fetch();
    const status = await response.json();
    Object.assign(status.ledger, { size: other.size, root: other.root, checkpoint: other.checkpoint });
    await route.fulfill({ response, json: status });
  });
  await page.route('**/ledger/tile/**', async (route) => {
    const tile = other.tiles.get(new URL(route.request().url()).pathname.replace('/ledger/', ''));
    await route.fulfill(tile === undefined ? { status: 404, json: { code: 'NOT_FOUND' } } : { body: Buffer.from(tile) });
  });
}

test('a ledger that was rewritten between two visits is caught, and both checkpoints are kept', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const honest = await browser.newPage();
  assert.equal((await visit(honest)).kind, 'first');
  await growLedger();
  const second = await visit(honest);
  assert.equal(second.kind, 'grown');
  assert.match(second.text, /账本由 [\d,]+ 个条目增至 [\d,]+ 个，此前内容未有更改/);
  await honest.locator('[data-testid="lang"]').click();
  assert.match((await panel(honest).textContent()) ?? '', /has grown from [\d,]+ to [\d,]+ entries .* nothing before was changed/);
  const stored = () => honest.evaluate(`JSON.stringify(JSON.parse(localStorage.getItem('airtight.checkpoints')).checkpoints)`);
  const held = await stored();
  const deceived = await browser.newPage();
  const keyLine = readFileSync(join(product.dataDir, 'keys/ledger.key'), 'utf8').trimEnd();
  const other = secondLog(keyLine, (await ledgerSize()) + 300);
  await showOther(deceived, other);
  assert.equal((await visit(deceived)).kind, 'conflict');
  const warning = deceived.locator('[data-testid="checkpoint-warning"]');
  assert.equal(await warning.isVisible(), true, 'nobody reads on without having seen it');
  const conflict = warning.locator('[data-testid="conflict"]');
  assert.equal(await conflict.getAttribute('data-proven'), 'other-history');
  const [file] = await Promise.all([deceived.waitForEvent('download'), warning.locator('[data-testid="save-conflict"]').click()]);
  const evidence = JSON.parse(readFileSync(await file.path(), 'utf8'));
  const bytes = (text: string) => Buffer.from(text);
  const hashes = (texts: readonly string[]) => texts.map((text) => Buffer.from(text, 'base64'));
  const [otherRoot] = hashes([evidence.otherRoot]);
  const vkey = parseVkey(other.vkey);
  const judged = judgeFork(
    { held: bytes(evidence.held), offered: bytes(evidence.offered), path: hashes(evidence.path), ...(otherRoot && { otherRoot }) },
    vkey.ok ? [vkey.value] : [],
  );
  assert.deepEqual(judged, { ok: true, value: 'other-history' });
  assert.equal(await stored(), held, 'what was verified before is not overwritten');
  await deceived.close();
  await growLedger();
  assert.equal((await visit(honest)).kind, 'grown');
  assert.equal(await honest.locator('[data-testid="checkpoint-banner"]').isVisible(), true, 'the evidence is not forgotten');
  honest.once('dialog', (dialog) => void dialog.dismiss());
  await honest.locator('[data-testid="start-anew"]').click();
  assert.equal(await honest.locator('[data-testid="checkpoint-banner"]').isVisible(), true, 'not without being sure');
  honest.once('dialog', (dialog) => void dialog.accept());
  await honest.locator('[data-testid="start-anew"]').click();
  await honest.locator('[data-testid="checkpoint-banner"]').waitFor({ state: 'hidden' });
  assert.equal((await visit(honest)).kind, 'first');
  assert.equal(await honest.locator('[data-testid="conflict"]').count(), 1, 'the evidence stays');
  assert.deepEqual([...browser.foreignRequests, ...browser.errors.filter((text) => !text.includes('404'))], []);
});

test('the completeness line proves that no reading was left out, and names what a server leaves out', async (t) => {
  if (!has(t, 'chromium')) return;
  const { browser, page } = await liar(t);
  await page.goto(`${product.httpUrl}/stations/seen-2`);
  const line = page.locator('[data-testid="completeness"]');
  const check = async () => {
    await page.locator('[data-testid="check-completeness"]:enabled').click({ timeout: WAIT_MS });
    await line.locator('.badge').waitFor({ timeout: WAIT_MS });
    return (await line.textContent()) ?? '';
  };
  assert.match(await check(), /batches/);
  assert.equal(await line.locator('.bad').count(), 0);
  // In parts of two batches: it is joined in the browser to the same statement.
  let parts = 0;
  await page.route('**/api/v1/completeness*', async (route) => {
    parts++;
    await route.continue({ url: route.request().url().replace('batches=1000', 'batches=2') });
  });
  await page.reload();
  assert.match(await check(), /batches/);
  assert.equal(await line.locator('.bad').count(), 0);
  assert.ok(parts > 1, `${parts} parts`);
  await page.route('**/api/v1/completeness*', async (route) => {
    const response = await route.fetch();
    const proof = (await response.json()) as { batches: unknown[] };
    proof.batches.splice(-2, 1);
    await route.fulfill({ response, json: proof });
  });
  await page.reload();
  await check();
  assert.equal(await line.locator('.bad').count(), 1, 'a batch is missing from the chain');
  assert.deepEqual(browser.errors, []);
});

test('where the browser forbids storage, the page says so and works', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await page.addInitScript(
    `Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });`,
  );
  assert.equal((await visit(page)).kind, 'first');
  assert.equal(await page.locator('[data-testid="not-kept"]').isVisible(), true);
  assert.equal((await press(page, '/stations/seen-2')).ok, 'true');
  assert.deepEqual(browser.errors, []);
});

test('a proof of 30 hashes with three cosignatures is verified in a browser that has just begun', async (t) => {
  if (!has(t, 'chromium')) return;
  const { bundle, policy } = longProof();
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await page.goto(`${product.httpUrl}/verify`);
  await page.locator('details:has([data-testid="policy-text"])').evaluate((details) => details.setAttribute('open', ''));
  await page.locator('[data-testid="policy-text"]').fill(policy);
  await page
    .locator('[data-testid="bundle-file"]')
    .setInputFiles({ name: 'long.airtight-proof.json', mimeType: 'application/json', buffer: Buffer.from(bundle) });
  const verdict = page.locator('[data-testid="verdict"]');
  await verdict.waitFor({ timeout: WAIT_MS });
  assert.equal(await verdict.getAttribute('data-ok'), 'true', (await verdict.textContent()) ?? '');
  t.diagnostic(`30 hashes, three cosignatures, cold: ${await verdict.getAttribute('data-took-ms')} ms`);
  assert.deepEqual(browser.errors, []);
});
