/**
 * Alerts on MQTT topics, and between two regions: Beijing raises, Tianjin receives and acknowledges, each with a product of
 * its own, its own journal, ledger and key, and a witness of Beijing's that can be late. What is forged, replayed or meant for others is refused, and a `kill -9` of
 * Tianjin in the middle loses nothing.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { checkAlertEvidence, contractVersion, parseAlertEvidence } from '@airtight/contracts-engine';
import { generateLedgerKey } from '@airtight/ledger';
import {
  type AlertAnnouncement,
  type AlertDelivery,
  type AlertItem,
  CONTRACTS_DATASET,
  type RecordItem,
  type RegionActRecord,
  type RegionAlertItem,
  type RegionAlertRecord,
  type RegionNote,
  type RegionNoteKind,
  type RegionReceiptRecord,
  regionNoteIn,
  regionNoteText,
  verifyProofs,
} from '@airtight/protocol';
import { ED25519, formatNote, parsePolicy, parseProofSet, parseSigningKey, type SigningKey, vkeyOf } from '@airtight/tlog';
import type { Page } from 'playwright-core';
import { openBrowser } from './harness/browser.ts';
import { buildDashboard } from './harness/dashboard.ts';
import { DrowsyWitness } from './harness/drowsy-witness.ts';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, finish, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { pause, until } from './harness/waiting.ts';

const CONTRACT = `
contract: sulphur
title: { zh: 二氧化硫, en: Sulphur dioxide }
agency: ${AGENCY}
source: made up for this test
inputs:
  air: { dataset: air, accept: { flags: [late] } }
rules:
  - id: high
    severity: severe
    raise: { when: so2 > 500.0 }
    clear: { when: so2 <= 400.0 }
    message: { zh: "{subject}：SO2 为 {so2}", en: "{subject}: SO2 is {so2}" }
`;
const REGIONS = ['beijing', 'tianjin'] as const;
type Region = (typeof REGIONS)[number];
const TITLES = { beijing: { zh: '北京', en: 'Beijing' }, tianjin: { zh: '天津', en: 'Tianjin' } };
/** PKCS #8 of an Ed25519 key (RFC 8410) is this prefix and the 32 bytes of the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const RECEIVED = '/api/v1/region-exchange/alerts';
const ACTS = '/api/v1/region-exchange/acts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const WAIT_MS = 60_000;
const ORIGIN = 'ledger.example.gov/beijing';
const products = {} as { [region in Region]: Product };
const witness = new DrowsyWitness('witness.example.gov/university');
/** By which everybody judges the ledger of Beijing. */
let policyOfBeijing = '';
let devices: Device[];

