/**
 * The way of a rule: tried on imported history, proposed by one person, approved by another, in force from its time, raises
 * an alert, and whoever gets the alert's evidence comes to it again offline.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type AlertItem, type LatestItem, type Role, TICKS_DATASET } from '@airtight/protocol';
import type { Page } from 'playwright-core';
import { openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { readJournal } from './harness/evidence.ts';
import { People } from './harness/people.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has, sharedFile } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const HOUR_MS = 3_600_000;
const WAIT_MS = 90_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'airtight-contracts-'));
const contractFile = join(folder, 'winter.yaml');
const evidenceFile = join(folder, 'alert.json');
let product: Product;
let device: Device;
let receiver: Awaited<ReturnType<typeof receiveWebhooks>>;
/** When the contract comes into force. */
let effectiveFrom = 0;
let people: People;

function contractText(limit: number): string {
  return `contract: winter
title: { zh: 冬季, en: Winter }
agency: beijing
source: a test
inputs:
  air: { dataset: air, accept: { flags: [late, q=N] } }
windows:
  pm25_3h: { mean: pm25, over: PT3H, require: "2" }
rules:
  - id: heavy
    severity: severe
    raise: { when: pm25_3h > ${limit}.0, for: PT1H }
    clear: { when: pm25_3h <= 75.0 }
    message: { zh: "{subject}：{pm25_3h}", en: "{subject}: {pm25_3h}" }
lateness: PT12H
`;
}

