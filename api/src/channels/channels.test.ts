import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ALERTS_DATASET,
  type AlertItem,
  type AlertRaised,
  CSRF_HEADER,
  DATASETS_DATASET,
  DELIVERIES_DATASET,
  type DeliveriesRecord,
  decodeRecord,
  deliveriesIn,
} from '@airtight/protocol';
import { parseCap } from '@airtight/standards/cap.ts';
import { verifyWebhook } from '@airtight/standards/standard-webhooks.ts';
import { schemaFaults } from '../testing/cap-schema.ts';
import { ADMIN_PASSWORD, AIR, Deployment, until } from '../testing/deployment.ts';
import { KEPT_MS } from './outbox.ts';

const d = new Deployment();
const received: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
/** What the receiver answers by path, one after the other; then 204. */
const answers = new Map<string, number[]>();
let receiver: Server;
let hook = '';
let raised = 0;
let admin: { readonly [name: string]: string } = {};

before(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, body });
      response.writeHead(answers.get(path)?.shift() ?? 204, { location: '/elsewhere' }).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  await d.begin({ AIRTIGHT_API_WEBHOOK_NETWORKS: '127.0.0.1' });
  d.journal.now = Date.now();
  d.defineAir();
  d.control(DATASETS_DATASET, { ...AIR, dataset: 'clinic', confidential: true });
  d.station('s1');
  await d.user('chief', 'administrator', ADMIN_PASSWORD);
  await d.startApi();
  await d.settled();
  const { csrf, cookie } = await signIn();
  admin = { cookie, [CSRF_HEADER]: csrf };
});
after(async () => {
  await d.end();
  receiver.closeAllConnections();
  receiver.close();
});