before(async () => {
  await buildDashboard();
  const dataDir = mkdtempSync(join(tmpdir(), 'airtight-product-'));
  const keys = join(dataDir, 'keys');
  mkdirSync(keys, { mode: 0o700 });
  const ledger = await generateLedgerKey(join(keys, 'ledger.key'), ORIGIN);
  policyOfBeijing = `log ${ledger}\nwitness university ${witness.vkey} ${await witness.start()}\nquorum university\n`;
  writeFileSync(join(keys, 'own-policy'), policyOfBeijing);
  const started = await Promise.all(
    REGIONS.map((region) => {
      const environment = { AIRTIGHT_API_REGION_NAME: `alerts.example.gov/${region}`, AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer' };
      const witnessed = { AIRTIGHT_LEDGER_ORIGIN: ORIGIN, AIRTIGHT_LEDGER_POLICY_FILE: join(keys, 'own-policy') };
      return startProduct(region === 'beijing' ? { dataDir, environment: { ...environment, ...witnessed } } : { environment });
    }),
  );
  for (const [i, region] of REGIONS.entries()) products[region] = started[i] as Product;
  introduce('beijing', 'tianjin');
  introduce('tianjin', 'beijing');
  devices = await Promise.all(['so2-1', 'so2-2', 'so2-3', 'so2-4'].map((name) => products.beijing.enrol(name)));
  const payload = { type: 'contract', contract: 'sulphur', version: contractVersion(CONTRACT), text: CONTRACT, author: 'a', approver: 'b' };
  await products.beijing.ingest('/records', { records: [{ agency: AGENCY, dataset: CONTRACTS_DATASET, producer: 'sulphur', payload }] });
  const common = { title: TITLES.tianjin, languages: ['zh', 'en'], filter: { contracts: ['sulphur'] } };
  const regionChannel = () => send('beijing', 'PUT', '/api/v1/channels/tianjin', { kind: 'region', region: 'tianjin', ...common });
  // The file of regions is looked at once a second.
  await until('Beijing knows Tianjin', async () => (await regionChannel()).status === 200);
  assert.equal((await send('beijing', 'PUT', '/api/v1/channels/topics', { kind: 'mqtt', ...common })).status, 200);
});
after(async () => {
  await Promise.all(Object.values(products).map((product) => product.stop()));
  witness.stop();
});

/** Hands one region the other's keys and policy, as their operators would. */
function introduce(region: Region, other: Region): void {
  const { dataDir, httpUrl } = products[other];
  const key = (file: string) => readFileSync(join(dataDir, 'keys', file), 'utf8').trim();
  const entry = {
    title: TITLES[other],
    url: httpUrl,
    vkey: key('channels/region.vkey'),
    policy: other === 'beijing' ? policyOfBeijing : `log ${key('ledger.vkey')}\nquorum none\n`,
  };
  // JSON is YAML.
  writeFileSync(join(products[region].dataDir, 'keys', 'channels', 'regions.yaml'), JSON.stringify({ [other]: entry }));
}

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  readonly body: any;
}

