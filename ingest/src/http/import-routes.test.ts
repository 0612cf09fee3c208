import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeRecord } from '@airtight/protocol';
import mqtt from 'mqtt';
import { CHUNK_READINGS_MAX, type ChunkAnswer } from '../doors/file-door.ts';
import type { Ingest } from '../ingest.ts';
import { startWithoutTicks } from '../testing/start-ingest.ts';

const TOKEN = 'token of our own services';
const dir = mkdtempSync(join(tmpdir(), 'import-'));
let ingest: Ingest;

before(async () => {
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'keys/token'), TOKEN);
  const env = {
    AIRTIGHT_DATA: dir,
    AIRTIGHT_TOKEN_FILE: join(dir, 'keys/token'),
    // Nobody answers there: records wait for their ledger entry, which is no concern of the door.
    AIRTIGHT_LEDGER_URL: 'http://127.0.0.1:9',
  };
  ingest = await startWithoutTicks(env);
  const stations = ['s1', 's2'].map((producer) => station(producer));
  assert.deepEqual(await json(await enrol(stations)), { added: 2, widened: 0 });
});

after(async () => {
  await ingest.close();
  rmSync(dir, { recursive: true });
});

function station(producer: string, datasets = ['air'], agency = 'a') {
  return { producer, agency, kind: 'air-station', name: { zh: '站', en: 'station' }, datasets };
}

function post(path: string, body: string | Buffer, headers: { [name: string]: string }): Promise<Response> {
  return fetch(`${ingest.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
}

const enrol = (producers: object[]) => post('/import/producers', JSON.stringify({ producers }), { 'content-type': 'application/json' });
const chunk = (body: string | Buffer, headers = {}) =>
  post('/import/readings', body, { 'content-type': 'application/x-ndjson', ...headers });

async function json(response: Response): Promise<unknown> {
  return response.json();
}

async function get(path: string): Promise<Response> {
  return fetch(`${ingest.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
}

const ROUTES = [
  ['a', 'air', 's1'],
  ['a', 'air', 's2'],
];
const head = (door = 'file', routes: unknown = ROUTES) => `${JSON.stringify({ door, routes })}\n`;
const reading = (id: number, value = 1) => `{"id":"${id}","t":1546272000000,"m":{"pm25":${value}}}`;

async function journalHead(): Promise<number> {
  return ((await json(await get('/status'))) as { head: number }).head;
}

test('a chunk is stored by its routes; sent again it adds nothing; other content is a revision', async () => {
  const body = `${head()}0 ${reading(1)}\n1 ${reading(1)}\n0 ${reading(2)}\n`;
  const before = await journalHead();
  const first = await json(await chunk(body));
  const counted = { accepted: 3, repeats: 0, revisions: 0, quarantined: 0, refusals: [] };
  assert.deepEqual(first, { ...counted, first: before, last: before + 2 });
  const record = decodeRecord(new Uint8Array(await (await get(`/records/${before + 1}`)).arrayBuffer()));
  assert.ok(record.ok);
  const { door, producer, agency, dataset, contentType, messageId, topic } = record.value.header;
  assert.deepEqual(
    { door, producer, agency, dataset, contentType, messageId, topic },
    {
      door: 'file',
      producer: 's2',
      agency: 'a',
      dataset: 'air',
      contentType: 'application/json',
      messageId: 'id:1',
      topic: undefined,
    },
  );
  assert.equal(Buffer.from(record.value.payload).toString(), reading(1));
  assert.deepEqual(await json(await chunk(gzipSync(body), { 'content-encoding': 'gzip' })), { ...counted, accepted: 0, repeats: 3 });
  const other = (await json(await chunk(`${head()}0 ${reading(2, 7)}\n`))) as ChunkAnswer;
  assert.deepEqual([other.accepted, other.revisions], [0, 1]);
});

test('what is not admissible is quarantined and named by its place; the others are stored', async () => {
  const answer = (await json(await chunk(`${head()}0 ${reading(10)}\n1 {"t":1}\n0 ${reading(11)}\n`))) as ChunkAnswer;
  assert.deepEqual([answer.accepted, answer.quarantined], [2, 1]);
  assert.deepEqual(
    answer.refusals.map(({ reading: at, code }) => [at, code]),
    [[1, 'PAYLOAD_SHAPE']],
  );
  const { items } = (await json(await get('/quarantine?limit=1'))) as { items: { door: string; producer: string }[] };
  assert.deepEqual([items[0]?.door, items[0]?.producer], ['file', 's2']);
});

test('a chunk that is none, or is cut, is refused with its code', async () => {
  const refused: [string, number, string][] = [
    ['', 400, 'REQUEST_INVALID'],
    ['nonsense\n', 400, 'REQUEST_INVALID'],
    [head('mqtt'), 400, 'REQUEST_INVALID'],
    [head('file', [['a', 'air']]), 400, 'REQUEST_INVALID'],
    [head('file', [['a', 'air', 'unknown']]), 403, 'TOPIC_NOT_ALLOWED'],
    [head('file', [['b', 'air', 's1']]), 403, 'TOPIC_NOT_ALLOWED'],
    [head('file', [['a', 'coldchain', 's1']]), 403, 'TOPIC_NOT_ALLOWED'],
    [head('file', [['a', 'sys.devices', 's1']]), 403, 'TOPIC_NOT_ALLOWED'],
    [`${head()}2 ${reading(20)}\n`, 400, 'REQUEST_INVALID'],
    [`${head()}x ${reading(20)}\n`, 400, 'REQUEST_INVALID'],
    [`${head()}0 ${reading(20)}`, 400, 'REQUEST_INVALID'],
    [`${head()}${'0 \n'.repeat(CHUNK_READINGS_MAX + 1)}`, 413, 'PAYLOAD_TOO_LARGE'],
  ];
  for (const [body, status, code] of refused) {
    const answer = await chunk(body);
    const problem = (await json(answer)) as { code: string };
    assert.deepEqual([answer.status, problem.code], [status, code], body.slice(0, 80));
  }
});

test('a producer that signs what it sends is spoken for by nobody else', async () => {
  const signKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
  const device = { ...station('signing'), signatureRequired: true, signKey };
  const answer = await post('/devices', JSON.stringify(device), { 'content-type': 'application/json' });
  assert.equal(answer.status, 200, await answer.text());
  const refused = await chunk(`${head('file', [['a', 'air', 'signing']])}0 ${reading(50)}\n`);
  assert.deepEqual([refused.status, ((await json(refused)) as { code: string }).code], [422, 'SIGNATURE_MISSING']);
});

test('producers: known ones stay, a missing dataset is added, another agency’s are refused; none can log in', async () => {
  const before = await journalHead();
  assert.deepEqual(await json(await enrol([station('s1'), station('s2', ['air'])])), { added: 0, widened: 0 });
  assert.equal(await journalHead(), before);
  assert.deepEqual(await json(await enrol([station('s2', ['coldchain']), station('s3')])), { added: 1, widened: 1 });
  const routes = [
    ['a', 'air', 's2'],
    ['a', 'coldchain', 's2'],
  ];
  assert.equal((await chunk(`${head('file-live', routes)}0 ${reading(30)}\n1 ${reading(30)}\n`)).status, 200);
  const foreign = await enrol([station('s4'), station('s1', ['air'], 'b')]);
  assert.deepEqual([foreign.status, ((await json(foreign)) as { code: string }).code], [409, 'PRODUCER_EXISTS']);
  assert.equal((await chunk(head('file', [['a', 'air', 's4']]))).status, 403, 'all or none');
  const bad = await enrol([station('s5', ['sys.users'])]);
  assert.equal(((await json(bad)) as { code: string }).code, 'NAME_INVALID');
  const login = await fetch(`${ingest.url}/publish`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'airtight-device-authorization': `Basic ${Buffer.from('s1:').toString('base64')}`,
      'content-type': 'application/json',
    },
    body: reading(40),
  });
  assert.equal(login.status, 401);
});

