/**
 * Evidence of alerts of every kind of rule, from the product as it runs, amid the readings of others: each file gives its
 * alert again offline, and none does with one digit changed, one record taken out, or another engine.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  type AlertEvidence,
  checkAlertEvidence,
  contractVersion,
  type EvidenceRecord,
  type EvidenceVerdict,
  inputsDigest,
  parseAlertEvidence,
} from '@airtight/contracts-engine';
import {
  type AlertItem,
  CONTRACTS_DATASET,
  CONTROL_AGENCY,
  DATASETS_DATASET,
  TICK_INTERVAL_MS,
  TICKS_DATASET,
  verifyProofs,
} from '@airtight/protocol';
import { parsePolicy, parseProofSet } from '@airtight/tlog';
import { openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { Publisher, publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const WAIT_MS = 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CONTRACT = `contract: kinds
title: { zh: 各类规则, en: Kinds of rules }
agency: ${AGENCY}
source: a test
lateness: PT2H
inputs:
  air: { dataset: air, producers: ["kind-*"], accept: { flags: [late] } }
  outlook: { dataset: outlook }
windows:
  share: { share: "pm25 > 100.0", over: PT30M, stations: group, require: "2" }
  around: { median: pm25, over: PT1H, neighbours: 50 km, require: "1" }
  ahead: { max: pm25, ahead: PT12H, from: outlook }
alerts:
  ones: { rule: one, of: region }
rules:
  - id: one
    levels:
      - { severity: minor, raise: { when: pm25 > 100.0, for: PT10M }, clear: { when: pm25 <= 80.0 } }
      - { severity: severe, raise: { when: pm25 > 250.0 }, clear: { when: pm25 <= 200.0 } }
    message: { zh: "{subject}：{pm25}", en: "{subject}: {pm25}" }
    expires: PT1H
  - id: explained
    severity: minor
    raise: { when: pm25 > 90.0, times: 2 of 3 }
    clear: { when: pm25 <= 80.0 }
    message: { zh: "{pm25}", en: "{pm25}" }
    inhibit: [{ rule: one }]
  - id: approved
    severity: severe
    raise: { when: pm25 > 120.0 }
    clear: { when: pm25 <= 60.0 }
    message: { zh: "{pm25}", en: "{pm25}" }
    require: two-person
  - id: grouped
    severity: moderate
    raise: { when: pm25 > 110.0 }
    clear: { when: pm25 <= 60.0 }
    message: { zh: "{pm25}", en: "{pm25}" }
    group: { by: region }
  - id: stations
    severity: moderate
    subject: region
    every: PT10M
    settle: PT5M
    raise: { when: share >= 0.5 }
    clear: { when: share < 0.3 }
    message: { zh: "{share}", en: "{share}" }
  - id: drift
    severity: minor
    every: PT10M
    settle: PT5M
    raise: { when: pm25 > 3.0 * around }
    clear: { when: pm25 <= 2.0 * around }
    message: { zh: "{pm25} / {around}", en: "{pm25} / {around}" }
  - id: foretold
    severity: moderate
    every: PT10M
    settle: PT5M
    raise: { when: pm25 > 60.0 && ahead > 200.0 }
    clear: { when: ahead <= 200.0 }
    message: { zh: "{ahead}", en: "{ahead}" }
  - id: joint
    severity: extreme
    subject: region
    raise: { when: ones >= 2.0 }
    clear: { when: ones < 2.0 }
    message: { zh: "{ones}", en: "{ones}" }
  - id: silent
    severity: minor
    noData: { after: PT2H }
    message: { zh: "{subject}", en: "{subject}: {since}" }
`;
const RULES = ['one', 'explained', 'approved', 'grouped', 'stations', 'drift', 'foretold', 'joint', 'silent'];
const folder = mkdtempSync(join(tmpdir(), 'airtight-alert-evidence-'));
let product: Product;
let alerts: readonly AlertItem[] = [];
let policy: ReturnType<typeof parsePolicy>;
/** By alert. */
const files = new Map<string, string>();

