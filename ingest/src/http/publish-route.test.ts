import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { DEVICE_CREDENTIALS_HEADER, decodeRecord, type LineResult, PAYLOAD_MAX_BYTES } from '@airtight/protocol';
import { LINE_MAX_BYTES, LINES_MAX, UPLOADS_MAX, UPLOADS_PER_DEVICE_MAX } from '../doors/http-door.ts';
import { BODY_MAX_BYTES, SENT_MAX_BYTES } from '../doors/upload-body.ts';
import type { Ingest } from '../ingest.ts';
import { startWithoutTicks } from '../testing/start-ingest.ts';

const TOKEN = 'token of our own services';
const SECRET = 'a secret of the device';
const NDJSON = 'application/x-ndjson';
const CROWD = Array.from({ length: UPLOADS_MAX / UPLOADS_PER_DEVICE_MAX }, (_, i) => `crowd-${i}`);
const dir = mkdtempSync(join(tmpdir(), 'publish-'));
let ingest: Ingest;

/** @param rateMax messages per second of one device; 0: no limit */
function start(rateMax: number): Promise<Ingest> {
  return startWithoutTicks({
    AIRTIGHT_INGEST_DEVICE_RATE_MAX: String(rateMax),
    AIRTIGHT_DATA: dir,
    AIRTIGHT_TOKEN_FILE: join(dir, 'keys/token'),
    // Nobody answers there: records wait for their ledger entry, which is no concern of the door.
    AIRTIGHT_LEDGER_URL: 'http://127.0.0.1:9',
  });
}

before(async () => {
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'keys/token'), TOKEN);
  ingest = await start(0);
  const base = { agency: 'a', kind: 'air-station', name: { zh: '一', en: 'one' }, secret: SECRET };
  const devices = [
    { ...base, producer: 'p', datasets: ['air'] },
    { ...base, producer: 'two', datasets: ['air', 'coldchain'] },
    ...CROWD.map((producer) => ({ ...base, producer, datasets: ['air'] })),
  ];
  const answer = await fetch(`${ingest.url}/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ devices }),
  });
  assert.equal(answer.status, 200, await answer.text());
});

after(async () => {
  await ingest.close();
  rmSync(dir, { recursive: true });
});

interface Sent {
  readonly user?: string;
  readonly secret?: string;
  readonly type?: string;
  readonly query?: string;
  readonly encoding?: string;
  readonly key?: string;
}

const basic = (user: string, secret: string): string => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

function publish(
  body: string | Buffer,
  { user = 'p', secret = SECRET, type = NDJSON, query = '', encoding, key }: Sent = {},
): Promise<Response> {
  return fetch(`${ingest.url}/publish${query}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      [DEVICE_CREDENTIALS_HEADER]: basic(user, secret),
      'content-type': type,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
}

/** An upload that has begun, and goes on for as long as the socket is open. */
function begin(user: string, lines: string, key = ''): Socket {
  const socket = connect(Number(new URL(ingest.url).port), '127.0.0.1');
  socket.write(
    `POST /publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n${DEVICE_CREDENTIALS_HEADER}: ${basic(user, SECRET)}\r\n` +
      `${key === '' ? '' : `Idempotency-Key: ${key}\r\n`}Content-Type: ${NDJSON}\r\nContent-Length: 100000\r\n\r\n${lines}`,
  );
  return socket;
}

async function resultsOf(response: Response): Promise<LineResult[]> {
  assert.equal(response.status, 200, await response.clone().text());
  return ((await response.json()) as { results: LineResult[] }).results;
}

async function problemOf(response: Response): Promise<[number, string, string]> {
  const { code, detail } = (await response.json()) as { code: string; detail: string };
  return [response.status, code, detail];
}