test('live topics are silent about history, and speak of what is imported as live', { timeout: 120_000 }, async () => {
  const secret = 'a secret of the screen';
  const screen = { ...station('screen', []), kind: 'service', subscribe: ['v1/a/live/#'], secret };
  assert.equal((await post('/devices', JSON.stringify(screen), { 'content-type': 'application/json' })).status, 200);
  const url = `mqtt://127.0.0.1:${ingest.mqttPorts.tcp}`;
  const client = await mqtt.connectAsync(url, { username: 'screen', password: secret, reconnectPeriod: 0 });
  try {
    const [granted] = await client.subscribeAsync('v1/a/live/#');
    assert.equal(granted?.qos, 0);
    const heard: string[] = [];
    client.on('message', (topic, payload) => heard.push(`${topic} ${payload}`));
    const told = new Promise<void>((resolve) => client.on('message', () => heard.length === 2 && resolve()));
    const sent = async (door: string, id: number): Promise<void> => {
      const answer = (await json(await chunk(`${head(door)}0 ${reading(id)}\n`))) as ChunkAnswer;
      assert.equal(answer.accepted, 1);
    };
    // Announcements keep the order of records: what is heard of the later ones comes after any of the earlier.
    for (const [door, id] of [
      ['file', 701],
      ['file-live', 702],
      ['file', 703],
      ['file-live', 704],
    ] as const)
      await sent(door, id);
    await told;
    assert.deepEqual(
      heard,
      [702, 704].map((id) => `v1/a/live/air/s1 ${reading(id)}`),
    );
  } finally {
    await client.endAsync(true);
  }
});