/** Another system, which takes every webhook. */
async function receiveWebhooks() {
  const received: string[] = [];
  const server = createServer((request, response) => {
    received.push(request.url ?? '');
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => server.close().closeAllConnections();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, close };
}

/** A channel, by the administrator. */
async function setUp(channel: string, settings: object): Promise<void> {
  const { status, body } = await people.request('bo', `channels/${channel}`, settings, 'PUT');
  assert.equal(status, 200, JSON.stringify(body));
}

async function request(
  person: string,
  path: string,
  body?: object,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  return people.request(person, path, body);
}

before(async () => {
  await buildDashboard();
  receiver = await receiveWebhooks();
  product = await startProduct({ environment: { AIRTIGHT_API_WEBHOOK_NETWORKS: '127.0.0.1' } });
  people = new People(product);
  device = await product.enrol('station-1');
  await people.add('anna', 'operator');
  await people.add('bo', 'administrator');
  writeFileSync(contractFile, contractText(150));
  await until('the tokens are known', async () => (await request('bo', 'contracts')).status === 200);
});
after(async () => {
  await product?.stop();
  receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a contract is tried on imported history; the same run twice is byte-equal', async (t) => {
  const source = sharedFile(t, 'data', 'air-beijing-uci', 'PRSA_Data_Dongsi_20130301-20170228.csv.gz');
  if (source === undefined) return;
  const twoWeeks = gunzipSync(readFileSync(source))
    .toString()
    .split('\n')
    .slice(0, 1 + 14 * 24);
  const file = join(folder, 'PRSA_Data_Dongsi_20130301-20170228.csv');
  writeFileSync(file, `${twoWeeks.join('\n')}\n`);
  const imported = await airtight(['import', '--data', product.dataDir, '--agency', 'beijing', file]);
  assert.equal(imported.code, 0, imported.stderr);
  const stricter = join(folder, 'stricter.yaml');
  writeFileSync(stricter, contractText(100));
  const { head } = await product.status();
  const run = (...more: string[]) =>
    airtight(['backtest', contractFile, '--from', '2013-03-01', '--to', '2013-03-15', '--data', product.dataDir, '--json', ...more]);
  const first = await run('--against', stricter, '--through', String(head));
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const report = JSON.parse(first.stdout);
  assert.equal(report.journal.through, head);
  assert.ok(report.result.alerts.length >= 3, `${report.result.alerts.length} alerts in two smoggy weeks`);
  assert.deepEqual(report.difference.added, []);
  assert.ok(report.difference.lost.length + report.difference.later.length > 0);
  assert.equal((await run('--against', stricter, '--through', String(head))).stdout, first.stdout);
});

test('the same over HTTP, with its progress; a fault is told by its code', async () => {
  const ask = { text: contractText(150), from: '2013-03-01T00:00:00Z', to: '2013-03-15T00:00:00Z' };
  const { status, body } = await request('anna', 'contracts/backtest', ask);
  assert.equal(status, 200, JSON.stringify(body));
  const path = `contracts/backtest/${body['id']}`;
  await until('it is done', async () => (await request('anna', path)).body['state'] === 'done');
  const { report } = (await request('anna', path)).body as { report: { result: { contract: string } } };
  assert.equal(report.result.contract, 'winter');
  assert.equal((await request('bo', path)).status, 404, "another person's");
  const broken = await request('anna', 'contracts/backtest', { ...ask, text: 'contract: x' });
  await until('it has failed', async () => (await request('anna', `contracts/backtest/${broken.body['id']}`)).body['state'] === 'failed');
  assert.equal((await request('anna', `contracts/backtest/${broken.body['id']}`)).body['code'], 'CONTRACT_INVALID');
});

test('checked with line and column; proposed by one person, approved by another, in force from its time', async () => {
  const faulty = join(folder, 'faulty.yaml');
  writeFileSync(faulty, contractText(150).replace('pm25_3h >', 'pm99 >'));
  const check = await airtight(['contract', 'check', faulty, '--data', product.dataDir, '--lang', 'en']);
  assert.deepEqual([check.code, /faulty\.yaml:12:20: /.test(check.stdout)], [1, true], check.stdout + check.stderr);
  const own = `contracts/drafts/${(await request('bo', 'contracts', { text: contractText(150) })).body['draft']}/approve`;
  assert.equal((await request('anna', own, {})).status, 403, 'an operator approves nothing');
  const refused = await request('bo', own, {});
  assert.deepEqual([refused.status, refused.body['code']], [409, 'CONTRACT_NOT_APPROVABLE'], 'nobody approves his own');
  // Approved later than this it would be in force from its approval on.
  const before = Date.now();
  effectiveFrom = before + 5000;
  const from = new Date(effectiveFrom).toISOString();
  const { body: draft } = await request('anna', 'contracts', { text: contractText(150), effectiveFrom: from, note: 'for winter' });
  assert.equal(draft['author'], 'anna');
  const path = `contracts/drafts/${draft['draft']}/approve`;
  const approved = await request('bo', path, {});
  assert.deepEqual([approved.status, approved.body['approver']], [200, 'bo'], JSON.stringify(approved.body));
  assert.equal((await request('bo', path, {})).status, 409, 'once');
  const inForce = async (query = '') =>
    ((await request('bo', `contracts${query}`)).body['items'] as { contract: string }[]).map(({ contract }) => contract);
  assert.equal((await inForce(`?at=${from}`)).includes('winter'), true);
  assert.equal((await inForce(`?at=${new Date(before).toISOString()}`)).includes('winter'), false);
  await until('it is in force', async () => (await inForce()).includes('winter'));
});

test('it fires; the evidence gives the same alert offline, with every sub-expression', async () => {
  const start = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 10 * HOUR_MS;
  const readings = [90, 160, 200, 240, 250, 260].map((pm25, i) => ({ t: start + i * HOUR_MS, m: { pm25 } }));
  await until('a tick after its time, at which the engine takes it', async () =>
    (await readJournal(product)).some(({ header }) => header.dataset === TICKS_DATASET && header.receivedAt > effectiveFrom),
  );
  const title = { zh: '公众', en: 'Public' };
  await setUp('public', { kind: 'cap', title, sender: 'air.example.cn' });
  await setUp('office', { kind: 'mail', title, to: ['duty@example.cn'] });
  await publishAll(product, device, readings);
  await until('the alert is raised', async () =>
    (await product.page<AlertItem>('alerts')).items.some(({ contract }) => contract === 'winter'),
  );
  const [alert] = (await product.all<AlertItem>('alerts')).filter(({ contract }) => contract === 'winter');
  await until('it is on record who was told', async () => {
    const { timeline } = (await (await product.fetch(`/api/v1/alerts/${alert?.alert}`)).json()) as AlertItem;
    return timeline[0]?.deliveries?.length === 2 && timeline[0].deliveries.every(({ record }) => record !== null);
  });
  await product.untilAnchored();
  await product.untilProjected();
  const answer = await product.fetch(`/api/v1/alerts/${alert?.alert}/evidence`);
  writeFileSync(evidenceFile, await answer.text());
  const verified = await airtight(['verify', evidenceFile, '--data', product.dataDir, '--json']);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const told = JSON.parse(verified.stdout);
  assert.equal(told.alert, alert?.alert);
  assert.deepEqual(
    told.transitions.map((one: { transition: { type: string } }) => one.transition.type),
    ['raise'],
  );
  const [{ expressions }] = told.explanations;
  assert.deepEqual(expressions.at(-1).steps.at(-1).value, true);
  assert.match(JSON.stringify(expressions), /pm25_3h > 150/);
  type Told = { position: number; outcome: { channel: string; record: number; outcome: string; detail: string } };
  const attempts = (channel: string) => (told.deliveries as Told[]).filter(({ outcome }) => outcome.channel === channel);
  const raise = told.transitions[0].position;
  assert.deepEqual(
    [...attempts('public'), ...attempts('office').slice(0, 1)].map(({ outcome }) => [outcome.record, outcome.outcome, outcome.detail]),
    [
      [raise, 'delivered', 'published'],
      [raise, 'failed', 'no mail server is set'],
    ],
  );
  const spoken = await airtight(['verify', evidenceFile, '--data', product.dataDir, '--lang', 'zh']);
  assert.match(spoken.stdout, /→ public .*已送达（第 1 次尝试，published）/, spoken.stdout);
});

test('who reads the public CAP feed checks what it says: the proof needs no account, and a changed value is named', async () => {
  const anybody = async (path: string) => {
    const answer = await fetch(new URL(path, product.httpUrl));
    assert.equal(answer.status, 200, path);
    return answer.text();
  };
  const file = /href="([^"]+\.xml)"/.exec(await anybody('/cap/feed.atom'))?.[1] ?? '';
  const message = await anybody(file);
  const proof = /<uri>([^<]+)<\/uri>/.exec(message)?.[1] ?? '';
  assert.equal(new URL(proof).origin, new URL(product.httpUrl).origin, 'an absolute address');
  const [messageFile, proofFile] = [join(folder, 'alert.xml'), join(folder, 'alert.airtight-proof.json')];
  writeFileSync(proofFile, await anybody(proof));
  const verify = async (text: string, ...more: readonly string[]) => {
    writeFileSync(messageFile, text);
    const { code, stdout, stderr } = await airtight(['verify', messageFile, ...more, '--data', product.dataDir, '--json']);
    return { code, stderr, told: stdout === '' ? {} : JSON.parse(stdout) };
  };
  const genuine = await verify(message, proofFile);
  assert.deepEqual([genuine.code, genuine.told.ok, genuine.told.differing], [0, true, []], genuine.stderr);
  const changed = await verify(message.replaceAll('<severity>Severe<', '<severity>Minor<'), proofFile);
  assert.deepEqual([changed.code, changed.told.differing], [1, ['info[0]/severity', 'info[1]/severity']]);
  assert.equal((await verify(message.replace('<info>', '<info><info>'), proofFile)).told.code, 'CAP_MALFORMED');
  assert.match((await verify(message)).stderr, new RegExp(proof.replaceAll('.', '\\.')), 'says where the proof is');
});

