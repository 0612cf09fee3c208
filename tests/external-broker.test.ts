/**
 * The external broker door: two ingest nodes divide the messages of somebody else's broker between them through a shared
 * subscription, and one of them is killed again and again. What the broker acknowledged to a device is in one of the journals.
 *
 * FAULT_ROUNDS sets how often; the seed is fixed, so that the same nodes die in the same order.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { type JournalRecord, readJournal } from './harness/evidence.ts';
import { faultRounds } from './harness/fault-rounds.ts';
import { IngestNode } from './harness/ingest-node.ts';
import { MosquittoBroker } from './harness/mosquitto.ts';
import { AGENCY, type Device } from './harness/product.ts';
import { finish, has, pathOf } from './harness/programs.ts';
import { Publisher } from './harness/publisher.ts';
import { seededRandom } from './harness/random.ts';
import { pause, until } from './harness/waiting.ts';

const ROUNDS = faultRounds(4);
const SEED = 20_261_122;
const BETWEEN_MIN_MS = 50;
const BETWEEN_MAX_MS = 700;
/** Some hundred messages a second: enough of them are under way at every kill. */
const PAUSE_MS = 10;
const CONNECTED = 'airtight_ingest_broker_connected';
let broker: MosquittoBroker;
let nodes: readonly [IngestNode, IngestNode];

before(async () => {
  if (pathOf('mosquitto') === undefined) return;
  broker = await MosquittoBroker.create();
  await broker.start();
  nodes = [nodeOf(broker, 'test/1'), nodeOf(broker, 'test/2')];
  for (const node of nodes) await node.start();
  for (const node of nodes) await untilConnected(node, 1);
});
after(async () => {
  for (const node of nodes ?? []) await node.stop();
  await broker?.remove();
});

function nodeOf({ url }: MosquittoBroker, stream: string): IngestNode {
  return new IngestNode({ AIRTIGHT_INGEST_STREAM: stream, AIRTIGHT_INGEST_BROKER_URL: url, AIRTIGHT_INGEST_MQTT_PORT: '-1' });
}

async function untilConnected(node: IngestNode, connected: 0 | 1): Promise<void> {
  await until(`${CONNECTED} is ${connected}`, async () => (await node.metric(CONNECTED)) === connected);
}

/** Control data is each journal's own: a device is enrolled at every node. */
async function enrol(producer: string): Promise<Device> {
  const devices = await Promise.all(nodes.map((node) => node.enrol(producer)));
  return devices[0] as Device;
}

async function recordsOf({ producer, dataset }: Device): Promise<JournalRecord[][]> {
  return Promise.all(
    nodes.map(async (node) => (await readJournal(node)).filter(({ header }) => header.producer === producer && header.dataset === dataset)),
  );
}

const seqOf = ({ payload }: JournalRecord): number => (JSON.parse(Buffer.from(payload).toString()) as { seq: number }).seq;

test(`${ROUNDS} kills of a node: nothing that the broker acknowledged to a device is lost`, async (t) => {
  if (!has(t, 'mosquitto', 'mosquitto_pub')) return;
  const devices = [await enrol('shared-1'), await enrol('shared-2')];
  const publishers = devices.map((device) => new Publisher(broker, device, Date.now() - 30 * 86_400_000, PAUSE_MS));
  t.after(() => {
    for (const publisher of publishers) publisher.close();
  });
  for (const publisher of publishers) await publisher.start();
  await until('every device has published', () => publishers.every(({ acknowledged }) => acknowledged.size > 0));

  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const victim = random.pick(nodes);
    await pause(random.between(BETWEEN_MIN_MS, BETWEEN_MAX_MS));
    await victim.kill();
    await pause(random.between(BETWEEN_MIN_MS, BETWEEN_MAX_MS));
    await victim.start();
  }
  for (const publisher of publishers) await publisher.finish();
  for (const node of nodes) await untilConnected(node, 1);

  for (const { device, acknowledged } of publishers) {
    const missing = async () => {
      const stored = new Set((await recordsOf(device)).flat().map(seqOf));
      return [...acknowledged].filter((seq) => !stored.has(seq));
    };
    await until('the nodes have taken what was queued', async () => (await missing()).length === 0).catch(() => undefined);
    assert.deepEqual(await missing(), [], `${device.producer}: acknowledged by the broker and in no journal`);
    const journals = (await recordsOf(device)).map((records) => records.map(seqOf));
    for (const [at, seqs] of journals.entries()) {
      assert.ok(seqs.length > 0, `node ${at} has taken its share`);
      assert.equal(new Set(seqs).size, seqs.length, `node ${at}: a record is in the journal twice`);
    }
    const [first = [], second = []] = journals;
    const inBoth = first.filter((seq) => second.includes(seq)).length;
    t.diagnostic(`${device.producer}: ${acknowledged.size} acknowledged, ${first.length} + ${second.length} stored, ${inBoth} in both`);
  }
});

