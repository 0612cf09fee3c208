/** The whole life of alerts: raised by a contract, acted on by people on the screen, ended by time and by hand, the same after a rebuild. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import { ALERTS_DATASET, type AlertItem, CONTRACTS_DATASET, CSRF_HEADER, type OutOfServiceItem, type Session } from '@airtight/protocol';
import type { Page } from 'playwright-core';
import { openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const WAIT_MS = 90_000;
const CONTRACT = `
contract: lifecycle
title: { zh: 处置, en: Lifecycle }
agency: ${AGENCY}
source: made up for this test
inputs:
  air: { dataset: air, accept: { flags: [late] } }
rules:
  - id: sulphur
    severity: moderate
    raise: { when: so2 > 500.0 }
    clear: { when: so2 <= 400.0 }
    escalate: [{ after: PT30M, notify: [chief] }]
    message: { zh: "{subject}：SO2 为 {so2}", en: "{subject}: SO2 is {so2}" }
  - id: dust
    severity: severe
    raise: { when: pm10 > 900.0 }
    clear: { when: pm10 <= 400.0 }
    require: two-person
    message: { zh: "{subject}：PM10 为 {pm10}", en: "{subject}: PM10 is {pm10}" }
  - id: ozone
    severity: minor
    raise: { when: o3 > 700.0 }
    clear: { when: o3 <= 400.0 }
    group: { by: all }
    escalate: [{ after: PT30M, notify: [chief] }]
    message: { zh: "{subject}：臭氧为 {o3}", en: "{subject}: ozone is {o3}" }
`;
/** As many as a bad night brings. */
const FLOOD = 1000;
const folder = mkdtempSync(join(tmpdir(), 'airtight-lifecycle-test-'));
const passwords: { [name: string]: string } = {};
let product: Product;
let devices: Device[];

