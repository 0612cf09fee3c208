/** SenML CBOR, LoRaWAN uplinks, fridge transmissions and department documents on the whole way: sent as their senders do, read back as observations. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  CONTROL_AGENCY,
  DATASETS_DATASET,
  type DatasetDefinition,
  type ObservationItem,
  type PublishAnswer,
  type QuarantineItem,
} from '@airtight/protocol';
import { mosquittoPub } from './harness/mosquitto.ts';
import { AGENCY, type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';

const title = { zh: '测试', en: 'Test' };
/** Dataset indoor-air with its codec, as shipped. */
const TEMPLATE = 'cli/defaults/templates/milesight-am307.yaml';
const DATASETS: readonly DatasetDefinition[] = [
  {
    ...{ type: 'dataset', dataset: 'water', title, cadenceMs: 86_400_000, properties: { ph: { title, unit: '[pH]' } } },
    document: {
      schema: { type: 'object', required: ['ph'], properties: { ph: { type: 'number', maximum: 14 } } },
      time: '/at',
      id: '/no',
      values: { ph: '/ph' },
    },
  },
];
/** [{"bn":"urn:dev:1:","bt":1735689600,"n":"pm25","u":"ug/m3","v":35.5}] */
const SENML_CBOR = Buffer.from('81a5216a75726e3a6465763a313a221a677485800064706d3235016575672f6d3302f95070', 'hex');

let product: Product;
let folder: string;

before(async () => {
  product = await startProduct();
  folder = mkdtempSync(join(tmpdir(), 'airtight-formats-'));
  const records = DATASETS.map((payload) => ({ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: 'tests', payload }));
  await product.ingest('/records', { records });
  const { code, stderr } = await airtight(['dataset', 'set', TEMPLATE, '--data', product.dataDir]);
  assert.equal(code, 0, stderr);
});
after(async () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  await product?.stop();
});

async function publish(device: Device, topic: string, payload: Buffer | object): Promise<void> {
  const file = join(folder, 'payload');
  writeFileSync(file, Buffer.isBuffer(payload) ? payload : JSON.stringify(payload));
  const { code, stderr } = await mosquittoPub(product, device, topic, ['-f', file]);
  assert.equal(code, 0, stderr);
}

async function valuesOf(producer: string): Promise<string[]> {
  await product.untilProjected();
  const observations = await product.all<ObservationItem>('observations', { producer });
  return observations
    .map(({ phenomenonTime, observedProperty, result, unit }) => `${phenomenonTime} ${observedProperty} ${result} ${unit}`)
    .sort();
}

async function post(device: Device, contentType: string, body: Buffer | string): Promise<PublishAnswer> {
  const authorization = `Basic ${Buffer.from(`${device.username}:${device.secret}`).toString('base64')}`;
  const answer = await fetch(`${product.httpUrl}/api/v1/records`, {
    method: 'POST',
    headers: { authorization, 'content-type': contentType },
    body,
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as PublishAnswer;
}

test('SenML in CBOR over MQTT, and the same over HTTP is a repeat', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const device = await product.enrol('senml-cbor');
  await publish(device, device.topic, SENML_CBOR);
  const { results } = await post(device, 'application/senml+cbor', SENML_CBOR);
  assert.equal(results[0]?.status, 'repeat');
  const json = await post(device, 'application/senml+json', '[{"n":"pm10","u":"ug/m3","bt":1735689660,"v":80}]');
  assert.equal(json.results[0]?.status, 'accepted');
  assert.deepEqual(await valuesOf(device.producer), ['2025-01-01T00:00:00.000Z pm25 35.5 ug/m3', '2025-01-01T00:01:00.000Z pm10 80 ug/m3']);
  const record = json.results[0]?.record ?? '';
  const { header } = (await (await product.fetch(`/api/v1/records/${record}`)).json()) as { header: { contentType: string } };
  assert.equal(header.contentType, 'application/senml+json');
});

test('a network server publishes uplinks of its devices; they are recognised by session and frame counter', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const server = await product.enrol('chirpstack', 'indoor-air', 'service');
  const device = { agency: AGENCY, kind: 'air-station', name: title, datasets: ['indoor-air'], gateway: server.producer };
  await product.ingest('/devices', { ...device, producer: 'hall', foreignId: 'lorawan:24e124136b502217' });
  await product.ingest('/devices', { ...device, producer: 'attic', foreignId: 'ttn:air@gov/attic-1' });
  const chirpStack = {
    ...{ deviceInfo: { devEui: '24E124136B502217' }, devAddr: '00189440', fCnt: 17, fPort: 85 },
    ...{ time: '2026-11-22T08:30:00.123456+00:00', data: Buffer.from('03673401046865', 'hex').toString('base64') },
  };
  const topic = 'application/7f1c9a55/device/24e124136b502217/event/up';
  for (let round = 0; round < 2; round++) await publish(server, topic, chirpStack);
  const ids = { device_id: 'attic-1', dev_eui: '24E124136B502218', dev_addr: '00189441' };
  const message = {
    f_port: 85,
    f_cnt: 3,
    frm_payload: Buffer.from('0367ecff', 'hex').toString('base64'),
    received_at: '2026-11-22T08:31:00.5Z',
  };
  await publish(server, 'v3/air@gov/devices/attic-1/up', { end_device_ids: ids, uplink_message: message });
  assert.deepEqual(await valuesOf('hall'), ['2026-11-22T08:30:00.123Z humidity 50.5 %', '2026-11-22T08:30:00.123Z temperature 30.8 Cel']);
  assert.deepEqual(await valuesOf('attic'), ['2026-11-22T08:31:00.500Z temperature -2 Cel']);
  await publish(server, 'application/7f1c9a55/device/24e124136b50ffff/event/up', chirpStack);
  const refused = await product.all<QuarantineItem>('quarantine');
  assert.ok(
    refused.some(({ code, producer }) => code === 'TOPIC_NOT_ALLOWED' && producer === 'chirpstack'),
    JSON.stringify(refused),
  );
});