async function send(region: Region, method: string, path: string, body?: unknown): Promise<Answer> {
  const product = products[region];
  const headers = {
    authorization: `Bearer ${await product.apiToken()}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const answer = await fetch(`${product.httpUrl}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

async function measure(device: Device | undefined, so2: number): Promise<void> {
  assert.ok(device);
  await publishAll(products.beijing, device, [{ t: Date.now(), m: { so2 } }]);
}

async function raised(device: Device | undefined): Promise<AlertItem> {
  return until('the alert is raised', async () =>
    (await products.beijing.all<AlertItem>('alerts')).find(({ subject }) => subject === device?.producer),
  );
}

/** Deliveries to Tianjin as they stand on Beijing's timeline, in order. */
async function deliveries(alert: string): Promise<readonly AlertDelivery[]> {
  const item = (await send('beijing', 'GET', `/api/v1/alerts/${alert}`)).body as AlertItem;
  return item.timeline.flatMap(({ deliveries = [] }) => deliveries).filter(({ channel }) => channel === 'tianjin');
}

async function atTianjin(alert: string): Promise<RegionAlertItem | undefined> {
  return (await products.tianjin.all<RegionAlertItem>('region-alerts', { state: 'all' })).find((item) => item.alert === alert);
}

async function payloadOf<T>(region: Region, record: string): Promise<T> {
  const { payload } = (await send(region, 'GET', `/api/v1/records/${record}`)).body as RecordItem;
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as T;
}

/** The public half of the key with which a region signs for others. */
function keyFile(region: Region): string {
  return join(products[region].dataDir, 'keys', 'channels', 'region.vkey');
}

function signingKeyOf(region: Region): SigningKey {
  const key = parseSigningKey(readFileSync(join(products[region].dataDir, 'keys', 'channels', 'region.key'), 'utf8').trim());
  return key.ok ? key.value : assert.fail(key.detail);
}

function signed<K extends RegionNoteKind>(kind: K, value: RegionNote<K>, key: SigningKey): string {
  const text = regionNoteText(kind, value);
  const { name, keyId } = vkeyOf(key);
  const der = Buffer.concat([PKCS8_PREFIX, key.seed]);
  const signature = sign(null, Buffer.from(text), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return formatNote(text, [{ name, keyId, signature }]);
}

test('on MQTT: who was granted the topic is told of each transition, with the alert and its number; nobody else', async (t) => {
  if (!has(t, 'mosquitto_sub')) return;
  const { beijing } = products;
  const name = { zh: '值班台', en: 'Duty desk' };
  const desk = { producer: 'desk', agency: AGENCY, kind: 'air-station', name, datasets: ['air'], subscribe: [`v1/${AGENCY}/alerts/#`] };
  const { secret } = (await (await beijing.ingest('/devices', desk)).json()) as { secret: string };
  const subscriber = (device: { readonly producer: string; readonly secret: string }, filter: string, count: number) =>
    finish('mosquitto_sub', [
      ...['-h', '127.0.0.1', '-p', String(beijing.mqttPort), '-u', device.producer, '-P', device.secret, '-i', 'one', '-q', '1'],
      ...['-c', '-W', '30', '-C', String(count), '-F', '%t %q %r %p', '-t', filter],
    ]);
  const stranger = devices[2] as Device;
  const refused = await subscriber(stranger, `v1/${AGENCY}/alerts/#`, 1);
  assert.match(`${refused.stdout}${refused.stderr}`, /denied|rejected/i);
  const topic = `v1/${AGENCY}/alerts/severe/sulphur`;
  // A session that is known: what comes while it is away waits for it.
  const known = await finish('mosquitto_sub', [
    ...['-h', '127.0.0.1', '-p', String(beijing.mqttPort), '-u', 'desk', '-P', secret, '-i', 'one', '-q', '1', '-c', '-E', '-t', topic],
  ]);
  assert.equal(known.code, 0, known.stderr);
  await measure(devices[0], 600);
  const { alert } = await raised(devices[0]);
  await measure(devices[0], 100);
  const heard = await subscriber({ producer: 'desk', secret }, topic, 2);
  assert.equal(heard.code, 0, heard.stderr);
  const lines = heard.stdout.trim().split('\n');
  const messages = lines.map((line) => JSON.parse(line.slice(line.indexOf('{'))) as AlertAnnouncement);
  assert.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf('{') - 1)),
    [`${topic} 1 0`, `${topic} 1 0`],
  );
  assert.deepEqual(
    messages.map(({ type, data }) => [type, data.alert, data.transition]),
    [
      ['alert.raised', alert, 0],
      ['alert.cancelled', alert, 1],
    ],
  );
  assert.equal(new Set(messages.map(({ id }) => id)).size, 2);
  const log = await until('the log tells', async () => {
    const { items } = (await send('beijing', 'GET', '/api/v1/channels/topics/deliveries')).body;
    return items.length === 2 && items.every(({ state }: { state: string }) => state === 'delivered') && items;
  });
  assert.deepEqual(log.map(({ message }: { message: string }) => message).sort(), messages.map(({ id }) => id).sort());
  const marked = { kind: 'mqtt', title: TITLES.tianjin, confidential: true };
  assert.equal((await send('beijing', 'PUT', '/api/v1/channels/leak', marked)).body.code, 'CHANNEL_INVALID');
});

let alert = '';

test('Tianjin receives it proven, a person there acknowledges, and Beijing has receipt and acknowledgement on its timeline', async () => {
  await measure(devices[1], 700);
  ({ alert } = await raised(devices[1]));
  const [delivery] = await until('the receipt is there', async () => {
    const all = await deliveries(alert);
    return all[0]?.answer !== undefined && all;
  });
  assert.deepEqual([delivery?.kind, delivery?.state, delivery?.answer?.region], ['region', 'delivered', 'tianjin']);
  const received = (await atTianjin(alert)) ?? assert.fail('not at Tianjin');
  assert.deepEqual(
    [received.region, received.title.en, received.keyName, received.severity, received.contract, received.verified, received.state],
    ['beijing', 'Beijing', 'alerts.example.gov/beijing', 'severe', 'sulphur', true, 'unacknowledged'],
  );
  const receipt = delivery?.answer?.receipt ?? assert.fail('no receipt');
  assert.deepEqual(
    [receipt.proof, receipt.theirRecord, receipt.keyName],
    ['verified', received.messages[0]?.record, 'alerts.example.gov/tianjin'],
  );
  const comment = '已派员核查';
  assert.equal((await send('tianjin', 'POST', `/api/v1/region-alerts/beijing/${alert}/ack`, { comment })).status, 200);
  // Twice is once.
  const { body: again } = await send('tianjin', 'POST', `/api/v1/region-alerts/beijing/${alert}/ack`, {});
  assert.deepEqual([again.state, again.acknowledgements.length], ['acknowledged', 1]);
  const answered = await until('the acknowledgement is at Beijing', async () => {
    const [first] = await deliveries(alert);
    return first?.answer?.acknowledgements[0];
  });
  assert.deepEqual(
    [answered.by, answered.role, answered.comment, answered.keyName, answered.signature],
    ['token:tests', 'administrator', comment, 'alerts.example.gov/tianjin', 'valid'],
  );
  assert.equal((await send('beijing', 'GET', `/api/v1/alerts/${alert}`)).body.acknowledgedBy, null, 'ours is for our people');
  const proof = await until('their record is proven at Tianjin', async () => {
    const answer = await send('tianjin', 'GET', `/api/v1/records/${receipt.theirRecord}/proof`);
    return answer.status === 200 && answer.body;
  });
  assert.equal(proof.format, 'airtight-proof@1');
});