async function get(path: string): Promise<Response> {
  return fetch(`${ingest.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
}

/** Header and payload of a stored record. */
async function stored(id: string | undefined): Promise<[{ readonly [name: string]: unknown }, string]> {
  const record = decodeRecord(new Uint8Array(await (await get(`/records/${id}`)).arrayBuffer()));
  assert.ok(record.ok);
  return [{ ...record.value.header }, Buffer.from(record.value.payload).toString()];
}

async function head(): Promise<number> {
  return ((await (await get('/status')).json()) as { head: number }).head;
}

async function metric(line: string): Promise<number> {
  const text = await (await get('/metrics')).text();
  const found = text.split('\n').find((row) => row.startsWith(`airtight_ingest_${line} `));
  return Number(found?.split(' ')[1] ?? 0);
}

const reading = (seq: number, value = 1): string => `{"seq":${seq},"t":1735689600000,"m":{"pm25":${value}}}`;
const statuses = (results: readonly LineResult[]): string[] => results.map(({ status }) => status);
let nextSeq = 1;

test('a reading is stored byte for byte, a repeat names its record, other content is a revision', async () => {
  const seq = nextSeq++;
  const body = `{"seq": ${seq}, "t": 1735689600000,\n "m": {"pm25": 35.4}}\n`;
  const [first] = await resultsOf(await publish(body, { type: 'application/json; charset=utf-8' }));
  assert.deepEqual([first?.line, first?.status], [1, 'accepted']);
  const [header, payload] = await stored(first?.record);
  const { agency, dataset, producer, door, topic, contentType, messageId } = header;
  assert.deepEqual(
    { agency, dataset, producer, door, topic, contentType, messageId },
    {
      agency: 'a',
      dataset: 'air',
      producer: 'p',
      door: 'http',
      topic: undefined,
      contentType: 'application/json',
      messageId: `seq:${seq}`,
    },
  );
  assert.equal(payload, body);
  const again = await resultsOf(await publish(body, { type: 'application/json' }));
  assert.deepEqual(again, [{ line: 1, status: 'repeat', record: first?.record }]);
  const [other] = await resultsOf(await publish(reading(seq, 2), { type: 'application/json' }));
  assert.equal(other?.status, 'revision');
  assert.notEqual(other?.record, first?.record);
});

test('an array is one record', async () => {
  const before = await head();
  const body = `[${reading(nextSeq++)},${reading(nextSeq++)}]`;
  assert.deepEqual(statuses(await resultsOf(await publish(body, { type: 'application/json' }))), ['accepted']);
  assert.equal(await head(), before + 1);
});

test('of many lines the bad one is quarantined with its reason and keeps none of the others', async () => {
  const [a, b] = [nextSeq++, nextSeq++];
  const quarantined = await metric('quarantined_total{code="PAYLOAD_NOT_JSON"}');
  const results = await resultsOf(await publish(`${reading(a)}\r\n\nnonsense\n${reading(b)}\n${reading(a)}\n`));
  assert.deepEqual(
    results.map(({ line, status, code }) => [line, status, code]),
    [
      [1, 'accepted', undefined],
      [3, 'quarantined', 'PAYLOAD_NOT_JSON'],
      [4, 'accepted', undefined],
      [5, 'repeat', undefined],
    ],
  );
  assert.equal((await stored(results[0]?.record))[1], reading(a));
  const { items } = (await (await get('/quarantine?limit=1')).json()) as { items: { door: string; producer: string; payload: string }[] };
  assert.deepEqual(
    items.map(({ door, producer, payload }) => [door, producer, Buffer.from(payload, 'base64').toString()]),
    [['http', 'p', 'nonsense']],
  );
  assert.equal(await metric('quarantined_total{code="PAYLOAD_NOT_JSON"}'), quarantined + 1);
});

test('lines that end inside the last reading keep the whole ones', async () => {
  const results = await resultsOf(await publish(`${reading(nextSeq++)}\n${reading(nextSeq++).slice(0, -5)}`));
  assert.deepEqual(
    results.map(({ status, code }) => [status, code]),
    [
      ['accepted', undefined],
      ['quarantined', 'PAYLOAD_NOT_JSON'],
    ],
  );
});

test('a wrong secret, an unknown name and no credentials are refused alike, counted, and nothing is stored', async () => {
  const [before, counted] = [await head(), await metric('refused_logins_total{code="CREDENTIALS_WRONG"}')];
  for (const sent of [{ secret: 'wrong' }, { user: 'nobody' }, { user: '' }])
    assert.deepEqual(await problemOf(await publish(reading(nextSeq), sent)), [401, 'CREDENTIALS_WRONG', 'name or secret']);
  assert.equal(await metric('refused_logins_total{code="CREDENTIALS_WRONG"}'), counted + 3);
  assert.equal(await head(), before);
  const without = await fetch(`${ingest.url}/publish`, { method: 'POST', headers: { 'content-type': NDJSON }, body: reading(nextSeq) });
  assert.equal((await problemOf(without))[1], 'SESSION_REQUIRED');
});

test('a dataset the device was not enrolled for is refused; one of several must be named', async () => {
  const counted = await metric('refused_uploads_total{code="TOPIC_NOT_ALLOWED"}');
  for (const dataset of ['coldchain', 'sys.devices', 'alerts', 'no such'])
    assert.deepEqual((await problemOf(await publish(reading(nextSeq), { query: `?dataset=${dataset}` }))).slice(0, 2), [
      403,
      'TOPIC_NOT_ALLOWED',
    ]);
  assert.equal(await metric('refused_uploads_total{code="TOPIC_NOT_ALLOWED"}'), counted + 4);
  assert.deepEqual((await problemOf(await publish(reading(nextSeq), { user: 'two' }))).slice(0, 2), [400, 'REQUEST_INVALID']);
  const [result] = await resultsOf(await publish(reading(nextSeq++), { user: 'two', query: '?dataset=coldchain' }));
  assert.equal((await stored(result?.record))[0]['dataset'], 'coldchain');
});

test('gzip is taken; what is no gzip, or breaks off, is refused and names what was taken', async () => {
  const lines = Array.from({ length: 3000 }, () => reading(nextSeq++)).join('\n');
  const packed = gzipSync(lines);
  const broken = await problemOf(await publish(packed.subarray(0, packed.length - 12), { encoding: 'gzip' }));
  assert.deepEqual(broken.slice(0, 2), [400, 'REQUEST_INVALID']);
  const taken = Number(/up to line (\d+) was taken/.exec(broken[2])?.[1]);
  assert.ok(taken > 0 && taken < 3000, broken[2]);
  const results = await resultsOf(await publish(packed, { encoding: 'gzip' }));
  const repeats = results.filter(({ status }) => status === 'repeat').length;
  assert.deepEqual([results.length, repeats], [3000, taken]);
  assert.deepEqual((await problemOf(await publish('plain', { encoding: 'gzip' }))).slice(0, 2), [400, 'REQUEST_INVALID']);
  assert.deepEqual((await problemOf(await publish('plain', { encoding: 'br' }))).slice(0, 2), [400, 'REQUEST_INVALID']);
  assert.deepEqual((await problemOf(await publish('\n\n'))).slice(0, 2), [400, 'REQUEST_INVALID']);
});

test('a gzip bomb stops at the limit', async () => {
  const before = await head();
  // Lines of half the size that is read at all, so that no other limit is in the way: 1 GiB if it were unpacked whole.
  const member = gzipSync(Buffer.alloc(BODY_MAX_BYTES, `${' '.repeat(LINE_MAX_BYTES / 2 - 1)}\n`));
  const bomb = Buffer.concat(Array.from({ length: 32 }, () => member));
  assert.ok(bomb.length < SENT_MAX_BYTES);
  const peakBefore = process.memoryUsage().rss;
  assert.deepEqual(await problemOf(await publish(bomb, { encoding: 'gzip' })), [
    413,
    'PAYLOAD_TOO_LARGE',
    `more than ${BODY_MAX_BYTES} bytes when decompressed; everything up to line 64 was taken and is safe to send again`,
  ]);
  assert.ok(process.memoryUsage().rss - peakBefore < 4 * BODY_MAX_BYTES);
  assert.equal(await head(), before);
});

test('limits: a long line is quarantined, an overlong one, too many lines and too many bytes are refused', async () => {
  const long = `{"id":"${'x'.repeat(PAYLOAD_MAX_BYTES)}"}`;
  assert.deepEqual(
    (await resultsOf(await publish(`${long}\n${reading(nextSeq++)}`))).map(({ status, code }) => [status, code]),
    [
      ['quarantined', 'PAYLOAD_TOO_LARGE'],
      ['accepted', undefined],
    ],
  );
  const overlong = 'x'.repeat(LINE_MAX_BYTES + 1);
  for (const [body, type] of [
    [overlong, NDJSON],
    [`${overlong}\n`, NDJSON],
    [overlong, 'application/json'],
  ] as const)
    assert.deepEqual(await problemOf(await publish(body, { type })), [
      413,
      'PAYLOAD_TOO_LARGE',
      `line 1 has more than ${LINE_MAX_BYTES} bytes`,
    ]);
  assert.deepEqual(await problemOf(await publish('\n'.repeat(LINES_MAX + 1))), [413, 'PAYLOAD_TOO_LARGE', `more than ${LINES_MAX} lines`]);
  const first = nextSeq;
  const many = Array.from({ length: LINES_MAX + 1 }, () => reading(nextSeq++)).join('\n');
  const [status, code, detail] = await problemOf(await publish(many));
  assert.deepEqual([status, code], [413, 'PAYLOAD_TOO_LARGE']);
  assert.match(detail, new RegExp(`everything up to line ${LINES_MAX} was taken`));
  assert.deepEqual(statuses(await resultsOf(await publish(reading(first + LINES_MAX - 1)))), ['repeat']);
  assert.deepEqual((await problemOf(await publish(Buffer.alloc(SENT_MAX_BYTES + 1)))).slice(0, 2), [413, 'PAYLOAD_TOO_LARGE']);
});

test('a sender that goes away in the middle leaves its whole lines, and nothing of the broken one', async () => {
  const [before, broken] = [await head(), await metric('broken_uploads_total')];
  const quarantined = ((await (await get('/status')).json()) as { counters: { quarantined: number } }).counters.quarantined;
  const socket = begin('p', `${reading(nextSeq++)}\n${reading(nextSeq++)}\n{"seq":`);
  while ((await head()) < before + 2) await sleep(5);
  socket.destroy();
  while ((await metric('broken_uploads_total')) === broken) await sleep(5);
  const status = (await (await get('/status')).json()) as { head: number; counters: { quarantined: number } };
  assert.deepEqual([status.head, status.counters.quarantined], [before + 2, quarantined]);
});

test('an upload that is sent again under its key gets the first answer, byte for byte, and is not taken again', async () => {
  const body = `${reading(nextSeq++)}\nnonsense\n`;
  const first = await publish(body, { key: '"k-1"' });
  assert.deepEqual([first.status, first.headers.get('idempotency-replayed')], [200, null]);
  const text = await first.text();
  const counted = await metric('repeats_total{dataset="air"}');
  const before = await head();
  for (const sent of [{}, { encoding: 'gzip' }]) {
    const again = await publish(sent.encoding === undefined ? body : gzipSync(body), { key: '"k-1"', ...sent });
    assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [200, 'true']);
    assert.equal(again.headers.get('content-type'), first.headers.get('content-type'));
    assert.equal(await again.text(), text);
  }
  assert.deepEqual([await head(), await metric('repeats_total{dataset="air"}')], [before, counted]);
  // Without the key the line is taken, and known.
  assert.deepEqual(statuses(await resultsOf(await publish(body))), ['repeat', 'quarantined']);
});

test('a key is used for one body; the same key of another producer is another one', async () => {
  const body = reading(nextSeq++);
  assert.equal((await publish(body, { key: 'k-2' })).status, 200);
  const before = await head();
  for (const [other, sent] of [
    [reading(nextSeq++), {}],
    [body, { type: 'application/json' }],
    [`${body}\n`, {}],
  ] as const)
    assert.deepEqual((await problemOf(await publish(other, { key: 'k-2', ...sent }))).slice(0, 2), [422, 'IDEMPOTENCY_KEY_REUSED']);
  assert.equal(await head(), before, 'nothing of it was taken');
  const theirs = await publish(reading(nextSeq++), { key: 'k-2', user: 'two', query: '?dataset=air' });
  assert.deepEqual([theirs.status, theirs.headers.get('idempotency-replayed')], [200, null]);
  const elsewhere = await publish(body, { key: 'k-2', user: 'two', query: '?dataset=coldchain' });
  assert.deepEqual((await problemOf(elsewhere)).slice(0, 2), [422, 'IDEMPOTENCY_KEY_REUSED']);
  for (const key of ['', 'a b', 'x'.repeat(256)])
    assert.deepEqual((await problemOf(await publish(body, { key }))).slice(0, 2), [400, 'REQUEST_INVALID'], key);
});

test('while an upload is under way its key is busy; when it breaks off or is refused, the key is free', async () => {
  const line = `${reading(nextSeq++)}\n`;
  const [before, broken] = [await head(), await metric('broken_uploads_total')];
  const socket = begin('p', line, 'k-3');
  while ((await head()) < before + 1) await sleep(5);
  assert.deepEqual((await problemOf(await publish(line, { key: 'k-3' }))).slice(0, 2), [409, 'IDEMPOTENCY_KEY_BUSY']);
  assert.deepEqual(statuses(await resultsOf(await publish(line, { key: 'k-4' }))), ['repeat'], 'another key is not busy');
  socket.destroy();
  while ((await metric('broken_uploads_total')) === broken) await sleep(5);
  const again = await publish(line, { key: 'k-3' });
  assert.equal(again.headers.get('idempotency-replayed'), null);
  assert.deepEqual(statuses(await resultsOf(again)), ['repeat']);

  const tooMany = '\n'.repeat(LINES_MAX + 1);
  for (let attempt = 0; attempt < 2; attempt++) assert.equal((await publish(tooMany, { key: 'k-5' })).status, 413);
  assert.deepEqual(statuses(await resultsOf(await publish(reading(nextSeq++), { key: 'k-5' }))), ['accepted']);
});

test('of uploads sent at once with one key one is taken, and each other is busy or gets its answer', async () => {
  const body = Array.from({ length: 200 }, () => reading(nextSeq++)).join('\n');
  const before = await head();
  const answers = await Promise.all(Array.from({ length: 4 }, () => publish(body, { key: 'k-6' })));
  const ok = answers.filter(({ status }) => status === 200);
  assert.equal(ok.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, 1);
  for (const answer of answers.filter(({ status }) => status !== 200))
    assert.deepEqual((await problemOf(answer)).slice(0, 2), [409, 'IDEMPOTENCY_KEY_BUSY']);
  assert.equal(new Set(await Promise.all(ok.map((answer) => answer.text()))).size, 1);
  assert.equal(await head(), before + 200);
});

test('a device holds a few uploads at a time, all of them together a bounded number', async () => {
  const before = await head();
  const sockets: Socket[] = [];
  const fill = async (user: string): Promise<void> => {
    for (let i = 0; i < UPLOADS_PER_DEVICE_MAX; i++) sockets.push(begin(user, `${reading(nextSeq++)}\n`));
    while ((await head()) < before + sockets.length) await sleep(5);
  };
  const [first, ...others] = CROWD as [string, ...string[]];
  await fill(first);
  const own = await publish(reading(nextSeq), { user: first });
  assert.equal(own.headers.get('retry-after'), '1');
  assert.deepEqual((await problemOf(own)).slice(0, 2), [429, 'RATE_LIMITED']);
  for (const user of others) await fill(user);
  assert.equal(sockets.length, UPLOADS_MAX);
  const another = await publish(reading(nextSeq));
  assert.equal(another.headers.get('retry-after'), '1');
  assert.deepEqual((await problemOf(another)).slice(0, 2), [503, 'OVERLOADED']);

  const broken = await metric('broken_uploads_total');
  for (const socket of sockets) socket.destroy();
  while ((await metric('broken_uploads_total')) < broken + UPLOADS_MAX) await sleep(5);
  assert.deepEqual(statuses(await resultsOf(await publish(reading(nextSeq++), { user: first }))), ['accepted']);
});

test('uploads of one device are read no faster than its rate, over all of them', async () => {
  await ingest.close();
  // Far below what any machine takes, and the one second of burst covers a whole upload.
  const rate = 750;
  ingest = await start(rate);
  const startedAt = performance.now();
  const same = `${reading(nextSeq++)}\n`.repeat(rate);
  for (let upload = 0; upload < 4; upload++) assert.equal((await resultsOf(await publish(same))).length, rate);
  const seconds = (performance.now() - startedAt) / 1000;
  // One second of burst, the last upload is taken before its wait, and a timer may be a little early.
  assert.ok(seconds > 4 - 2 - 0.1, `${4 * rate} at ${rate}/s took ${seconds} s`);
  assert.ok((await metric('throttled_total{limit="rate"}')) > 0);
});
