/**
 * The AsyncAPI document that the product serves is valid by AsyncAPI's own JSON Schema, and the running broker keeps it: its
 * examples are taken, every message that comes back fits its schema, and what it does not name is refused.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import specs from '@asyncapi/specs';
import { type Schema, Validator } from '@cfworker/json-schema';
import mqtt, { type MqttClient } from 'mqtt';
import { AGENCY, AIR_DATASET, type Device, type Product, startProduct } from './harness/product.ts';
import { until } from './harness/waiting.ts';

interface Reference {
  readonly $ref: string;
}
interface Document {
  readonly asyncapi: '3.0.0';
  readonly channels: { readonly [name: string]: { readonly address: string; readonly messages: { readonly [name: string]: Reference } } };
  readonly operations: {
    readonly [name: string]: { readonly action: 'send' | 'receive'; readonly channel: Reference; readonly messages: readonly Reference[] };
  };
  readonly components: { readonly messages: { readonly [name: string]: Message } };
}
interface Message {
  readonly payload: Schema;
  readonly examples: readonly { readonly payload: unknown }[];
}

/** Where the test button of a channel publishes. */
const TESTED = 'v1/airtight/alerts/#';

let product: Product;
let document: Document;
let device: Device;
let client: MqttClient;
/** What the client has received, by topic. */
const received = new Map<string, unknown[]>();

before(async () => {
  product = await startProduct();
  document = (await (await fetch(`${product.httpUrl}/api/asyncapi.json`)).json()) as Document;
  const live = `v1/${AGENCY}/live/#`;
  const name = { zh: '文档', en: 'Document' };
  const request = {
    producer: 'documented-1',
    agency: AGENCY,
    kind: 'air-station',
    name,
    datasets: [AIR_DATASET],
    subscribe: [live, TESTED],
  };
  const { username, secret } = (await (await product.ingest('/devices', request)).json()) as { username: string; secret: string };
  device = { ...request, dataset: AIR_DATASET, topic: addressOf('telemetry'), username, secret };
  client = await mqtt.connectAsync({ host: '127.0.0.1', port: product.mqttPort, username, password: secret, reconnectPeriod: 0 });
  client.on('message', (topic, payload) => {
    received.set(topic, [...(received.get(topic) ?? []), JSON.parse(payload.toString())]);
  });
});
after(async () => {
  await client?.endAsync(true);
  await product?.stop();
});

/** Address of a channel with the parameters of the test's device. */
function addressOf(channel: string): string {
  const address = document.channels[channel]?.address ?? assert.fail(`no channel ${channel}`);
  return address
    .replace('{agency}', AGENCY)
    .replace('{dataset}', AIR_DATASET)
    .replace('{producer}', 'documented-1')
    .replace('{severity}', 'high')
    .replace('{contract}', 'heavy-pm25');
}

/** What a reference of the document leads to. */
function resolve<T>({ $ref }: Reference): T {
  const path = $ref.replace(/^#\//, '').split('/');
  const found = path.reduce<unknown>((value, key) => (value as { readonly [key: string]: unknown } | undefined)?.[key], document);
  return (found ?? assert.fail(`${$ref} leads nowhere`)) as T;
}

/** The messages of an operation, through its channel's references. */
function messagesOf(operation: string): Message[] {
  const { messages } = document.operations[operation] ?? assert.fail(`no operation ${operation}`);
  return messages.map((reference) => resolve<Message>(resolve<Reference>(reference)));
}

test('the document is valid by the JSON Schema of AsyncAPI 3.0.0', () => {
  const validator = new Validator(specs.schemas['3.0.0'] as Schema, '7', false);
  assert.deepEqual(validator.validate(document).errors, []);
  assert.equal(validator.validate({ ...document, channels: { x: { address: 5 } } }).valid, false, 'the schema can say no');
});

test('every example is taken where the document says, and what comes back is as it says', async () => {
  assert.deepEqual(Object.keys(document.operations), ['takeTelemetry', 'sendReceipt', 'sendLive', 'sendAlert']);
  const listened = { sendReceipt: addressOf('receipts'), sendLive: addressOf('live') };
  const granted = await client.subscribeAsync(Object.values(listened));
  assert.deepEqual(
    granted.map(({ qos }) => qos),
    [0, 0],
  );
  const examples = messagesOf('takeTelemetry').flatMap((message) => message.examples.map(({ payload }) => payload));
  for (const example of examples) await client.publishAsync(device.topic, JSON.stringify(example), { qos: 1 });
  await client.publishAsync(device.topic, JSON.stringify(examples[0]), { qos: 1 });
  await client.publishAsync(device.topic, '{"m":{"pm25":1}}', { qos: 1 });

  const receipts = (status: string) =>
    (received.get(listened.sendReceipt) ?? []).filter((one) => (one as { status: string }).status === status);
  const counts = () => ['accepted', 'repeat', 'quarantined', 'anchored'].map((status) => receipts(status).length);
  // The repeat is anchored too, so it is told of twice.
  const wanted = [examples.length, 1, 1, examples.length + 1];
  await until(`receipts ${wanted}`, () => counts().join() === wanted.join());
  await until('the live messages', () => received.get(listened.sendLive)?.length === examples.length);
  assert.deepEqual(received.get(listened.sendLive), examples, 'as they were sent');
  for (const [operation, topic] of Object.entries(listened)) {
    const validators = messagesOf(operation).map(({ payload }) => new Validator(payload, '7'));
    for (const message of received.get(topic) ?? []) {
      const fitting = validators.filter((validator) => validator.validate(message).valid).length;
      assert.equal(fitting, 1, `${operation}: ${JSON.stringify(message)} fits ${fitting} schemas`);
    }
  }
  assert.deepEqual([...received.keys()].sort(), Object.values(listened).sort(), 'nothing else was sent');
});

test('an alert comes as the document says', async () => {
  await client.subscribeAsync(TESTED, { qos: 1 });
  const call = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${await product.apiToken()}`, 'content-type': 'application/json' };
    const answer = await fetch(`${product.httpUrl}/api/v1/channels/topics${path}`, { method, headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${answer.status} ${await answer.text()}`);
  };
  await call('PUT', '', { kind: 'mqtt', title: { zh: '主题', en: 'Topics' } });
  await call('POST', '/test', {});
  const topic = 'v1/airtight/alerts/minor/sys.test';
  const [message] = await until('the test message', () => received.get(topic));
  const [schema] = messagesOf('sendAlert');
  assert.ok(schema);
  const validator = new Validator(schema.payload, '7');
  assert.deepEqual(validator.validate(message).errors, []);
  for (const { payload } of schema.examples) assert.deepEqual(validator.validate(payload).errors, []);
});

test('a topic that the document does not name, or reserves, is not published to', async () => {
  const count = () => product.metric('airtight_ingest_quarantined_total', ['TOPIC_NOT_ALLOWED']);
  const before = await count();
  const topics = [addressOf('alerts'), addressOf('receipts'), addressOf('live'), `v2/${AGENCY}/${AIR_DATASET}/documented-1`, 'anything'];
  for (const topic of topics) await client.publishAsync(topic, '{"t":1735689600000,"m":{"pm25":1}}', { qos: 1 });
  await until('all are in quarantine', async () => (await count()) === before + topics.length);
});

test('a channel that the document gives to others, or to nobody, is not subscribed to', async () => {
  const others = addressOf('receipts').replace('documented-1', 'documented-2');
  for (const filter of [device.topic, others, addressOf('alerts'), '#']) {
    await assert.rejects(client.subscribeAsync(filter), filter);
  }
});