test('the test button: the other region answers with a signed receipt, and nobody there takes it for an alert', async () => {
  const known = (await products.tianjin.all('region-alerts', { state: 'all' })).length;
  const { status, body } = await send('beijing', 'POST', '/api/v1/channels/tianjin/test', {});
  assert.equal(status, 202, JSON.stringify(body));
  const settled = await until('it has arrived', async () => {
    const { body: log } = await send('beijing', 'GET', '/api/v1/channels/tianjin/deliveries');
    const sent = log.items.find(({ id }: { id: number }) => id === body.id);
    return sent?.state === 'waiting' ? undefined : sent;
  });
  assert.deepEqual([settled.state, settled.attempts.at(-1)?.detail], ['delivered', 'receipt checked']);
  assert.equal((await products.tianjin.all('region-alerts', { state: 'all' })).length, known);
});

test('the same again gives the same receipt and stands once; what is forged, replayed or for others is refused and counted', async () => {
  const received = (await atTianjin(alert)) ?? assert.fail();
  const kept = await payloadOf<RegionAlertRecord>('tianjin', received.messages[0]?.record ?? '');
  const receipt = (await deliveries(alert))[0]?.answer?.receipt;
  const first = (await payloadOf<RegionReceiptRecord>('beijing', receipt?.record ?? '')).note;
  const again = await send('tianjin', 'POST', RECEIVED, { note: kept.note, proof: null });
  assert.deepEqual([again.status, again.body.receipt], [200, first]);
  const worse = kept.note.replace('"severe"', '"extreme"');
  assert.equal((await send('tianjin', 'POST', RECEIVED, { note: worse, proof: kept.proof })).body.code, 'REGION_SIGNATURE_INVALID');
  assert.equal((await atTianjin(alert))?.messages.length, 1);

  const record = (await deliveries(alert))[0]?.answer?.acknowledgements[0]?.record ?? '';
  const { note } = await payloadOf<RegionActRecord>('beijing', record);
  const act = regionNoteIn('act', note)?.value ?? assert.fail();
  const fresh = () => `act_${randomBytes(16).toString('hex')}`;
  const tianjin = signingKeyOf('tianjin');
  const unknown = { name: tianjin.name, type: ED25519, seed: randomBytes(32) };
  const refusals: readonly (readonly [string, number, string])[] = [
    [note.replace('"comment":"', '"comment":"不'), 403, 'REGION_SIGNATURE_INVALID'],
    [signed('act', { ...act, act: fresh() }, unknown), 403, 'REGION_KEY_UNKNOWN'],
    [signed('act', { ...act, act: fresh(), alert: 'f'.repeat(32) }, tianjin), 404, 'REGION_ALERT_UNKNOWN'],
    [signed('act', { ...act, act: fresh(), digest: 'f'.repeat(64) }, tianjin), 404, 'REGION_ALERT_UNKNOWN'],
    [signed('act', { ...act, to: 'alerts.example.gov/hebei' }, tianjin), 422, 'REGION_MESSAGE_INVALID'],
    [signed('act', { ...act, from: 'alerts.example.gov/hebei' }, tianjin), 403, 'REGION_SIGNATURE_INVALID'],
    [signed('act', { ...act, comment: 'something else' }, tianjin), 409, 'REGION_MESSAGE_CONFLICT'],
    // A receipt is no acknowledgement.
    [first, 422, 'REGION_MESSAGE_INVALID'],
  ];
  const before = await products.beijing.metric('airtight_api_region_refusals');
  for (const [forged, status, code] of refusals) {
    const answer = await send('beijing', 'POST', ACTS, { note: forged });
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
  }
  assert.equal((await products.beijing.metric('airtight_api_region_refusals')) - before, refusals.length);
  assert.deepEqual((await send('beijing', 'POST', ACTS, { note })).body, { repeat: true });
  assert.equal((await send('beijing', 'POST', ACTS, { note: 'x'.repeat(20_000) })).status, 400);
  assert.equal((await deliveries(alert))[0]?.answer?.acknowledgements.length, 1, 'the honest one, once');
});