before(async () => {
  await buildDashboard();
  product = await startProduct({ environment: { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' } });
  devices = await Promise.all(['life-1', 'life-2', 'life-3'].map((name) => product.enrol(name)));
  const payload = {
    type: 'contract',
    contract: 'lifecycle',
    version: contractVersion(CONTRACT),
    text: CONTRACT,
    author: 'a',
    approver: 'b',
  };
  await product.ingest('/records', { records: [{ agency: AGENCY, dataset: CONTRACTS_DATASET, producer: 'lifecycle', payload }] });
  for (const [name, role] of [
    ['li', 'operator'],
    ['wang', 'operator'],
    ['chief', 'administrator'],
  ] as const) {
    const headers = { authorization: `Bearer ${await product.apiToken()}`, 'content-type': 'application/json' };
    const answer = await fetch(`${product.httpUrl}/api/v1/users`, { method: 'POST', headers, body: JSON.stringify({ name, role }) });
    passwords[name] = ((await answer.json()) as { password: string }).password;
  }
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const byId = (page: Page, id: string) => page.locator(`[data-testid="${id}"]`);
const alertNow = async (alert: string) => (await (await product.fetch(`/api/v1/alerts/${alert}`)).json()) as AlertItem;

async function publish(device: Device, m: { readonly [property: string]: number }): Promise<void> {
  await publishAll(product, device, [{ t: Date.now(), m }]);
}

async function raised(device: Device, rule: string): Promise<AlertItem> {
  return until(`${rule} is raised`, async () =>
    (await product.all<AlertItem>('alerts')).find((item) => item.subject === device.producer && item.rule === rule),
  );
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${product.httpUrl}${path}`);
  await page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: WAIT_MS });
}

async function signIn(page: Page, name: string): Promise<void> {
  await byId(page, 'sign-in').click();
  await page.locator('dialog[open] input[name="name"]').fill(name);
  await page.locator('dialog[open] input[name="password"]').fill(passwords[name] as string);
  await page.locator('dialog[open] button[type="submit"]').click();
  await byId(page, 'who').waitFor({ timeout: WAIT_MS });
}

/** Opens the dialog of an act, says why, and sends it off by the keyboard. */
async function say(page: Page, act: string, text: string): Promise<void> {
  await byId(page, `act-${act}`).click();
  const dialog = byId(page, `dialog-${act}`);
  await dialog.locator('textarea').fill(text);
  await dialog.locator('textarea').press('Tab');
  await dialog.locator('button[type="submit"]').press('Enter');
  await dialog.waitFor({ state: 'detached', timeout: WAIT_MS });
}

/** A person at another screen. */
async function actOf(name: string): Promise<(alert: string, act: string, body?: object) => Promise<Response>> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ name, password: passwords[name] });
  const answer = await fetch(`${product.httpUrl}/api/v1/session`, { method: 'POST', headers, body });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] as string;
  const { csrf } = (await answer.json()) as Session;
  return (alert, act, body = {}) =>
    fetch(`${product.httpUrl}/api/v1/alerts/${alert}/${act}`, {
      method: 'POST',
      headers: { ...headers, cookie, [CSRF_HEADER]: csrf as string },
      body: JSON.stringify(body),
    });
}

test('on the screen an operator comments, shelves, assigns and closes; a second one is told; each act is on the timeline', async (t) => {
  if (!has(t, 'chromium')) return;
  await publish(devices[0] as Device, { so2: 600 });
  const { alert } = await raised(devices[0] as Device, 'sulphur');
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await open(page, `/alerts/${alert}`);
  await signIn(page, 'li');
  assert.match((await byId(page, 'escalates').textContent({ timeout: WAIT_MS })) ?? '', /Escalates in (2\d|30) min/);
  await say(page, 'comment', 'smoke from the east');
  await say(page, 'shelve', 'the analyser is being calibrated');
  await page.locator(`[data-testid="state"]`).getByText('Shelved').waitFor({ timeout: WAIT_MS });
  await byId(page, `alert-${alert}`).waitFor({ state: 'detached', timeout: WAIT_MS });
  await page.getByRole('button', { name: 'Shelved 1' }).click();
  await byId(page, `alert-${alert}`).waitFor({ timeout: WAIT_MS });
  await page.screenshot({ path: join(folder, 'shelved.png') });
  const wang = await actOf('wang');
  assert.equal((await wang(alert, 'unshelve')).status, 200);
  await page.locator(`[data-testid="state"]`).getByText('Unacknowledged').waitFor({ timeout: WAIT_MS });
  await byId(page, 'act-assign').click();
  await byId(page, 'dialog-assign').locator('select').selectOption('wang');
  await byId(page, 'dialog-assign').locator('button[type="submit"]').click();
  await byId(page, 'dialog-assign').waitFor({ state: 'detached', timeout: WAIT_MS });
  await say(page, 'close', 'the analyser was wrong');
  await page.locator('[data-testid="state"]').getByText('Closed').waitFor({ timeout: WAIT_MS });
  const second = await wang(alert, 'ack');
  const { code, detail } = (await second.json()) as { code: string; detail: string };
  assert.deepEqual([second.status, code, detail], [409, 'ALERT_NOT_OPEN', 'closed by li']);
  const { timeline } = await alertNow(alert);
  assert.deepEqual(
    timeline.map(({ type, by, comment }) => [type, by, comment]),
    [
      ['raise', undefined, undefined],
      ['comment', 'li', 'smoke from the east'],
      ['shelve', 'li', 'the analyser is being calibrated'],
      ['unshelve', 'wang', undefined],
      ['assign', 'li', 'wang'],
      ['close', 'li', 'the analyser was wrong'],
    ],
  );
  assert.equal(await byId(page, 'timeline').locator('li').count(), timeline.length);
  assert.deepEqual(browser.errors, []);
});

test('two people approve; a group stands for its members; a rule goes out of service and back', async (t) => {
  if (!has(t, 'chromium')) return;
  await publish(devices[0] as Device, { pm10: 950, o3: 800 });
  await publish(devices[1] as Device, { o3: 800, so2: 600 });
  const dust = await raised(devices[0] as Device, 'dust');
  const sulphur = await raised(devices[1] as Device, 'sulphur');
  const member = await raised(devices[1] as Device, 'ozone');
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await open(page, `/alerts/${dust.alert}`);
  await signIn(page, 'chief');
  await byId(page, 'act-approve').click();
  await byId(page, 'dialog-approve').locator('button[type="submit"]').click();
  await byId(page, 'dialog-approve').waitFor({ state: 'detached', timeout: WAIT_MS });
  assert.equal((await alertNow(dust.alert)).state, 'proposed');
  // Not a second time.
  await byId(page, 'act-approve').waitFor({ state: 'detached', timeout: WAIT_MS });
  assert.equal((await (await actOf('wang'))(dust.alert, 'approve')).status, 200);
  await page.locator('[data-testid="state"]').getByText('未确认').waitFor({ timeout: WAIT_MS });
  assert.equal(await byId(page, `alert-${member.alert}`).count(), 0, 'people are told of the group alone');
  await byId(page, `alert-${member.group}`).locator('a.message').click();
  await byId(page, 'members').locator(`[data-testid="alert-${member.alert}"]`).waitFor({ timeout: WAIT_MS });
  assert.match((await byId(page, 'escalates').textContent({ timeout: WAIT_MS })) ?? '', /(2\d|30) 分钟后升级/);
  await say(page, 'shelve', '仪器校准');
  await page.locator('[data-testid="state"]').getByText('已搁置').waitFor({ timeout: WAIT_MS });
  assert.equal((await alertNow(member.alert)).state, 'unacknowledged', 'the members keep their states');
  await say(page, 'close', '仪器校准期间误报');
  await until('the members are closed with the group', async () => (await alertNow(member.alert)).state === 'closed');
  await page.screenshot({ path: join(folder, 'group.png') });
  await open(page, `/alerts/${sulphur.alert}?show=out-of-service`);
  await say(page, 'out-of-service', '站点搬迁');
  await page.locator('[data-testid="state"]').getByText('已停用').waitFor({ timeout: WAIT_MS });
  const [out] = await product.all<OutOfServiceItem>('out-of-service');
  assert.deepEqual([out?.rule, out?.subject, out?.by, out?.reason], ['sulphur', 'life-2', 'chief', '站点搬迁']);
  await byId(page, `return-${out?.id}`).click();
  await page.screenshot({ path: join(folder, 'out-of-service.png') });
  await byId(page, `service-${out?.id}`).locator('input').fill('已搬完');
  await byId(page, `service-${out?.id}`).locator('input').press('Enter');
  await page.locator('[data-testid="state"]').getByText('未确认').waitFor({ timeout: WAIT_MS });
  assert.deepEqual(await product.all('out-of-service'), []);
  assert.deepEqual(browser.errors, []);
});

test('a shelf ends by itself, at a tick', async () => {
  await publish(devices[2] as Device, { so2: 600 });
  const { alert } = await raised(devices[2] as Device, 'sulphur');
  const li = await actOf('li');
  let status = 0;
  // A shelf that is over before the request arrives is refused.
  for (const forMs of [2000, 10_000, 30_000]) {
    if (status !== 200) status = (await li(alert, 'shelve', { until: new Date(Date.now() + forMs).toISOString(), reason: 'short' })).status;
  }
  assert.equal(status, 200);
  const ended = await until('the shelf ends', async () => {
    const item = await alertNow(alert);
    return item.timeline.at(-1)?.type === 'shelf-end' ? item : undefined;
  });
  assert.deepEqual([ended.state, ended.shelvedUntil], ['unacknowledged', null]);
});

test('a thousand open alerts: the page stays usable, and says that it is a flood', async (t) => {
  if (!has(t, 'chromium')) return;
  const now = Date.now();
  const records = Array.from({ length: FLOOD }, (_, i) => {
    const alert = i.toString(16).padStart(32, '0');
    const payload = {
      ...{ v: 1, type: 'raise', n: 0, alert, at: now - i, since: now - i, contract: 'sys.flood', version: 'test', rule: 'r' },
      ...{ severity: 'minor', agency: AGENCY, dataset: 'air', subject: `p-${i}`, values: { i }, evidence: [] },
      message: { zh: `第 ${i} 条`, en: `Number ${i}` },
    };
    return { agency: AGENCY, dataset: ALERTS_DATASET, producer: 'sys.flood', messageId: `id:${alert}.raise.0`, payload };
  });
  await product.ingest('/records', { records });
  await product.untilProjected();
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  await open(page, '/alerts');
  assert.match((await byId(page, 'flood').textContent({ timeout: WAIT_MS })) ?? '', /1,?0\d\d alerts/);
  const rows = page.locator('article[data-testid^="alert-"]');
  await until('the first rows are drawn', async () => (await rows.count()) > 0);
  assert.equal(await rows.count(), 100);
  const from = performance.now();
  await byId(page, 'more-rows').click();
  await until('more rows are drawn', async () => (await rows.count()) === 200);
  t.diagnostic(`100 more of ${FLOOD} rows: ${Math.round(performance.now() - from)} ms`);
  await rows.first().locator('a.message').focus();
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
  await byId(page, 'timeline').waitFor({ timeout: WAIT_MS });
  assert.equal(page.url().split('/').at(-1), (await rows.nth(1).getAttribute('data-testid'))?.slice('alert-'.length));
  await page.screenshot({ path: join(folder, 'flood.png') });
  assert.deepEqual(browser.errors, []);
});

test('a rebuild from the journal comes to the same alerts', async () => {
  // A group may get a word about its members at any tick.
  const listed = async () =>
    (await product.all<AlertItem>('alerts', { state: 'all' }))
      .filter(({ subject, contract }) => contract === 'lifecycle' && !subject.startsWith('group:'))
      .sort((a, b) => (a.alert < b.alert ? -1 : 1));
  await product.untilProjected();
  const recorded = await listed();
  assert.ok(recorded.length >= 6);
  await product.halt();
  const { code, stdout, stderr } = await airtight(['rebuild', '--data', product.dataDir]);
  assert.equal(code, 0, stdout + stderr);
  await product.start();
  await product.untilProjected();
  assert.deepEqual(await listed(), recorded);
});