async function signIn() {
  const response = await fetch(`${d.api.url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'chief', password: ADMIN_PASSWORD }),
  });
  const { csrf } = (await response.json()) as { csrf: string };
  return { csrf, cookie: response.headers.get('set-cookie')?.split(';')[0] as string };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
async function send(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: any }> {
  const response = await fetch(`${d.api.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...admin },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const title = { zh: '市生态环境局', en: 'Environment Bureau' };
function webhook(name: string, change: object = {}) {
  return send('PUT', `/channels/${name}`, { kind: 'webhook', title, url: `${hook}/${name}`, ...change });
}

function raise(change: Partial<AlertRaised> = {}): string {
  const alert = String(++raised).padStart(32, '0');
  transition({
    ...{ v: 1, type: 'raise', n: 0, alert, at: Date.now(), contract: 'heavy-pm25', version: 'b'.repeat(64), rule: 'heavy' },
    ...{ severity: 'severe', agency: 'bj', dataset: 'air', subject: 's1', since: Date.now() - 1000, values: { pm25: 180 } },
    ...{ message: { zh: '重度污染 <180>', en: 'heavy & bad <180>' }, evidence: [1] },
    ...change,
  });
  return alert;
}

function transition(payload: unknown): number {
  d.journal.now = Date.now();
  return d.journal.append({ agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy-pm25', door: 'internal' }, payload);
}

function follow(alert: string, n: number, change: object): number {
  return transition({
    v: 1,
    alert,
    n,
    at: Date.now(),
    contract: 'heavy-pm25',
    agency: 'bj',
    evidence: [n],
    values: { pm25: n },
    ...change,
  });
}

const at = (path: string) => received.filter((one) => one.path === path);
const got = (path: string, count: number) => until(() => at(path).length >= count);

/** States of an alert's deliveries by one channel. */
async function statesOf(alert: string, channel: string): Promise<string[]> {
  const items: { readonly channel: string; readonly state: string }[] = (await send('GET', `/alerts/${alert}/deliveries`)).body.items;
  return items.filter((item) => item.channel === channel).map(({ state }) => state);
}

async function capFiles(alert: string): Promise<{ readonly name: string; readonly text: string }[]> {
  const names = [...(await (await d.get('/cap/feed.atom')).text()).matchAll(/href="\/cap\/([^"]+\.xml)"/g)].map(
    ([, name]) => name as string,
  );
  const own = names.filter((name) => name.startsWith(alert)).reverse();
  return Promise.all(own.map(async (name) => ({ name, text: await (await d.get(`/cap/${name}`)).text() })));
}

test('an alert becomes CAP: one Alert, Updates that refer to it, a Cancel, each valid by the schema; others see them as Atom', async (t) => {
  const areas = {
    bj: {
      geocode: '110000',
      polygon: [
        [39, 116],
        [40, 116],
        [40, 117],
        [39, 116],
      ],
    },
  };
  assert.equal((await send('PUT', '/channels/public', { kind: 'cap', title, sender: 'air.example.cn', areas })).status, 200);
  const alert = raise();
  follow(alert, 1, { type: 'update', severity: 'extreme', since: Date.now(), message: { zh: '更重', en: 'worse' } });
  follow(alert, 2, { type: 'clear' });
  await until(async () => (await capFiles(alert)).length === 3);
  const files = await capFiles(alert);
  const read = files.map(({ text }) => parseCap(new TextEncoder().encode(text)));
  const alerts = read.map((one) => (one.ok ? one.alert : assert.fail(one.detail)));
  assert.deepEqual(
    alerts.map(({ msgType }) => msgType),
    ['Alert', 'Update', 'Cancel'],
  );
  assert.deepEqual(
    alerts.map(({ references = [] }) => references.map(({ identifier }) => identifier)),
    [[], [alerts[0]?.identifier], [alerts[0]?.identifier, alerts[1]?.identifier]],
  );
  // The station's data are made up.
  assert.ok(
    alerts.every(({ status, info = [] }) => status === 'Exercise' && info.map(({ language }) => language).join() === 'zh-CN,en-US'),
  );
  assert.deepEqual(alerts[1]?.info?.[1]?.severity, 'Extreme');
  const area = alerts[0]?.info?.[0]?.area?.[0];
  assert.deepEqual([area?.geocode, area?.polygon?.[0]?.length], [[{ valueName: 'GB/T 2260', value: '110000' }], 4]);
  assert.equal(alerts[0]?.info?.[0]?.resource?.[0]?.uri, `${d.api.url}/cap/${alerts[0]?.identifier}.airtight-proof.json`);
  assert.equal((await d.get('/cap/unknown.airtight-proof.json')).status, 404);
  assert.deepEqual(
    schemaFaults(
      t,
      files.map(({ text }) => text),
    ) ?? [],
    [],
  );
});

test('the test button of a CAP feed publishes a message of status Test, without a proof', async () => {
  const { status, body } = await send('POST', '/channels/public/test', {});
  assert.equal(status, 202);
  await until(async () => (await d.get(`/cap/${body.message}.xml`)).status === 200);
  const read = parseCap(new Uint8Array(await (await d.get(`/cap/${body.message}.xml`)).arrayBuffer()));
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual([read.alert.status, read.alert.msgType, read.alert.incidents], ['Test', 'Alert', undefined]);
  assert.deepEqual(
    read.alert.info?.map(({ event, category, resource }) => [event, category, resource]),
    [
      ['测试', ['Other'], undefined],
      ['Test', ['Other'], undefined],
    ],
  );
  assert.equal((await d.get(`/cap/${body.message}.airtight-proof.json`)).status, 404);
});

test('a webhook is signed, keeps its id on the retry, and its fate is on record', async () => {
  answers.set('/office', [500]);
  const { body: made } = await webhook('office', { languages: ['en'] });
  assert.match(made.secret, /^whsec_/);
  const alert = raise();
  await got('/office', 2);
  const [first, second] = at('/office');
  for (const one of [first, second]) {
    const headers = {
      id: one?.headers['webhook-id'] as string,
      timestamp: one?.headers['webhook-timestamp'] as string,
      signature: one?.headers['webhook-signature'] as string,
    };
    assert.equal(verifyWebhook(headers, Buffer.from(one?.body ?? ''), [made.secret], Date.now() / 1000).ok, true);
  }
  assert.deepEqual([first?.headers['webhook-id'], first?.body], [second?.headers['webhook-id'], second?.body]);
  const told = JSON.parse(first?.body ?? '');
  assert.deepEqual([told.type, told.data.alert, told.data.message], ['alert.raised', alert, { en: 'heavy & bad <180>' }]);
  const outcomes = () =>
    d.journal.records.flatMap((bytes) => {
      const record = decodeRecord(bytes);
      if (!record.ok || record.value.header.dataset !== DELIVERIES_DATASET) return [];
      return (JSON.parse(Buffer.from(record.value.payload).toString()) as DeliveriesRecord).outcomes.filter(
        ({ channel }) => channel === 'office',
      );
    });
  await until(() => outcomes().length === 2);
  assert.deepEqual(
    outcomes().map(({ attempt, outcome, detail }) => [attempt, outcome, detail]),
    [
      [1, 'failed', 'http 500'],
      [2, 'delivered', 'http 204'],
    ],
  );
  assert.deepEqual(await statesOf(alert, 'office'), ['delivered']);
  assert.ok(!d.journal.records.some((bytes) => Buffer.from(bytes).includes(made.secret)), 'no secret in the journal');
});

test('the alert itself tells who was told of each transition, by the record of it; also when the outbox has forgotten', async () => {
  answers.set('/duty', [503]);
  await webhook('duty');
  await webhook('deaf', { url: 'http://127.0.0.1:1/' });
  const alert = raise();
  follow(alert, 1, { type: 'clear' });
  await got('/duty', 3);
  const timeline = async () => (await d.json(`/api/v1/alerts/${alert}`)).timeline as AlertItem['timeline'];
  const told = async (step: number, channel: string) => (await timeline())[step]?.deliveries?.find((one) => one.channel === channel);
  await until(async () => typeof (await told(1, 'duty'))?.record === 'string');
  const raised = await told(0, 'duty');
  assert.deepEqual(
    [raised?.state, raised?.attempts, raised?.detail, raised?.kind, raised?.title],
    ['delivered', 2, 'http 204', 'webhook', title],
  );
  const record = decodeRecord(d.journal.records[Number(raised?.record)] as Uint8Array);
  const outcome = record.ok
    ? deliveriesIn(record.value)?.find(({ message, attempt }) => message === raised?.message && attempt === 2)
    : undefined;
  assert.deepEqual([outcome?.record, outcome && new Date(outcome.at).toISOString()], [Number((await timeline())[0]?.record), raised?.at]);
  const waits = await told(0, 'deaf');
  assert.deepEqual([waits?.state, waits?.detail], ['waiting', 'ECONNREFUSED']);
  assert.ok(Date.parse(waits?.nextAt ?? '') > Date.parse(waits?.at ?? ''));
  const second = await told(1, 'deaf');
  assert.deepEqual(
    [second?.state, second?.attempts, second?.at, second?.record],
    ['waiting', 0, null, null],
    'it waits for the one before',
  );
  assert.ok(
    (await d.json('/api/v1/alerts?state=all')).items.every((item: AlertItem) => item.timeline.every((one) => !('deliveries' in one))),
  );
  await d.settled();
  d.api.context.channels.outbox.prune(Date.now() + 2 * KEPT_MS);
  assert.deepEqual(await told(0, 'duty'), raised, 'by the records alone');
});

test('in order per alert, and a dead receiver delays nobody else', async () => {
  await webhook('dead', { url: 'http://127.0.0.1:1/' });
  await webhook('quick');
  const alert = raise();
  follow(alert, 1, { type: 'escalate', step: 1, severity: 'extreme', notify: [] });
  follow(alert, 2, { type: 'clear' });
  await got('/quick', 3);
  assert.deepEqual(
    at('/quick').map(({ body }) => JSON.parse(body).type),
    ['alert.raised', 'alert.updated', 'alert.cancelled'],
  );
  const tried = async () =>
    (await send('GET', '/channels/dead/deliveries')).body.items.map((item: { attempts: unknown[] }) => item.attempts.length > 0);
  await until(async () => (await tried()).at(-1) === true);
  assert.deepEqual(await tried(), [false, false, true], 'the later ones wait for the first');
});

test('filters, names in the contract, confidential datasets: who is told', async () => {
  await webhook('grave', { filter: { severities: ['extreme'], agencies: ['bj'] } });
  await webhook('named', { namedOnly: true });
  await webhook('health', { confidential: true, filter: { datasets: ['clinic'] } });
  await webhook('all');
  raise({ severity: 'minor' });
  const named = raise({ severity: 'minor', notify: ['named'] });
  const grave = raise({ severity: 'extreme' });
  const clinic = raise({ dataset: 'clinic', severity: 'extreme' });
  const hidden = raise({ dataset: 'clinic', notify: ['all', 'named'] });
  raise({ severity: 'extreme', suppressedBy: ['out-of-service'] });
  raise({ severity: 'extreme', group: 'f'.repeat(32) });
  raise({ severity: 'extreme', at: Date.now() - 25 * 3_600_000 });
  const last = raise({ severity: 'extreme' });
  await Promise.all([got('/grave', 2), got('/named', 1), got('/health', 2), got('/all', 4)]);
  const alertsAt = (path: string) => at(path).map(({ body }) => JSON.parse(body).data.alert);
  assert.deepEqual(alertsAt('/grave').sort(), [grave, last]);
  assert.deepEqual(alertsAt('/named'), [named]);
  assert.deepEqual(alertsAt('/health').sort(), [clinic, hidden]);
  assert.ok(!alertsAt('/all').includes(clinic) && !alertsAt('/all').includes(hidden));
  assert.deepEqual([await capFiles(clinic), await capFiles(hidden)], [[], []]);
  const marked = await send('PUT', '/channels/leak', { kind: 'cap', title, sender: 'x', confidential: true });
  assert.deepEqual([marked.status, marked.body.code], [422, 'CHANNEL_INVALID']);
});

test('410 disables; redirects are not followed; private addresses are denied; the test button; two secrets sign', async () => {
  answers.set('/gone', [410]);
  answers.set('/moved', [302]);
  await webhook('gone');
  await webhook('moved');
  await webhook('inside', { url: 'https://[::ffff:10.0.0.1]/' });
  const { body: made } = await webhook('tested');
  const rotated = (await send('POST', '/channels/tested/secret', {})).body.secret;
  for (const name of ['gone', 'moved', 'inside', 'tested']) assert.equal((await send('POST', `/channels/${name}/test`, {})).status, 202);
  await Promise.all([got('/gone', 1), got('/moved', 1), got('/tested', 1)]);
  const stateOf = async (name: string) =>
    (await send('GET', '/channels')).body.items.find((item: { channel: string }) => item.channel === name);
  await until(async () => (await stateOf('gone')).disabled === true);
  await until(async () => (await stateOf('inside')).health.lastFailed?.detail === 'address denied');
  await until(async () => (await stateOf('moved')).health.lastFailed?.detail === 'http 302');
  assert.equal(at('/elsewhere').length, 0);
  const signature = at('/tested')[0]?.headers['webhook-signature'] as string;
  assert.equal(signature.split(' ').length, 2);
  const headers = {
    id: at('/tested')[0]?.headers['webhook-id'] as string,
    timestamp: at('/tested')[0]?.headers['webhook-timestamp'] as string,
    signature,
  };
  for (const secret of [made.secret, rotated])
    assert.equal(verifyWebhook(headers, Buffer.from(at('/tested')[0]?.body ?? ''), [secret], Date.now() / 1000).ok, true);
});

test('what waits survives the end of the service, and nothing is sent twice by a store made anew', async () => {
  await webhook('late', { url: 'http://127.0.0.1:1/' });
  const alert = raise();
  await until(async () => (await send('GET', '/channels/late/deliveries')).body.items.length === 1);
  // Whoever answers has it: what would still be on its way at the end would be sent after it.
  for (const name of ['office', 'quick', 'all', 'tested']) await until(async () => (await statesOf(alert, name)).join() === 'delivered');
  await until(() => d.api.context.channels.outbox.unrecorded(1).ids.length === 0);
  await d.settled();
  await d.api.close();
  rmSync(join(d.dir, 'store'), { recursive: true });
  const known = received.length;
  await d.startApi();
  await d.settled();
  const session = await signIn();
  admin = { cookie: session.cookie, [CSRF_HEADER]: session.csrf };
  const { body } = await send('GET', '/channels/late/deliveries');
  assert.deepEqual(
    body.items.map((item: { alert: string }) => item.alert),
    [alert],
  );
  await webhook('late');
  assert.equal((await send('POST', `/channels/late/deliveries/${body.items[0].id}/resend`, {})).status, 202);
  await got('/late', 1);
  assert.deepEqual(
    received
      .slice(known)
      .map(({ path }) => path)
      // Its redirect failed: it is tried again.
      .filter((path) => path !== '/moved'),
    ['/late'],
  );
});