interface OpenEvidence {
  readonly proofs: { readonly batches: readonly { readonly records: { record: string }[] }[] };
}

function checked(text: string) {
  const evidence = parseAlertEvidence(text);
  if (!evidence.ok) return assert.fail(evidence.detail);
  const [set, policy] = [parseProofSet(JSON.stringify(evidence.value.proofs)), parsePolicy(policyOfBeijing)];
  return set.ok && policy.ok ? checkAlertEvidence(evidence.value, verifyProofs(set.value, policy.value)) : assert.fail();
}

/** The evidence with one record changed. */
function forged(text: string, find: string, change: (record: string) => string): string {
  const json = JSON.parse(text) as OpenEvidence;
  const record = json.proofs.batches
    .flatMap(({ records }) => records)
    .find((one) => Buffer.from(one.record, 'base64').toString().includes(find));
  if (record === undefined) return assert.fail(find);
  record.record = Buffer.from(change(Buffer.from(record.record, 'base64').toString())).toString('base64');
  return JSON.stringify(json);
}

test('the evidence of the alert says who received and acknowledged it, by their signatures; a forged or altered answer is named', async () => {
  const { receipt, acknowledgements } = (await deliveries(alert))[0]?.answer ?? assert.fail();
  const text = await until('the answers are in the evidence', async () => {
    const answer = await fetch(`${products.beijing.httpUrl}/api/v1/alerts/${alert}/evidence`);
    const body = await answer.text();
    return answer.status === 200 && checked(body).replay.answers.length === 2 && body;
  });
  const { ok, faults, replay } = checked(text);
  assert.ok(ok, JSON.stringify(faults));
  const region = { region: 'tianjin', told: replay.transitions[0]?.position, vkey: readFileSync(keyFile('tianjin'), 'utf8').trim() };
  assert.deepEqual(
    replay.answers.map(({ position, region, told, vkey, receipt, act }) => [position, region, told, vkey, receipt?.receivedAt ?? act?.by]),
    [
      [Number(receipt?.record), region.region, region.told, region.vkey, receipt?.receivedAt],
      [Number(acknowledgements[0]?.record), region.region, region.told, region.vkey, 'token:tests'],
    ],
  );
  const file = join(products.beijing.dataDir, 'alert.airtight-alert.json');
  writeFileSync(file, text);
  const told = await airtight(['verify', file, '--policy', join(products.beijing.dataDir, 'keys', 'own-policy'), '--lang', 'en']);
  assert.equal(told.code, 0, told.stdout);
  assert.match(told.stdout, /tianjin {2}\S+Z {2}received; it verified our proof; signed by alerts\.example\.gov\/tianjin\+/);
  assert.match(told.stdout, /tianjin {2}\S+Z {2}acknowledged by token:tests \(administrator\): 已派员核查; signed by/);
  const stranger = { name: 'alerts.example.gov/tianjin', type: ED25519, seed: randomBytes(32) };
  const { note } = await payloadOf<RegionReceiptRecord>('beijing', receipt?.record ?? '');
  const value = regionNoteIn('receipt', note)?.value ?? assert.fail();
  const quoted = (one: string) => JSON.stringify(one).slice(1, -1);
  const anew = signed('receipt', { ...value, proof: 'verified' }, stranger);
  const cases: readonly (readonly [string, (record: string) => string, number, string])[] = [
    ['已派员核查', (record) => record.replace('已派员核查', '未派员核查'), Number(acknowledgements[0]?.record), 'REGION_SIGNATURE_INVALID'],
    ['"type":"region-receipt"', (record) => record.replace(quoted(note), quoted(anew)), Number(receipt?.record), 'REGION_KEY_UNKNOWN'],
  ];
  for (const [find, change, position, code] of cases) {
    const answers = checked(forged(text, find, change)).faults.filter(({ step }) => step === 'answers');
    assert.deepEqual(
      answers.map((fault) => [fault.position, fault.code]),
      [[position, code]],
    );
  }
});