test('a changed reading, contract, transition or explanation is found and named', async () => {
  const genuine = readFileSync(evidenceFile, 'utf8');
  const evidence = JSON.parse(genuine) as {
    explanations: { values: Record<string, unknown> }[];
    proofs: { batches: { records: { record: string }[] }[] };
  };
  const changed = async (from: string, to: string) => {
    const copy = structuredClone(evidence);
    let count = 0;
    for (const { records } of copy.proofs.batches) {
      for (const one of records) {
        const bytes = Buffer.from(one.record, 'base64').toString('latin1');
        if (!bytes.includes(from)) continue;
        count++;
        one.record = Buffer.from(bytes.replace(from, to), 'latin1').toString('base64');
      }
    }
    assert.ok(count > 0, `${from} is among the records`);
    return verify(JSON.stringify(copy));
  };
  const verify = async (text: string) => {
    const file = join(folder, 'changed.json');
    writeFileSync(file, text);
    const { code, stdout } = await airtight(['verify', file, '--data', product.dataDir, '--json']);
    const { faults = [] } = JSON.parse(stdout) as { faults?: { code: string; detail: string; position: number | null }[] };
    return { code, codes: new Set(faults.map((fault) => fault.code)), faults };
  };
  const reading = await changed('"pm25":200', '"pm25":100');
  assert.deepEqual([reading.code, reading.codes.has('ALERTS_MISMATCH')], [1, true], JSON.stringify(reading.faults));
  assert.ok(
    reading.faults.some(({ position, code }) => position !== null && code !== 'ALERTS_MISMATCH'),
    'the record itself is named',
  );
  const contract = await changed('pm25_3h > 150', 'pm25_3h > 140');
  assert.deepEqual([contract.code, contract.codes.has('CONTRACT_INVALID')], [1, true], JSON.stringify(contract.faults));
  const transition = await changed('"severity":"severe"', '"severity":"severX"');
  assert.equal(transition.code, 1);
  assert.ok(
    transition.faults.some(({ detail }) => detail.startsWith('raise: recorded')),
    JSON.stringify(transition.faults),
  );
  const delivery = await changed('"detail":"published"', '"detail":"perishes!"');
  assert.deepEqual([delivery.code, delivery.faults[0]?.position !== null], [1, true], JSON.stringify(delivery.faults));
  const told = structuredClone(evidence);
  (told.explanations[0] as { values: Record<string, unknown> }).values['pm25_3h'] = 151;
  assert.deepEqual([...(await verify(JSON.stringify(told))).codes], ['ALERTS_MISMATCH']);
});

