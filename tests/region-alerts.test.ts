/**
 * Alerts on MQTT topics, and between two regions: Beijing raises, Tianjin receives and acknowledges, each with a product of
 * its own, its own journal, ledger and key. What is forged, replayed or meant for others is refused, and a `kill -9` of
 * Tianjin in the middle loses nothing.
 */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import {
  type AlertAnnouncement,
  type AlertDelivery,
  type AlertItem,
  CONTRACTS_DATASET,
  type RecordItem,
  type RegionAct,
  type RegionActRecord,
  type RegionAlertItem,
  type RegionAlertRecord,
  type RegionReceiptRecord,
  regionNoteIn,
  regionNoteText,
} from '@airtight/protocol';
import { ED25519, formatNote, parseSigningKey, type SigningKey, vkeyOf } from '@airtight/tlog';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { finish, has } from './harness/programs.ts';
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

const products = {} as { [region in Region]: Product };
let devices: Device[];

before(async () => {
  const started = await Promise.all(
    REGIONS.map((region) => startProduct({ environment: { AIRTIGHT_API_REGION_NAME: `alerts.example.gov/${region}` } })),
  );
  for (const [i, region] of REGIONS.entries()) products[region] = started[i] as Product;
  introduce('beijing', 'tianjin');
  introduce('tianjin', 'beijing');
  devices = await Promise.all(['so2-1', 'so2-2', 'so2-3'].map((name) => products.beijing.enrol(name)));
  const payload = { type: 'contract', contract: 'sulphur', version: contractVersion(CONTRACT), text: CONTRACT, author: 'a', approver: 'b' };
  await products.beijing.ingest('/records', { records: [{ agency: AGENCY, dataset: CONTRACTS_DATASET, producer: 'sulphur', payload }] });
  const common = { title: TITLES.tianjin, languages: ['zh', 'en'], filter: { contracts: ['sulphur'] } };
  const regionChannel = () => send('beijing', 'PUT', '/api/v1/channels/tianjin', { kind: 'region', region: 'tianjin', ...common });
  // The file of regions is looked at once a second.
  await until('Beijing knows Tianjin', async () => (await regionChannel()).status === 200);
  assert.equal((await send('beijing', 'PUT', '/api/v1/channels/topics', { kind: 'mqtt', ...common })).status, 200);
});
after(() => Promise.all(Object.values(products).map((product) => product.stop())));

/** Hands one region the other's keys and policy, as their operators would. */
function introduce(region: Region, other: Region): void {
  const { dataDir, httpUrl } = products[other];
  const key = (file: string) => readFileSync(join(dataDir, 'keys', file), 'utf8').trim();
  const entry = {
    title: TITLES[other],
    url: httpUrl,
    vkey: key('channels/region.vkey'),
    policy: `log ${key('ledger.vkey')}\nquorum none\n`,
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

function signingKeyOf(region: Region): SigningKey {
  const key = parseSigningKey(readFileSync(join(products[region].dataDir, 'keys', 'channels', 'region.key'), 'utf8').trim());
  return key.ok ? key.value : assert.fail(key.detail);
}

function signed(act: RegionAct, key: SigningKey): string {
  const text = regionNoteText('act', act);
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
    [signed({ ...act, act: fresh() }, unknown), 403, 'REGION_KEY_UNKNOWN'],
    [signed({ ...act, act: fresh(), alert: 'f'.repeat(32) }, tianjin), 404, 'REGION_ALERT_UNKNOWN'],
    [signed({ ...act, act: fresh(), digest: 'f'.repeat(64) }, tianjin), 404, 'REGION_ALERT_UNKNOWN'],
    [signed({ ...act, to: 'alerts.example.gov/hebei' }, tianjin), 422, 'REGION_MESSAGE_INVALID'],
    [signed({ ...act, from: 'alerts.example.gov/hebei' }, tianjin), 403, 'REGION_SIGNATURE_INVALID'],
    [signed({ ...act, comment: 'something else' }, tianjin), 409, 'REGION_MESSAGE_CONFLICT'],
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