test('a witness is late: Tianjin has the alert unproven, and proven, on record and in the receipt, when the quorum is there', async () => {
  witness.isAwake = false;
  await measure(devices[3], 900);
  const { alert: late } = await raised(devices[3]);
  const unproven = await until('Tianjin has it, unproven', () => atTianjin(late), 30_000);
  const [message] = unproven.messages;
  assert.deepEqual([unproven.verified, message?.proof, message?.provenRecord], [false, 'QUORUM_NOT_MET', null]);
  const first = await until('its receipt says so', async () => (await deliveries(late))[0]?.answer?.receipt ?? false);
  assert.deepEqual([first.proof, first.theirRecord], ['QUORUM_NOT_MET', message?.record]);
  // Beijing's own word that it is final now is not enough: what comes is judged.
  const { note, proof } = await payloadOf<RegionAlertRecord>('tianjin', message?.record ?? '');
  assert.equal((await send('tianjin', 'POST', RECEIVED, { note, proof })).status, 200);
  assert.equal((await atTianjin(late))?.verified, false);
  witness.isAwake = true;
  const proven = await until(
    'it is proven',
    async () => {
      const item = await atTianjin(late);
      return item?.verified === true && item;
    },
    60_000,
  );
  const [again] = proven.messages;
  assert.deepEqual(
    [proven.messages.length, again?.record, again?.receivedAt, again?.proof],
    [1, message?.record, message?.receivedAt, 'verified'],
  );
  const record = await payloadOf<RegionAlertRecord>('tianjin', again?.provenRecord ?? '');
  assert.deepEqual([record.type, record.verdict, record.note], ['region-alert', 'verified', note]);
  assert.ok(Number(again?.provenRecord) > Number(message?.record));
  const receipt = await until('the receipt on Beijing’s timeline changes', async () => {
    const answered = (await deliveries(late))[0]?.answer?.receipt;
    return answered?.proof === 'verified' && answered;
  });
  assert.deepEqual([receipt.theirRecord, receipt.receivedAt], [first.theirRecord, first.receivedAt]);
  assert.notEqual(receipt.record, first.record, 'both stand in the journal');
  assert.equal((await deliveries(late)).length, 1, 'the alert was told once');
});

test('kill -9 of Tianjin in the middle loses nothing and doubles nothing', async () => {
  const { tianjin } = products;
  await measure(devices[2], 800);
  const { alert: second } = await raised(devices[2]);
  // About when the alert arrives there.
  await tianjin.kill('api', 300 + Math.random() * 2000);
  await measure(devices[2], 100);
  await until(
    'both messages have their receipts',
    async () => {
      const all = await deliveries(second);
      if (all.length === 2 && all.every(({ answer }) => answer?.receipt?.proof === 'verified')) return true;
      // A slow machine misses the second attempt too; the third would be minutes away.
      const { items } = (await send('beijing', 'GET', '/api/v1/channels/tianjin/deliveries?state=waiting')).body;
      for (const { id, nextAt } of items as readonly { readonly id: number; readonly nextAt: string }[])
        if (Date.parse(nextAt) > Date.now() + 30_000) await send('beijing', 'POST', `/api/v1/channels/tianjin/deliveries/${id}/resend`, {});
      await pause(500);
      return false;
    },
    60_000,
  );
  const received = (await atTianjin(second)) ?? assert.fail();
  assert.deepEqual(
    received.messages.map(({ type, proof }) => [type, proof]),
    [
      ['alert.raised', 'verified'],
      ['alert.cancelled', 'verified'],
    ],
  );
  assert.equal(received.state, 'over');
  // What was acknowledged before is still known.
  assert.equal((await atTianjin(alert))?.acknowledgements.length, 1);
});

