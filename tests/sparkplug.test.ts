/** A Sparkplug B edge node on mqtt.js, the whole way: births, data by alias, rebirth, death, and restarts in between. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LatestItem, ObservationItem } from '@airtight/protocol';
import { decodeSparkplug, encodeSparkplug, type SparkplugMetric, SPARKPLUG_TYPE as T } from '@airtight/standards/sparkplug-b.ts';
import mqtt, { type MqttClient } from 'mqtt';
import { AGENCY, AIR_DATASET, type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

const EDGE = 'sp-edge';
const DEVICE = 'sp-device';
const NODE_TOPIC = (message: string) => `spBv1.0/bj/${message}/roof`;
const DEVICE_TOPIC = (message: string) => `spBv1.0/bj/${message}/roof/dust`;

let product: Product;
let secret: string;
let client: MqttClient;
let commands: string[] = [];
let clock = Date.now() - 60_000;

before(async () => {
  product = await startProduct();
  const base = { agency: AGENCY, kind: 'air-station', name: { zh: '屋顶', en: 'roof' }, datasets: [AIR_DATASET] };
  const devices = [
    { ...base, producer: EDGE, foreignId: 'sparkplug:bj/roof' },
    { ...base, producer: DEVICE, gateway: EDGE, foreignId: 'sparkplug:bj/roof/dust' },
  ];
  const answer = (await (await product.ingest('/devices', { devices })).json()) as { results: { secret: string }[] };
  secret = answer.results[0]?.secret as string;
});
after(async () => {
  client?.end(true);
  await product?.stop();
});

const double = (value: number) => ({ field: 'double', value }) as const;
const bdSeq = (session: number): SparkplugMetric => ({
  name: 'bdSeq',
  datatype: T.UInt64,
  value: { field: 'long', value: BigInt(session) },
});

/** Connects with the will of the session, and listens to commands. */
async function connect(session: number): Promise<void> {
  const payload = Buffer.from(encodeSparkplug({ timestamp: clock, metrics: [bdSeq(session)] }));
  const will = { topic: NODE_TOPIC('NDEATH'), payload, qos: 1, retain: false } as const;
  client = await mqtt.connectAsync({
    host: '127.0.0.1',
    port: product.mqttPort,
    username: EDGE,
    password: secret,
    reconnectPeriod: 0,
    will,
  });
  client.on('error', () => undefined);
  commands = [];
  client.on('message', (_topic, command) => {
    const decoded = decodeSparkplug(command);
    commands.push(...(decoded.ok ? decoded.payload.metrics.map(({ name = '' }) => name) : ['unreadable']));
  });
  await client.subscribeAsync(`${NODE_TOPIC('NCMD')}/#`, { qos: 1 });
}

async function send(topic: string, seq: number, metrics: readonly SparkplugMetric[]): Promise<void> {
  clock += 1000;
  await client.publishAsync(topic, Buffer.from(encodeSparkplug({ timestamp: clock, seq, metrics })), { qos: 1 });
}

async function births(session: number, property: string): Promise<void> {
  await send(NODE_TOPIC('NBIRTH'), 0, [bdSeq(session), { name: 'Properties/Firmware', value: { field: 'string', value: '2.1' } }]);
  await send(DEVICE_TOPIC('DBIRTH'), 1, [{ name: property, alias: '1', datatype: T.Double, value: double(1) }]);
}

/** Property, value and flags in order of time. */
async function observed(producer: string): Promise<string[]> {
  await product.untilProjected();
  const items = await product.all<ObservationItem>('observations', { producer });
  return items.map(({ observedProperty, result, flags }) => [observedProperty, result, ...flags].join(' '));
}

test('births, data by alias, a gap, restarts and a death come back as observations', async () => {
  await connect(4);
  await births(4, 'pm25');
  await send(DEVICE_TOPIC('DDATA'), 2, [{ alias: '1', value: double(35) }]);
  assert.equal(commands.length, 0);
  await send(DEVICE_TOPIC('DDATA'), 9, [{ alias: '1', isHistorical: true, value: double(36) }]);
  await until('a rebirth is asked for', () => commands.includes('Node Control/Rebirth'));
  await until('the gap is counted', async () => (await product.metric('airtight_ingest_sparkplug_gaps_total')) === 1);
  const first = ['online true property', 'pm25 1', 'pm25 35', 'pm25 36 historical'];
  assert.deepEqual(await observed(DEVICE), first);
  const [latest] = await product.all<LatestItem>('latest', { producer: DEVICE });
  assert.equal(latest?.values['pm25']?.result, 35, 'what was held back is not shown as the latest');

  // The api comes back and must find the birth of what is sent next in the journal, ingest must ask for one.
  await product.kill('api', 0);
  await send(DEVICE_TOPIC('DDATA'), 10, [{ alias: '1', value: double(37) }]);
  assert.deepEqual(await observed(DEVICE), [...first, 'pm25 37']);
  await product.kill('ingest', 0);
  client.end(true);
  await connect(5);
  await send(DEVICE_TOPIC('DDATA'), 11, [{ alias: '1', value: double(38) }]);
  await until('a rebirth is asked for', () => commands.includes('Node Control/Rebirth'));
  const { items } = await product.page<{ code: string }>('quarantine');
  assert.deepEqual(
    items.map(({ code }) => code),
    ['SPARKPLUG_BIRTH_MISSING'],
  );
  // The alias has another meaning in this session.
  await births(5, 'pm10');
  await send(DEVICE_TOPIC('DDATA'), 2, [{ alias: '1', value: double(80) }]);
  client.stream.destroy();
  const gone = 'online false property';
  const second = ['online true property', 'pm10 1', 'pm10 80', gone];
  await until('the death of the device', async () => (await observed(DEVICE)).includes(gone));
  assert.deepEqual(await observed(DEVICE), [...first, 'pm25 37', ...second]);
  const firmware = ['online true property', 'Properties_Firmware 2.1 property'];
  assert.deepEqual(await observed(EDGE), [...firmware, ...firmware, gone]);
});

test('the store is what the stopped journal gives, as it is and made anew', async () => {
  await product.halt();
  for (const command of ['audit', 'rebuild', 'audit']) {
    const { code, stdout, stderr } = await airtight([command, '--data', product.dataDir, '--lang', 'en']);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
  }
});