test('a person fails the readings behind it: the alert is corrected by that record, and the evidence gives that too', async () => {
  const alert = (await product.all<AlertItem>('alerts', { state: 'all' })).find(({ contract }) => contract === 'winter');
  assert.ok(alert);
  const [from, to] = [new Date(Date.parse(alert.since) - 5 * HOUR_MS), new Date(Date.parse(alert.since) + 10 * HOUR_MS)];
  const series = { dataset: 'air', producer: device.producer, observedProperty: 'pm25' };
  const flag = await request('anna', 'observations/flags', { ...series, from, to, flag: 4, reason: 'the inlet was blocked' });
  assert.equal(flag.status, 200, JSON.stringify(flag.body));
  const [latest] = await product.all<LatestItem>('latest', { producer: device.producer });
  assert.deepEqual([latest?.values['pm25']?.quality.flag, latest?.values['pm25']?.quality.tests['manual']], [4, 4]);
  let corrected: AlertItem | undefined;
  await until('the alert is corrected', async () => {
    corrected = (await product.all<AlertItem>('alerts', { state: 'all' })).find((item) => item.alert === alert.alert);
    return corrected?.timeline.some(({ type }) => type === 'correct') === true;
  });
  await product.untilAnchored();
  await product.untilProjected();
  const evidence = await (await product.fetch(`/api/v1/alerts/${alert.alert}/evidence`)).text();
  const verified = async (text: string) => {
    const file = join(folder, 'corrected.json');
    writeFileSync(file, text);
    const { code, stdout } = await airtight(['verify', file, '--data', product.dataDir, '--json']);
    return { code, stdout, told: JSON.parse(stdout) as { transitions: { transition: { type: string; evidence: string[] } }[] } };
  };
  const whole = await verified(evidence);
  assert.equal(whole.code, 0, whole.stdout);
  const correction = whole.told.transitions.at(-1)?.transition;
  assert.deepEqual([correction?.type, correction?.evidence.map(String)], ['correct', [flag.body['record']]]);
  const milder = JSON.parse(evidence) as { proofs: { batches: { records: { record: string }[] }[] } };
  for (const { records } of milder.proofs.batches) {
    for (const one of records) {
      const bytes = Buffer.from(one.record, 'base64').toString('latin1');
      if (bytes.includes('"type":"flag"')) one.record = Buffer.from(bytes.replace('"flag":4', '"flag":3'), 'latin1').toString('base64');
    }
  }
  const changed = await verified(JSON.stringify(milder));
  assert.deepEqual(
    [changed.code, changed.stdout.includes('ALERTS_MISMATCH')],
    [1, true],
    'suspect values count, so it would not be corrected',
  );
});