/** Ids of the accessibility faults that are serious or critical, on the page as it stands. */
async function seriousFaults(page: Page): Promise<unknown> {
  // The page's Content-Security-Policy takes no foreign script: axe comes in through the debugger.
  await page.evaluate(AXE);
  return page.evaluate(
    'axe.run().then(({ violations }) => violations.filter(({ impact }) => /serious|critical/.test(impact)).map(({ id, nodes }) => id + " " + nodes.map(({ html }) => html.slice(0, 160)).join(" | ")))',
  );
}

const WORDS = {
  'zh-CN': { title: '北京', proven: '已由对方账本证明', over: '已结束', receipt: '签收回执', acknowledged: '对方已确认' },
  'en-US': { title: 'Beijing', proven: 'proven by its ledger', over: 'Over', receipt: 'Receipt', acknowledged: 'Acknowledged there' },
} as const;

async function listAtTianjin(t: TestContext, locale: keyof typeof WORDS, isOpenIn: string): Promise<void> {
  const { tianjin } = products;
  const browser = await openBrowser(t, tianjin.httpUrl, locale);
  const page = await browser.newPage();
  await page.goto(`${tianjin.httpUrl}/alerts?show=regions`);
  const row = page.locator(`[data-testid="region-alert-${isOpenIn}"]`);
  await row.waitFor({ timeout: WAIT_MS });
  const said = (await row.textContent()) ?? '';
  for (const word of [WORDS[locale].title, WORDS[locale].proven, 'SO2', 'token:tests']) assert.ok(said.includes(word), `${word}: ${said}`);
  const received = (await atTianjin(isOpenIn)) ?? assert.fail();
  await row.locator(`a[href="/records/${received.messages[0]?.record}"]`).waitFor();
  assert.equal(await page.locator('[data-testid^="region-alert-"]').count(), (await products.tianjin.all('region-alerts')).length);
  assert.deepEqual(await seriousFaults(page), []);
  await page.setViewportSize({ width: 390, height: 800 });
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
}

async function answersAtBeijing(t: TestContext, locale: keyof typeof WORDS): Promise<void> {
  const { beijing } = products;
  const browser = await openBrowser(t, beijing.httpUrl, locale);
  const page = await browser.newPage();
  await page.goto(`${beijing.httpUrl}/alerts/${alert}`);
  const detail = page.locator('.panel.detail');
  await detail.locator('[data-testid="answer-tianjin"] [data-testid="acknowledgement"]').waitFor({ timeout: WAIT_MS });
  await detail.locator('[data-testid="verify-shown"]:enabled').click();
  await detail.locator('[data-testid="shown-verdict"][data-ok="true"]').waitFor({ timeout: WAIT_MS });
  await detail.locator('[data-testid="verify-evidence"]').click();
  const regions = detail.locator('[data-testid="evidence-regions"]');
  await regions.waitFor({ timeout: WAIT_MS });
  await detail.locator('[data-testid="evidence-answers"][data-ok="true"]').waitFor();
  const said = (await regions.textContent()) ?? '';
  for (const word of [WORDS[locale].receipt, WORDS[locale].acknowledged, '已派员核查', 'alerts.example.gov/tianjin+'])
    assert.ok(said.includes(word), `${word}: ${said}`);
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual([...browser.foreignRequests, ...browser.errors], []);
}

for (const locale of ['zh-CN', 'en-US'] as const)
  test(`in the browser, ${locale}: the list of other regions at Tianjin, and their answers at Beijing, verified`, async (t) => {
    if (!has(t, 'chromium')) return;
    await listAtTianjin(t, locale, alert);
    await answersAtBeijing(t, locale);
  });