test('a fridge transmission comes back as readings; sent again in another one, each moment shows once', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const fridge = await product.enrol('fridge-cce', 'coldchain', 'fridge');
  const record = { ALRM: null, BEMD: 14, EERR: null };
  const report = {
    ...{ AMID: 'f-1', CID: 'CHN', EDOP: '2024-01-01', EMFR: 'M', EMOD: 'X', EPQS: 'E006/001', ESER: 's1', EMSV: '1.0' },
    DLST: { TVC: { SID: 'p1', SMFR: 'M', SMOD: 'P' } },
  };
  const transmission = (transferId: string, records: readonly object[]) => ({
    meta: { schemaVersion: '0.8.1', transferType: 'rtm', transferId, transferSrc: 'org.example', transferredAt: '2026-11-22T10:00:00Z' },
    data: [{ ...report, records: records.map((each) => ({ ...record, ...each })) }],
  });
  const second = { ABST: '20261122T095500Z', TVC: 9.1, ALRM: 'HEAT' };
  await publish(fridge, fridge.topic, transmission('T-2', [second, { ABST: '20261122T094000Z', TVC: 4.5 }]));
  await publish(fridge, fridge.topic, transmission('T-3', [{ ABST: '20261122T094000Z', TAMB: 21, SVA: 0 }, second]));
  const values = await valuesOf(fridge.producer);
  for (const wanted of [
    '2026-11-22T09:40:00.000Z tvc 4.5 Cel',
    '2026-11-22T09:40:00.000Z tamb 21 Cel',
    '2026-11-22T09:55:00.000Z alarm_heat true 1',
    '2026-11-22T09:40:00.000Z power false 1',
  ])
    assert.ok(values.includes(wanted), `${wanted} in ${values.join(' | ')}`);
  const query = new URLSearchParams({
    producer: fridge.producer,
    dataset: 'coldchain',
    observedProperty: 'tvc',
    from: '2026-11-22T09:00:00Z',
    to: '2026-11-22T10:00:00Z',
  });
  const { points } = (await (await product.fetch(`/api/v1/series?${query}`)).json()) as { points: readonly (readonly number[])[] };
  assert.deepEqual(
    points.map(([, mean, , , count]) => [mean, count]),
    [
      [4.5, 1],
      [9.1, 1],
    ],
  );
});

test("a department document is checked by its dataset's schema", async () => {
  const office = await product.enrol('water-office', 'water', 'service');
  const lines = [
    '{"no":"W-1","at":"2026-11-01T00:00:00+08:00","ph":7.2}',
    '{"no":"W-2","at":"2026-11-01T00:00:00+08:00","ph":15}',
    '{"t":1,"m":{"ph":7}}',
  ];
  const { results } = await post(office, 'application/x-ndjson', lines.join('\n'));
  assert.deepEqual(
    results.map(({ status, code }) => [status, code]),
    [
      ['accepted', undefined],
      ['quarantined', 'PAYLOAD_SHAPE'],
      ['quarantined', 'PAYLOAD_SHAPE'],
    ],
  );
  assert.match(results[1]?.detail ?? '', /\/ph maximum/);
  assert.deepEqual(await valuesOf(office.producer), ['2026-10-31T16:00:00.000Z ph 7.2 [pH]']);
});