test('an MQTT 5 device is served through the broker, and its content type is on record', async (t) => {
  if (!has(t, 'mosquitto', 'mosquitto_pub')) return;
  const device = await enrol('five-1');
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  const payload = '{"t":1735689600000,"m":{"pm25":35.4}}';
  const properties = { contentType: 'Application/JSON; charset=utf-8' };
  await client.publishAsync(device.topic, payload, { qos: 1, properties });
  await client.endAsync();
  const record = await until('the record is stored', async () => (await recordsOf(device)).flat()[0]);
  const { door, topic, contentType } = record.header;
  assert.deepEqual({ door, topic, contentType }, { door: 'broker', topic: device.topic, contentType: 'application/json' });
  assert.equal(Buffer.from(record.payload).toString(), payload);
});

test('QoS 0, 1 and 2 of an MQTT 3.1.1 device are stored alike', async (t) => {
  if (!has(t, 'mosquitto', 'mosquitto_pub')) return;
  const device = await enrol('three-1');
  for (const qos of [0, 1, 2]) {
    const message = JSON.stringify({ seq: qos, t: Date.now(), m: { pm25: qos } });
    const at = ['-h', '127.0.0.1', '-p', String(broker.mqttPort), '-V', 'mqttv311'];
    const { code, stderr } = await finish('mosquitto_pub', [...at, '-q', String(qos), '-t', device.topic, '-m', message]);
    assert.equal(code, 0, stderr);
  }
  await until('all are stored', async () => (await recordsOf(device)).flat().length === 3);
});

test('who is not enrolled, and what is no telemetry topic, goes to quarantine and is acknowledged', async (t) => {
  if (!has(t, 'mosquitto', 'mosquitto_pub')) return;
  const quarantined = async () =>
    (await Promise.all(nodes.map((node) => node.metric('airtight_ingest_quarantined_total')))).reduce((a, b) => a + b);
  const acknowledged = async () =>
    (await Promise.all(nodes.map((node) => node.metric('airtight_ingest_broker_acknowledged_total')))).reduce((a, b) => a + b);
  const before = [await quarantined(), await acknowledged()] as const;
  const topics = [
    `v1/${AGENCY}/air/nobody`,
    `v1/${AGENCY}/sys.devices/shared-1`,
    'v1/other/air/shared-1',
    `v1/${AGENCY}/coldchain/shared-1`,
  ];
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
  for (const topic of topics) await client.publishAsync(topic, '{"t":1735689600000,"m":{"pm25":1}}', { qos: 1 });
  await client.endAsync();
  await until('all are in quarantine', async () => (await quarantined()) === before[0] + topics.length);
  await until('all are acknowledged', async () => (await acknowledged()) === before[1] + topics.length);
  const codes = await Promise.all(
    nodes.map(async (node) => (await (await node.ingest('/quarantine?limit=10')).json()) as { items: { code: string; door: string }[] }),
  );
  for (const { items } of codes) for (const { code, door } of items) assert.deepEqual([code, door], ['TOPIC_NOT_ALLOWED', 'broker']);
});

test('a broker that goes away stops nothing else, is told of, and is taken from again when it is back', async (t) => {
  if (!has(t, 'mosquitto', 'mosquitto_pub')) return;
  const other = await MosquittoBroker.create();
  t.after(() => other.remove());
  const node = nodeOf(other, 'test/3');
  t.after(() => node.stop());
  await node.start();
  const device = await node.enrol('away-1');
  assert.equal(await node.metric(CONNECTED), 0);
  await node.ingest('/readyz');
  for (let round = 0; round < 2; round++) {
    await other.start();
    await untilConnected(node, 1);
    const client = await mqtt.connectAsync(other.url, { protocolVersion: 5 });
    await client.publishAsync(device.topic, JSON.stringify({ seq: round, t: Date.now(), m: { pm25: round } }), { qos: 1 });
    await client.endAsync();
    await until('it is stored', async () => (await readJournal(node)).some(({ header }) => header.messageId === `seq:${round}`));
    await other.stop();
    await untilConnected(node, 0);
    assert.ok(node.output.includes('external broker: not connected'));
  }
});