before(async () => {
  await buildDashboard();
  product = await startProduct({ environment: { AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' } });
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function enrol(producer: string, region: string, lat: number, datasets: readonly string[]): Promise<Device> {
  const [name, where] = [producer, region].map((text) => ({ zh: text, en: text }));
  const request = { producer, agency: AGENCY, kind: 'air-station', name, region: where, location: { lat, lon: 116.4 }, datasets };
  const { username, secret } = (await (await product.ingest('/devices', request)).json()) as { username: string; secret: string };
  const [dataset] = datasets as readonly [string];
  return { producer, agency: AGENCY, dataset, topic: `v1/${AGENCY}/${dataset}/${producer}`, username, secret };
}

async function write(dataset: string, payloads: readonly object[]): Promise<void> {
  const records = payloads.map((payload) => ({ agency: CONTROL_AGENCY, dataset, producer: 'tests', payload }));
  await product.ingest('/records', { records });
}

test('alerts of every kind are raised amid the readings of others', async () => {
  const properties = { pm25: { title: { zh: 'PM2.5', en: 'PM2.5' }, unit: 'ug/m3', min: 0, max: 1500 } };
  const outlook = {
    type: 'dataset',
    dataset: 'outlook',
    title: { zh: '预报', en: 'Forecast' },
    cadenceMs: HOUR_MS,
    forecast: true,
    properties,
  };
  await write(DATASETS_DATASET, [outlook]);
  const version = contractVersion(CONTRACT);
  await write(CONTRACTS_DATASET, [{ type: 'contract', contract: 'kinds', version, text: CONTRACT, author: 'anna', approver: 'bo' }]);
  const stations = [
    await enrol('kind-1', 'North', 40, ['air', 'outlook']),
    await enrol('kind-2', 'North', 40.1, ['air']),
    await enrol('kind-3', 'North', 40.2, ['air']),
    await enrol('kind-4', 'South', 30, ['air']),
  ] as const;
  const noisy = await enrol('noise-1', 'South', 30.1, ['air']);
  const noise = new Publisher(product, noisy, Date.now() - 2 * HOUR_MS, 2);
  await noise.start();
  const now = Date.now();
  const start = Math.floor(now / (10 * MINUTE_MS)) * 10 * MINUTE_MS - HOUR_MS;
  const at = (i: number) => start + i * 10 * MINUTE_MS;
  const forecast = { ...stations[0], dataset: 'outlook', topic: `v1/${AGENCY}/outlook/kind-1` };
  await publishAll(
    product,
    forecast,
    Array.from({ length: 12 }, (_, i) => ({ t: at(0) + i * HOUR_MS, m: { pm25: 150 + i * 10 } })),
  );
  const rows = [
    [50, 150, 160, 280, 170, 160],
    [50, 140, 150, 150, 160, 150],
    [40, 35, 30, 30, 30, 30],
    [50, 60, 300, 310, 50, 50],
  ];
  for (const i of [0, 1, 2, 3, 4, 5]) {
    for (const [station, device] of stations.entries()) await publishAll(product, device, [{ t: at(i), m: { pm25: rows[station]?.[i] } }]);
  }
  // Live, and the last that is heard of it.
  for (const device of stations) await publishAll(product, device, [{ t: Date.now(), m: { pm25: 70 } }]);
  // The hours after it, in one piece, so that no tick of the clock on the wall stands between.
  const later = Date.now() + 1000;
  const hours = Array.from({ length: (3 * HOUR_MS) / TICK_INTERVAL_MS }, (_, i) => ({ type: 'tick', at: later + i * TICK_INTERVAL_MS }));
  await write(TICKS_DATASET, hours.slice(0, 500));
  await write(TICKS_DATASET, hours.slice(500));
  await noise.finish();
  const told = () => product.all<AlertItem>('alerts', { state: 'all' });
  await until('every rule has raised', async () => {
    alerts = (await told()).filter(({ contract }) => contract === 'kinds');
    return RULES.every((rule) => alerts.some((alert) => alert.rule === rule));
  }).catch((error) => assert.fail(`${error.message}: ${alerts.map(({ rule, subject }) => `${rule} ${subject}`).join('; ')}`));
  assert.ok(alerts.some(({ subject }) => subject.startsWith('group:')));
});

function ofRule(name: string): AlertItem {
  return alerts.find(({ rule, subject }) => rule === name && !subject.startsWith('group:')) as AlertItem;
}

function ofGroup(): AlertItem {
  return alerts.find(({ subject }) => subject.startsWith('group:')) as AlertItem;
}

function check(text: string): EvidenceVerdict {
  const evidence = parseAlertEvidence(text);
  assert.ok(evidence.ok, evidence.ok ? '' : evidence.detail);
  const set = parseProofSet(JSON.stringify(evidence.value.proofs));
  assert.ok(set.ok, set.ok ? '' : set.detail);
  assert.ok(policy.ok);
  return checkAlertEvidence(evidence.value, verifyProofs(set.value, policy.value));
}

test('each gives its alert again, and is small', async () => {
  policy = parsePolicy(readFileSync(join(product.dataDir, 'keys/policy'), 'utf8'));
  await product.untilAnchored();
  await product.untilProjected();
  const failed: string[] = [];
  // Of each rule one, and of the rule that groups the group's too.
  const chosen = [...RULES.map((of) => alerts.find(({ rule, subject }) => rule === of && subject === 'kind-1') ?? ofRule(of)), ofGroup()];
  for (const { alert, rule, subject } of chosen) {
    const response = await product.fetch(`/api/v1/alerts/${alert}/evidence`);
    const text = await response.text();
    files.set(alert, text);
    const { ok, faults } = response.ok ? check(text) : { ok: false, faults: text.slice(0, 600) };
    if (!ok) failed.push(`${rule} ${subject}: ${JSON.stringify(faults).slice(0, 800)}`);
    const records = response.ok ? (JSON.parse(text) as AlertEvidence).inputs.records : 0;
    if (records > 1500) failed.push(`${rule} ${subject}: ${records} records`);
  }
  assert.deepEqual(failed, []);
  const silent = alerts.find(({ rule, subject }) => rule === 'silent' && subject === 'kind-1') as AlertItem;
  const file = join(folder, 'silent.json');
  writeFileSync(file, files.get(silent.alert) as string);
  const { code, stdout, stderr } = await airtight(['verify', file, '--data', product.dataDir, '--json']);
  assert.equal(code, 0, stdout + stderr);
  const said = JSON.parse(stdout) as { alert: string; steps: { ok: boolean }[] };
  assert.deepEqual([said.alert, said.steps.every(({ ok }) => ok)], [silent.alert, true]);
});

interface OpenSet {
  readonly inputs: { records: number; sha256: string };
  readonly engine: string;
  readonly proofs: { batches: { records: { position: number; record: string }[] }[] };
}

/** The steps that refuse a file after a change. */
function stepsAfter(text: string, change: (set: OpenSet) => void): string[] {
  const copy = JSON.parse(text) as OpenSet;
  change(copy);
  const { ok, faults } = check(JSON.stringify(copy));
  assert.equal(ok, false);
  return [...new Set(faults.map(({ step }) => step))];
}

function redigest(set: OpenSet): void {
  const records = set.proofs.batches.flatMap((batch) =>
    batch.records.map(({ position, record }): EvidenceRecord => ({ position, record: Buffer.from(record, 'base64') })),
  );
  Object.assign(set.inputs, inputsDigest(records));
}

test('one digit of any record, and it is refused, with the step and the record named', () => {
  for (const rule of ['silent', 'stations', 'joint']) {
    const text = [...files].find(([alert]) => alerts.some((one) => one.alert === alert && one.rule === rule))?.[1] as string;
    const all = (JSON.parse(text) as OpenSet).proofs.batches.flatMap(({ records }) => records.map(({ position }) => position));
    // Every one of a small file, of a large one some that are spread over it.
    const some = all.filter((_, i) => i % Math.ceil(all.length / 8) === 0);
    for (const position of some) {
      const copy = JSON.parse(text) as OpenSet;
      const one = copy.proofs.batches.flatMap(({ records }) => records).find((record) => record.position === position);
      assert.ok(one);
      const bytes = Buffer.from(one.record, 'base64').toString('latin1');
      const changed = bytes.replace(/(\d)(?!.*\d)/s, (digit) => String((Number(digit) + 1) % 10));
      one.record = Buffer.from(changed, 'latin1').toString('base64');
      redigest(copy);
      const { ok, faults } = check(JSON.stringify(copy));
      assert.equal(ok, false, `${rule} ${position}`);
      assert.ok(
        faults.some((fault) => fault.step === 'records' && fault.position === position),
        `${rule} ${position}: ${JSON.stringify(faults)}`,
      );
    }
  }
});

test('a record taken out, another engine, contract or value is refused by its own step', () => {
  const text = files.get(alerts.find(({ rule, subject }) => rule === 'one' && subject === 'kind-1')?.alert ?? '') as string;
  const edit = (find: string, change: (text: string) => string) => (set: OpenSet) => {
    let found = 0;
    for (const record of set.proofs.batches.flatMap(({ records }) => records)) {
      const bytes = Buffer.from(record.record, 'base64').toString('latin1');
      if (!bytes.includes(find)) continue;
      found++;
      record.record = Buffer.from(change(bytes), 'latin1').toString('base64');
    }
    assert.ok(found > 0, find);
    redigest(set);
  };
  assert.ok(
    stepsAfter(
      text,
      edit('"pm25":150', (bytes) => bytes.replace('"pm25":150', '"pm25":100')),
    ).includes('replay'),
  );
  assert.ok(
    stepsAfter(
      text,
      edit('pm25 > 100.0, for', (bytes) => bytes.replace('pm25 > 100.0, for', 'pm25 > 101.0, for')),
    ).includes('contract'),
  );
  assert.ok(
    stepsAfter(
      text,
      edit('"type":"raise"', (bytes) => bytes.replace('"severity":"minor"', '"severity":"moder"')),
    ).includes('replay'),
  );
  assert.deepEqual(
    stepsAfter(text, (set) => Object.assign(set, { engine: 'airtight-contracts/1' })),
    ['engine'],
  );
  const gone = stepsAfter(text, (set) => {
    const { batches } = set.proofs;
    const at = batches.findIndex(({ records }) =>
      records.some(({ record }) => Buffer.from(record, 'base64').toString('latin1').includes('"pm25":150')),
    );
    batches.splice(at, 1);
  });
  assert.ok(gone.includes('inputs') && gone.includes('records'), gone.join());
});

test('in the browser: verified beside the alert with one click, and on the page from the file; a changed one is refused', async (t) => {
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'en-US');
  const page = await browser.newPage();
  const verdict = page.locator('[data-testid="verdict"][data-alert]');
  for (const { alert } of [ofRule('one'), ofRule('silent'), ofRule('stations'), ofGroup()]) {
    await page.goto(`${product.httpUrl}/alerts/${alert}`);
    await page.locator('[data-testid="verify-evidence"]').click({ timeout: WAIT_MS });
    await verdict.waitFor({ timeout: WAIT_MS });
    assert.deepEqual(
      [await verdict.getAttribute('data-alert'), await verdict.getAttribute('data-ok')],
      [alert, 'true'],
      (await page.locator('[data-testid="alert-view"]').textContent()) ?? '',
    );
    await page.locator('[data-testid="contract-text"]').waitFor({ state: 'attached' });
  }
  const one = files.get(alerts.find(({ rule, subject }) => rule === 'one' && subject === 'kind-1')?.alert ?? '') as string;
  const changed = join(folder, 'changed.json');
  writeFileSync(join(folder, 'one.json'), one);
  writeFileSync(changed, one.replace('"engine":"', '"engine":"x'));
  await page.goto(`${product.httpUrl}/verify`);
  await page.locator('[data-testid="bundle-file"]').setInputFiles(join(folder, 'one.json'));
  await page.locator('[data-testid="verdict"][data-ok="true"]').waitFor({ timeout: WAIT_MS });
  assert.match((await page.locator('[data-testid="expressions"]').first().textContent()) ?? '', /pm25 > 100\.0/);
  assert.ok((await page.locator('[data-testid="inputs"] tbody tr[data-ok="true"]').count()) > 3);
  await page.locator('[data-testid="bundle-file"]').setInputFiles(changed);
  await page.locator('[data-testid="verdict"][data-ok="false"][data-steps="engine"]').waitFor({ timeout: WAIT_MS });
  assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
});

test('airtight export evidence --alert: one file that opens from disk, verifies itself in both languages, and is taken by airtight verify', async (t) => {
  const { alert } = ofRule('stations');
  const file = join(folder, 'alert.html');
  const made = await airtight(['export', 'evidence', '--alert', alert, '--data', product.dataDir, '--out', file, '--json']);
  assert.equal(made.code, 0, made.stderr);
  assert.equal((JSON.parse(made.stdout) as { alert: string }).alert, alert);
  const verified = await airtight(['verify', file, '--data', product.dataDir]);
  assert.equal(verified.code, 0, verified.stdout);
  if (!has(t, 'chromium')) return;
  const browser = await openBrowser(t, product.httpUrl, 'zh-CN');
  const page = await browser.newPage();
  await page.goto(pathToFileURL(file).href);
  const verdict = page.locator('[data-testid="verdict"]');
  await page.locator('[data-testid="verdict"][data-ok="true"]').waitFor({ timeout: WAIT_MS });
  assert.match((await verdict.textContent()) ?? '', /该告警由其记录得出/);
  await page.locator('[data-testid="lang"]').click();
  assert.match((await verdict.textContent()) ?? '', /This alert follows from its records/);
  assert.match((await page.locator('[data-testid="contract-text"]').textContent()) ?? '', /contract: kinds/);
  assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
});