const byId = (page: Page, id: string) => page.locator(`[data-testid="${id}"]`);

/** Opens the page of the contracts as a person with a password. */
async function openAs(page: Page, person: string, role: Role): Promise<void> {
  const { stdout } = await airtight(['password', person, '--role', role, '--data', product.dataDir, '--json']);
  const { password } = JSON.parse(stdout) as { password: string };
  await page.goto(`${product.httpUrl}/contracts`);
  await byId(page, 'sign-in').click();
  await page.locator('dialog[open] input[name="name"]').fill(person);
  await page.locator('dialog[open] input[name="password"]').fill(password);
  await page.locator('dialog[open] button[type="submit"]').click();
  await byId(page, 'who').waitFor({ timeout: WAIT_MS });
}

/** Ids of the accessibility faults that are serious or critical, on the page as it stands. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = (await page.evaluate('axe.run().then((result) => result.violations)')) as {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** The page of channels, by an administrator who reads Chinese and uses the keyboard. */
async function manageChannels(page: Page): Promise<void> {
  await byId(page, 'nav-menu').focus();
  await page.keyboard.press('Enter');
  await page.locator('a[href="/channels"]').press('Enter');
  await page.locator('[data-testid="channel-public"][data-standing="well"]').waitFor({ timeout: WAIT_MS });
  await page.locator('[data-testid="channel-office"][data-standing="failing"]').waitFor({ timeout: WAIT_MS });
  await byId(page, 'channel-office').locator('a').press('Enter');
  await byId(page, 'last-failed').filter({ hasText: '未设置邮件服务器' }).waitFor({ timeout: WAIT_MS });
  await byId(page, 'add-channel').press('Enter');
  const field = (name: string) => page.locator(`dialog[open] [name="${name}"]`);
  await field('channel').fill('duty');
  await field('zh').fill('值班');
  await field('en').fill('Duty');
  await field('target').fill(`${receiver.url}/duty?token=hidden`);
  await byId(page, 'save-channel').click();
  assert.match((await byId(page, 'secret').textContent({ timeout: WAIT_MS })) ?? '', /whsec_/);
  assert.doesNotMatch((await page.locator('main').textContent()) ?? '', /hidden/, 'the key in the address is not shown');
  await byId(page, 'test').press('Enter');
  await page.locator('[data-testid="test-outcome"][data-state="delivered"]').waitFor({ timeout: WAIT_MS });
  await page.locator('[data-kind="test"][data-state="delivered"]').waitFor({ timeout: WAIT_MS });
  assert.equal(receiver.received.length, 1);
  await byId(page, 'disable').press('Enter');
  await byId(page, 'disabled').waitFor({ timeout: WAIT_MS });
  assert.equal(await byId(page, 'test').isDisabled(), true);
  assert.deepEqual(await seriousFaults(page), []);
  await page.setViewportSize({ width: 390, height: 800 });
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true, 'nothing sticks out of a narrow screen');
  assert.deepEqual(await seriousFaults(page), []);
}

