/** Evidence for someone who trusts nobody: one file, opened from disk without network, that says of every number whether it holds. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, openBrowser } from './harness/browser.ts';
import { changeSetRecordDigit } from './harness/bundle.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

/** A day of readings, one a minute. */
const READINGS = 1440;
const FROM = Date.UTC(2026, 3, 1);
const WAIT_MS = 90_000;
const folder = mkdtempSync(join(tmpdir(), 'airtight-evidence-'));
const file = join(folder, 'evidence.html');
let product: Product;
let device: Device;

before(async () => {
  await buildDashboard();
  product = await startProduct({ environment: { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' } });
  device = await product.enrol('proved-1');
  const readings = Array.from({ length: READINGS }, (_, i) => ({ t: FROM + i * 60_000, m: { pm25: 20 + (i % 50) / 10 } }));
  await publishAll(product, device, readings);
  await until('all of it is in the ledger and in the store', async () => {
    const { head, anchoredThrough } = await product.status();
    const last = { producer: device.producer, from: new Date(FROM + (READINGS - 1) * 60_000).toISOString() };
    return anchoredThrough === head && (await product.all('observations', last)).length === 1;
  });
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('airtight export evidence writes the file, and says what is asked of it', async () => {
  const series = ['--producer', device.producer, '--dataset', 'air', '--property', 'pm25', '--data', product.dataDir, '--lang', 'en'];
  const range = ['--from', '2026-04-01T08:00:00+08:00', '--to', '2026-04-02T08:00:00+08:00'];
  const { code, stdout, stderr } = await airtight(['export', 'evidence', ...series, ...range, '--out', file, '--json']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { file, values: READINGS, pending: 0 });
  const local = await airtight(['export', 'evidence', ...series, '--from', '2026-04-01T08:00', '--to', range[3] as string, '--out', file]);
  assert.deepEqual([local.code, /--from takes a time such as/.test(local.stderr)], [2, true]);
  const empty = await airtight([
    'export',
    'evidence',
    ...series,
    '--from',
    range[3] as string,
    '--to',
    '2026-04-03T00:00:00Z',
    '--out',
    file,
  ]);
  assert.deepEqual([empty.code, /NOT_FOUND/.test(empty.stderr)], [1, true]);
});

test('airtight verify takes the file, and names the record that was changed', async () => {
  const verify = (path: string, ...args: string[]) => airtight(['verify', path, '--data', product.dataDir, '--lang', 'en', ...args]);
  const intact = await verify(file);
  assert.equal(intact.code, 0, intact.stdout + intact.stderr);
  // The definition that the values are read by is a record too.
  assert.match(intact.stdout, /1,441 of 1,441 records are proven/);
  assert.match(intact.stdout, /What this does not prove:/);
  const { html, position } = changeSetRecordDigit(readFileSync(file, 'utf8'), 700);
  const changed = join(folder, 'changed.html');
  writeFileSync(changed, html);
  const found = await verify(changed);
  assert.equal(found.code, 1);
  assert.match(found.stdout, new RegExp(`✗ #${position} {2}The record stands in its batch\\n {4}PROOF_MISMATCH`));
  assert.match(found.stdout, /Only 1,440 of 1,441 records are proven/);
  const { failed } = JSON.parse((await verify(changed, '--json')).stdout);
  assert.deepEqual(
    failed.map((one: { position: number; faults: { step: string }[] }) => [one.position, one.faults.map(({ step }) => step)]),
    [[position, ['batch']]],
  );
});

const verdictOf = (browser: Browser, path: string) =>
  openFile(browser, path).then((page) => page.locator('[data-testid="verdict"][data-ok]'));

async function openFile(browser: Browser, path: string) {
  await browser.context.setOffline(true);
  const page = await browser.newPage();
  await page.goto(pathToFileURL(path).href);
  await page.locator('[data-testid="verdict"][data-ok]').waitFor({ timeout: WAIT_MS });
  return page;
}

for (const [locale, said, other] of [
  ['zh-CN', '1440 个数值中 1440 个已核验，全部成立', '1440 of 1440 values verified'],
  ['en-US', '1440 of 1440 values verified', '1440 个数值中 1440 个已核验，全部成立'],
] as const) {
  test(`opened from disk without network, ${locale}: every value verified, in both languages, within a second`, async (t) => {
    if (!has(t, 'chromium')) return;
    const browser = await openBrowser(t, product.httpUrl, locale);
    const page = await openFile(browser, file);
    const verdict = page.locator('[data-testid="verdict"]');
    assert.equal(await verdict.getAttribute('data-ok'), 'true', (await verdict.textContent()) ?? '');
    assert.match((await verdict.textContent()) ?? '', new RegExp(said));
    t.diagnostic(`${READINGS} values verified in ${await verdict.getAttribute('data-took-ms')} ms`);
    assert.equal(await page.locator('tr[data-ok="true"]').count(), READINGS);
    assert.equal(await page.locator('svg polyline').count(), 1);
    await page.locator('[data-testid="lang"]').click();
    assert.match((await verdict.textContent()) ?? '', new RegExp(other));
    assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
  });
}

test('one changed digit in one record: that value is marked, with its step; the others hold', async (t) => {
  if (!has(t, 'chromium')) return;
  const { html, position } = changeSetRecordDigit(readFileSync(file, 'utf8'), 99);
  const changed = join(folder, 'one-digit.html');
  writeFileSync(changed, html);
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await openFile(browser, changed);
  const verdict = page.locator('[data-testid="verdict"]');
  assert.deepEqual(
    [await verdict.getAttribute('data-ok'), await verdict.getAttribute('data-proven'), await verdict.getAttribute('data-total')],
    ['false', '1439', '1440'],
  );
  const marked = page.locator('tr[data-step]');
  assert.equal(await marked.count(), 1);
  assert.deepEqual([await marked.getAttribute('data-record'), await marked.getAttribute('data-step')], [String(position), 'batch']);
  assert.equal(await page.locator('svg .fault').count(), 1);
  assert.deepEqual(browser.errors, []);
});

test('a number that is changed in the table, or left out of it, is found as well; so is another key', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const html = readFileSync(file, 'utf8');
  const first = /\{"record":\d+,"phenomenonTime":\d+,"result":20,"flags":\[[^\]]*\]\},/.exec(html)?.[0] ?? '';
  const key = /log (\S+)\\n/.exec(html)?.[1] ?? '';
  const cases = [
    [html.replace(first, first.replace('"result":20', '"result":19')), { 'data-proven': '1439', 'data-total': '1440' }],
    [html.replace(first, ''), { 'data-proven': '1439', 'data-total': '1439' }],
    [html.replace(`log ${key}`, 'log other.example+5f65a04d+AdeiLuUrVWtHWmhWjmNd1a9YNMWKrMYRhdFPqTIkATHu'), {}],
  ] as const;
  for (const [at, [text, expected]] of cases.entries()) {
    assert.notEqual(text, html);
    const changed = join(folder, `table-${at}.html`);
    writeFileSync(changed, text);
    const verdict = await verdictOf(browser, changed);
    assert.equal(await verdict.getAttribute('data-ok'), 'false', `case ${at}`);
    for (const [name, value] of Object.entries(expected)) assert.equal(await verdict.getAttribute(name), value, `case ${at}`);
  }
});

const CHART = '/stations/proved-1?from=2026-04-01T08:00&to=2026-04-02T08:00&bucket=1m';

/** Presses the button over the charts and waits for what it says. */
async function verifyWhatIsSeen(browser: Browser) {
  const page = await browser.newPage();
  return {
    page,
    press: async () => {
      await page.goto(`${product.httpUrl}${CHART}`);
      await page.locator('[data-testid="chart-verification"] [data-testid="verify-shown"]:enabled').click({ timeout: WAIT_MS });
      const verdict = page.locator('[data-testid="chart-verification"] [data-testid="shown-verdict"]');
      await verdict.waitFor({ timeout: WAIT_MS });
      return verdict;
    },
  };
}

test('"Verify what I see" over plain http: every point of a day, within a second', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const { page, press } = await verifyWhatIsSeen(browser);
  const verdict = await press();
  assert.deepEqual(
    [await verdict.getAttribute('data-ok'), await verdict.getAttribute('data-proven'), await verdict.getAttribute('data-points')],
    ['true', String(READINGS), String(READINGS)],
  );
  t.diagnostic(`${READINGS} points verified in ${await verdict.getAttribute('data-took-ms')} ms`);
  assert.equal(await page.locator('[data-testid="failing"]').count(), 0);
  // The page's clock goes on in steps of 5 s: the verdict must outlast them.
  await page.waitForTimeout(6_000);
  assert.equal(await verdict.isVisible(), true, 'the verdict stays on the screen');
  assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
});

test('"Verify what I see": a server that shows another value, or another record, is found out at that point', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const { page, press } = await verifyWhatIsSeen(browser);
  await page.route('**/api/v1/series?*', async (route) => {
    const response = await route.fetch();
    const series = await response.json();
    // The value that the server shows for the 11th minute.
    for (const column of [1, 2, 3]) if (series.points[10] !== undefined) series.points[10][column] += 1;
    await route.fulfill({ response, json: series });
  });
  await page.route('**/api/v1/proofs?*', async (route) => {
    const response = await route.fetch();
    const set = await response.json();
    for (const one of set.batches.flatMap((batch: { records: { record: string }[] }) => batch.records)) {
      const record = Buffer.from(one.record, 'base64').toString('latin1');
      one.record = Buffer.from(record.replace(`"t":${FROM + 20 * 60_000},"m":{"pm25":22`, '$&7'), 'latin1').toString('base64');
    }
    await route.fulfill({ response, json: set });
  });
  const verdict = await press();
  assert.equal(await verdict.getAttribute('data-ok'), 'false');
  const failing = page.locator('[data-testid="failing"]');
  const found = await failing.evaluateAll((items) =>
    items.map((item) => [item.getAttribute('data-start'), item.getAttribute('data-step')]),
  );
  assert.deepEqual(found, [
    [String(FROM + 10 * 60_000), 'value'],
    [String(FROM + 20 * 60_000), 'batch'],
  ]);
  assert.deepEqual(browser.errors, []);
});

test('/verify takes a proof set: n of n records, and the one that was changed with its step', async (t) => {
  if (!has(t, 'chromium')) return;
  const query = `producer=${device.producer}&dataset=air&from=2026-04-01T00:00:00Z&to=2026-04-01T01:00:00Z`;
  const text = await (await product.fetch(`/api/v1/proofs?${query}`)).text();
  const { html: changed, position } = changeSetRecordDigit(text, 30);
  const files = { intact: join(folder, 'hour.airtight-proofs.json'), changed: join(folder, 'changed.airtight-proofs.json') };
  writeFileSync(files.intact, text);
  writeFileSync(files.changed, changed);
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await page.goto(`${product.httpUrl}/verify`);
  const verdict = page.locator('[data-testid="verdict"]');
  await page.locator('input[type="file"]').setInputFiles(files.intact);
  await page.locator('[data-testid="verdict"][data-ok="true"]').waitFor({ timeout: WAIT_MS });
  assert.deepEqual([await verdict.getAttribute('data-proven'), await verdict.getAttribute('data-records')], ['61', '61']);
  await page.locator('input[type="file"]').setInputFiles(files.changed);
  await page.locator('[data-testid="verdict"][data-ok="false"]').waitFor({ timeout: WAIT_MS });
  const failing = page.locator('[data-testid="failing"]');
  assert.deepEqual([await failing.count(), await failing.getAttribute('data-step')], [1, 'batch']);
  assert.match((await failing.textContent()) ?? '', new RegExp(`#${position}:`));
  assert.deepEqual(browser.errors, []);
});
