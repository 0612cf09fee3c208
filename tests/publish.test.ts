/**
 * Publishing over HTTP, from outside: through the api's port into the journal and to the store, and while ingest is killed with
 * SIGKILL in the middle of uploads. What was answered is in the journal, and nothing is there twice.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ObservationItem, type Problem, type PublishAnswer, UPLOAD_TYPES } from '@airtight/protocol';
import { readJournal } from './harness/evidence.ts';
import { faultRounds } from './harness/fault-rounds.ts';
import { mosquittoPub } from './harness/mosquitto.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { has } from './harness/programs.ts';
import { numberedReading } from './harness/publisher.ts';
import { pause, until } from './harness/waiting.ts';

const KILLS = faultRounds(2);
const LINES_PER_UPLOAD = 2000;
const LINES_PER_PIECE = 50;
/** Between two pieces of an upload, so that a kill meets uploads in the middle. */
const PIECE_PAUSE_MS = 10;
const WRONG_CREDENTIALS_PER_MINUTE = 10;
const startMs = Date.now() - 30 * 86_400_000;
let product: Product;

before(async () => {
  product = await startProduct();
});
after(() => product?.stop());

const line = (seq: number): string => `${JSON.stringify(numberedReading(seq, startMs))}\n`;
const basic = (name: string, secret: string): string => `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`;

function publish(
  device: Device,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream,
  headers: { readonly [name: string]: string } = {},
  query = '',
): Promise<Response> {
  return fetch(`${product.httpUrl}/api/v1/records${query}`, {
    method: 'POST',
    headers: { authorization: basic(device.username, device.secret), 'content-type': 'application/x-ndjson', ...headers },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  } as RequestInit);
}

/** Lines from `first` on, sent piece by piece. */
function slowLines(first: number, count: number): ReadableStream {
  let next = first;
  return new ReadableStream({
    async pull(controller) {
      await pause(PIECE_PAUSE_MS);
      const end = Math.min(next + LINES_PER_PIECE, first + count);
      let piece = '';
      while (next < end) piece += line(next++);
      controller.enqueue(Buffer.from(piece));
      if (next === first + count) controller.close();
    },
  });
}

async function problemOf(response: Response): Promise<Problem> {
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  return (await response.json()) as Problem;
}

test('a gzipped upload is answered line by line and read back value by value', async () => {
  const device = await product.enrol('http-1');
  const body = new Uint8Array(gzipSync(`${line(1)}not a reading\n${line(2)}`));
  const headers = { 'content-encoding': 'gzip' };
  const response = await publish(device, body, headers, '?dataset=air');
  assert.equal(response.status, 200, await response.clone().text());
  const { results } = (await response.json()) as PublishAnswer;
  assert.deepEqual(
    results.map(({ status, code }) => [status, code]),
    [
      ['accepted', undefined],
      ['quarantined', 'PAYLOAD_NOT_JSON'],
      ['accepted', undefined],
    ],
  );
  const again = (await (await publish(device, body, headers, '?dataset=air')).json()) as PublishAnswer;
  assert.deepEqual(
    again.results.map(({ status, record }) => [status, record]),
    results.map(({ status, record }) => [status === 'accepted' ? 'repeat' : status, record]),
  );
  await product.untilProjected();
  const stored = await product.all<ObservationItem>('observations', { producer: device.producer });
  assert.deepEqual(
    stored.map(({ result, record }) => [result, record]),
    [
      [1, results[0]?.record],
      [2, results[2]?.record],
    ],
  );
});

test('an upload sent again under its key gets the first answer through the api; another body is refused', async () => {
  const device = await product.enrol('http-key');
  const headers = { 'idempotency-key': '8e03978e-40d5-43dd-bc93-6894a57f9324' };
  const first = await publish(device, line(1), headers);
  const again = await publish(device, line(1), headers);
  assert.deepEqual([first.status, again.status], [200, 200]);
  assert.deepEqual(
    [first, again].map((answer) => answer.headers.get('idempotency-replayed')),
    [null, 'true'],
  );
  assert.equal(await again.text(), await first.text());
  const other = await publish(device, line(2), headers);
  assert.deepEqual([other.status, (await problemOf(other)).code], [422, 'IDEMPOTENCY_KEY_REUSED']);
  const wrong = await publish(device, line(2), { 'idempotency-key': 'with a space' });
  assert.deepEqual([wrong.status, (await problemOf(wrong)).code], [400, 'REQUEST_INVALID']);
});

test('a reading that came over MQTT and comes again over HTTP is one record', async (t) => {
  const device = await product.enrol('http-2');
  if (!has(t, 'mosquitto_pub')) return;
  const message = line(1).trim();
  assert.equal((await mosquittoPub(product, device, device.topic, ['-m', message])).code, 0);
  const { results } = (await (await publish(device, message, { 'content-type': 'application/json' })).json()) as PublishAnswer;
  assert.deepEqual(
    results.map(({ status }) => status),
    ['repeat'],
  );
});