/** Any two versions are compared; one that is withdrawn is told apart, with its reason. @param newest version in force @param keyFile with which the person signs */
async function laterVersions(page: Page, newest: string, keyFile: string): Promise<void> {
  const first = ((await request('bo', 'contracts/winter/versions')).body['items'] as { version: string }[])[0]?.version ?? '';
  assert.notEqual(first, newest);
  await page.goto(`${product.httpUrl}/contracts/winter`);
  await byId(page, 'edit').click({ timeout: WAIT_MS });
  await page.locator('input[name="from"]').fill('2013-03-01T00:00');
  await page.locator('input[name="to"]').fill('2013-03-15T00:00');
  await page.locator('select[name="against"]').selectOption(first);
  await byId(page, 'backtest').click();
  await byId(page, 'backtest-results').waitFor({ timeout: WAIT_MS });
  const text = (await byId(page, 'backtest-results').textContent()) ?? '';
  assert.ok(text.includes(newest.slice(0, 12)) && text.includes(first.slice(0, 12)), text);

  await byId(page, 'signing-key-open').click();
  await page.locator('[data-testid="signing-key"] input[type="file"]').setInputFiles(keyFile);
  await byId(page, 'key-end').waitFor({ timeout: WAIT_MS });
  await page.keyboard.press('Escape');
  await byId(page, 'withdraw-version').click();
  await page.locator('dialog[open] textarea[name="text"]').fill('取代它的计划尚未通过');
  await page.locator('dialog[open] button[type="submit"]').click();
  const row = page.locator('[data-testid^="withdrawn-"]');
  await row.waitFor({ timeout: WAIT_MS });
  assert.match((await row.textContent()) ?? '', /deng .*撤回：取代它的计划尚未通过/);
  const versions = (await request('bo', 'contracts/winter/versions')).body['items'] as {
    until: string;
    withdrawn: { by: string } | null;
  }[];
  assert.deepEqual(
    versions.map(({ until, withdrawn }) => [typeof until, withdrawn?.by]),
    [
      ['string', undefined],
      ['string', 'deng'],
    ],
    'the first was replaced, the second withdrawn',
  );
  assert.deepEqual(await seriousFaults(page), []);
}

test('on the screen: an error at its place, proposed, tried on the past, approved by another; an alert’s evidence downloads', async (t) => {
  if (!has(t, 'chromium')) return;
  const authors = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await authors.newPage();
  await openAs(page, 'cai', 'operator');
  await byId(page, 'contract-winter').click();
  await byId(page, 'edit').click();
  const editor = page.locator('textarea[name="contract"]');
  assert.equal(await editor.inputValue(), contractText(150), 'the text in force is the template');
  await editor.fill(contractText(120).replace('pm25_3h >', 'pm99 >'));
  await byId(page, 'propose').click();
  await byId(page, 'faults').waitFor({ timeout: WAIT_MS });
  assert.match((await byId(page, 'faults').textContent()) ?? '', /Line 12, column 20/);
  // The same under its line, at its column.
  const marked = page.locator('[data-testid="contract-text"] li.marked', { has: byId(page, 'fault-at') });
  assert.match((await marked.textContent()) ?? '', /pm99 >.*Line 12, column 20/s);
  assert.deepEqual(await seriousFaults(page), []);
  await editor.fill(contractText(120));
  await byId(page, 'propose').click();
  await byId(page, 'proposed').waitFor({ timeout: WAIT_MS });
  const drafts = (await request('bo', 'contracts/drafts')).body['items'] as { draft: string; author: string; version: string }[];
  const draft = drafts.find(({ author }) => author === 'cai');
  assert.ok(draft);
  assert.match((await byId(page, `hindrance-${draft.draft}`).textContent()) ?? '', /administrator/);
  await page.locator('input[name="from"]').fill('2013-03-01T00:00');
  await page.locator('input[name="to"]').fill('2013-03-15T00:00');
  await page.locator('select[name="against"]').selectOption('current');
  await byId(page, 'backtest').click();
  await byId(page, 'backtest-results').waitFor({ timeout: WAIT_MS });
  // The limit is lower: whatever the version in force would have raised, this one does.
  assert.match((await byId(page, 'backtest-results').textContent()) ?? '', /alerts would have been raised.*Lost 0/s);
  assert.match((await byId(page, 'backtest-shifts').textContent()) ?? '', /[1-9]\d* of 42 shifts have an alarm/, 'of two weeks');
  assert.deepEqual(await seriousFaults(page), []);

  const approvers = await openBrowser(t, product.httpUrl, 'zh-CN');
  const other = await approvers.newPage();
  await openAs(other, 'deng', 'administrator');
  // A key of one's own, made in the page: from then on the approval carries the signature.
  await byId(other, 'signing-key-open').click();
  const [kept] = await Promise.all([other.waitForEvent('download', { timeout: WAIT_MS }), byId(other, 'key-make').click()]);
  assert.equal(kept.suggestedFilename(), 'airtight-deng.key');
  await byId(other, 'key-end').waitFor({ timeout: WAIT_MS });
  assert.deepEqual(await seriousFaults(other), []);
  const kid = await byId(other, 'kid').textContent();
  // As on another day: the page holds no key, says so, and takes it from its file.
  const keyFile = join(folder, 'deng.key');
  await kept.saveAs(keyFile);
  await other.reload();
  await byId(other, `approve-${draft.draft}`).click();
  await other.locator('[data-testid="signing-key"] input[type="file"]').setInputFiles(keyFile);
  await byId(other, 'key-end').waitFor({ timeout: WAIT_MS });
  await other.keyboard.press('Escape');
  await byId(other, `approve-${draft.draft}`).click();
  await other.locator(`[data-testid="draft-${draft.draft}"][data-state="approved"]`).waitFor({ timeout: WAIT_MS });
  await byId(other, 'contract-winter').click();
  await other.locator(`[data-testid="version"]:text-is("${draft.version}")`).waitFor({ timeout: WAIT_MS });
  assert.equal(await byId(other, 'approver').textContent(), 'deng');
  const versions = (await request('bo', 'contracts/winter/versions')).body['items'] as { version: string; approverKey: string | null }[];
  assert.equal(versions.find(({ version }) => version === draft.version)?.approverKey, kid);
  assert.equal(await other.locator('[data-testid="signed"]').count(), 1);
  assert.deepEqual(await seriousFaults(other), []);

  const alert = (await product.all<AlertItem>('alerts', { state: 'all' })).find(({ contract }) => contract === 'winter');
  await other.goto(`${product.httpUrl}/alerts/${alert?.alert}`);
  const [download] = await Promise.all([
    other.waitForEvent('download', { timeout: WAIT_MS }),
    byId(other, 'alert-evidence').click({ timeout: WAIT_MS }),
  ]);
  assert.equal(download.suggestedFilename(), `${alert?.alert}.airtight-alert.json`);
  const saved = join(folder, 'downloaded.json');
  await download.saveAs(saved);
  assert.equal((await airtight(['verify', saved, '--data', product.dataDir])).code, 0);

  // Who was told stands at each transition, the raise and its correction, and is checked with the rest.
  await byId(other, 'delivery-public').filter({ hasText: '送达' }).nth(1).waitFor({ timeout: WAIT_MS });
  assert.match((await byId(other, 'delivery-office').first().textContent()) ?? '', /尚未送达.*未设置邮件服务器/);
  const detail = other.locator('.panel.detail');
  await detail.locator('[data-testid="verify-shown"]').click();
  await detail.locator('[data-testid="shown-verdict"][data-ok="true"]').waitFor({ timeout: WAIT_MS });
  await laterVersions(other, draft.version, keyFile);
  await manageChannels(other);
  // Before somebody signs in, and for the approval without its signature, the server refuses, and the console says so.
  const errors = [...authors.errors, ...approvers.errors].filter((text) => !text.includes('401'));
  assert.match(errors.shift() ?? '', new RegExp(`422 .*/drafts/${draft.draft}/approve$`));
  assert.deepEqual([...authors.foreignRequests, ...approvers.foreignRequests, ...errors], []);
});