test(`${KILLS} kills of ingest in the middle of uploads: what was answered is in the journal, once`, async () => {
  const device = await product.enrol('http-kill');
  const answered = new Map<number, string>();
  let isOver = false;
  let broken = 0;
  const upload = async (): Promise<void> => {
    for (let first = 0; !isOver; ) {
      const response = await publish(device, slowLines(first, LINES_PER_UPLOAD)).catch(() => undefined);
      if (response?.status !== 200) {
        broken++;
        await response?.body?.cancel();
        await pause(PIECE_PAUSE_MS);
        continue;
      }
      const { results } = (await response.json()) as PublishAnswer;
      assert.equal(results.length, LINES_PER_UPLOAD);
      for (const result of results) {
        assert.ok(result.status === 'accepted' || result.status === 'repeat', JSON.stringify(result));
        answered.set(first + result.line - 1, result.record as string);
      }
      first += LINES_PER_UPLOAD;
    }
  };
  const uploading = upload();
  for (let kill = 1; kill <= KILLS; kill++) {
    const size = answered.size;
    await until('an upload is answered', () => answered.size > size);
    // Into the next one: some of its lines are in the journal then.
    const { head } = await product.status();
    await until('the next upload is on its way', async () => (await product.status()).head > head + LINES_PER_PIECE);
    await product.kill('ingest', 0);
  }
  const size = answered.size;
  await until('an upload is answered after the last kill', () => answered.size > size);
  isOver = true;
  await uploading;
  assert.ok(broken >= KILLS, `${broken} uploads were broken off`);

  const records = (await readJournal(product)).filter(({ header }) => header.producer === device.producer && header.dataset === 'air');
  const positions = new Map(records.map(({ position, payload }) => [JSON.parse(Buffer.from(payload).toString()).seq as number, position]));
  assert.equal(positions.size, records.length, 'a record is in the journal twice');
  assert.deepEqual(
    [...answered].filter(([seq, record]) => String(positions.get(seq)) !== record),
    [],
  );
});

test('refusals carry their code; guessing is bounded per address', async () => {
  const device = await product.enrol('http-3');
  const foreign = await publish(device, line(1), {}, '?dataset=coldchain');
  assert.deepEqual([foreign.status, (await problemOf(foreign)).code], [403, 'TOPIC_NOT_ALLOWED']);
  const large = await publish(device, new Uint8Array(9 * 1024 * 1024));
  assert.deepEqual([large.status, (await problemOf(large)).code], [413, 'PAYLOAD_TOO_LARGE']);
  const foreignType = await publish(device, line(1), { 'content-type': 'text/plain' });
  assert.deepEqual([foreignType.status, (await problemOf(foreignType)).code], [400, 'REQUEST_INVALID']);
  const counted = await product.metric('airtight_ingest_refused_logins_total', ['CREDENTIALS_WRONG']);
  let wrong = 0;
  for (;;) {
    const refused = await publish({ ...device, secret: 'wrong' }, slowLines(0, LINES_PER_UPLOAD));
    if (refused.status === 429) break;
    wrong++;
    assert.deepEqual([refused.status, (await problemOf(refused)).code], [401, 'CREDENTIALS_WRONG']);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /);
    // One more is allowed every six seconds: a slow machine gets some in.
    assert.ok(wrong < 2 * WRONG_CREDENTIALS_PER_MINUTE, `${wrong} guesses`);
  }
  assert.ok(wrong >= WRONG_CREDENTIALS_PER_MINUTE, `${wrong} guesses`);
  assert.equal(await product.metric('airtight_ingest_refused_logins_total', ['CREDENTIALS_WRONG']), counted + wrong);
  // What time has given back meanwhile is used up by another guess.
  await publish({ ...device, secret: 'wrong' }, line(1));
  const limited = await publish(device, line(1));
  assert.deepEqual([limited.status, (await problemOf(limited)).code], [429, 'RATE_LIMITED']);
  const waitS = Number(limited.headers.get('retry-after'));
  assert.ok(waitS > 0 && waitS <= 60, `retry-after ${waitS}`);
});

test('the OpenAPI document describes it', async () => {
  const { paths } = (await (await product.fetch('/api/openapi.json')).json()) as {
    paths: { [path: string]: { [method: string]: unknown } };
  };
  const operation = paths['/api/v1/records']?.['post'];
  assert.ok(operation);
  const { requestBody, security, parameters } = operation as {
    requestBody: { content: object };
    security: unknown;
    parameters: readonly { name: string; in: string }[];
  };
  assert.ok(parameters.some((parameter) => parameter.in === 'header' && parameter.name === 'idempotency-key'));
  assert.deepEqual(Object.keys(requestBody.content), UPLOAD_TYPES);
  assert.deepEqual(security, [{ device: [] }, { deviceToken: [] }]);
});
