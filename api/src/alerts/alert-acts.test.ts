import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import {
  ALERTS_DATASET,
  type AlertItem,
  type AlertRaised,
  type AlertTransition,
  CONTRACTS_DATASET,
  CSRF_HEADER,
  decodeRecord,
  LEDGER_FORK_ALERT,
  OUT_OF_SERVICE,
  type OutOfServiceItem,
  type Session,
  SHELVE_MAX_MS,
  TICKS_DATASET,
} from '@airtight/protocol';
import { AlertBook } from '../project/alert-book.ts';
import { ServiceBreaks } from '../project/service-breaks.ts';
import { Deployment } from '../testing/deployment.ts';
import { ActTurns, TURNS_MAX } from './act-turns.ts';

const d = new Deployment();
const text = readFileSync(new URL('../contracts/heavy-pm25.yaml', import.meta.resolve('@airtight/contracts-engine')), 'utf8');
type Headers = { readonly [name: string]: string };
const people: { [name: string]: Headers } = {};
let raised = 0;

before(async () => {
  await d.begin();
  d.defineAir();
  for (const [name, role] of [
    ['otto', 'operator'],
    ['li', 'operator'],
    ['chief', 'administrator'],
    ['vera', 'viewer'],
  ] as const)
    await d.user(name, role, `${name}-password`);
  const contract = { type: 'contract', contract: 'heavy-pm25', version: contractVersion(text), text, author: 'a', approver: 'b' };
  d.control(CONTRACTS_DATASET, contract);
  await d.startApi();
  await d.settled();
  for (const name of ['otto', 'li', 'chief', 'vera']) people[name] = await signIn(name);
});
after(() => d.end());

async function signIn(name: string): Promise<Headers> {
  const response = await send('POST', '/session', { name, password: `${name}-password` });
  const { csrf } = response.body as Session;
  return { cookie: response.cookie.split(';')[0] as string, [CSRF_HEADER]: csrf as string };
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
type Answer = { readonly status: number; readonly body: any; readonly cookie: string };

async function send(method: string, path: string, body: unknown, headers: Headers = {}): Promise<Answer> {
  const response = await fetch(`${d.api.url}/api/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json(), cookie: response.headers.get('set-cookie') ?? '' };
}

function raise(change: Partial<AlertRaised> = {}): string {
  const alert = String(++raised).padStart(32, '0');
  transition({
    ...{ v: 1, type: 'raise', n: 0, alert, at: 1000, contract: 'heavy-pm25', version: 'b'.repeat(64), rule: 'heavy' },
    ...{ severity: 'severe', agency: 'bj', dataset: 'air', subject: 's1', since: 500, values: { pm25: 180 } },
    ...{ message: { zh: '高', en: 'high' }, evidence: [1] },
    ...change,
  });
  return alert;
}

function transition(payload: unknown): number {
  return d.journal.append({ agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy-pm25', door: 'internal' }, payload);
}

function act(name: string, alert: string, type: string, body: unknown = {}, headers: Headers = {}): Promise<Answer> {
  return send('POST', `/alerts/${alert}/${type}`, body, { ...people[name], ...headers });
}

/** Status and code of a refusal, or the state of the alert. */
function outcome({ status, body }: Answer): readonly [number, string] {
  return [status, status === 200 ? (body as AlertItem).state : (body as { code: string }).code];
}

function actsOnRecord(alert: string): AlertTransition[] {
  return d.journal.records.flatMap((bytes) => {
    const record = decodeRecord(bytes);
    if (!record.ok || record.value.header.dataset !== ALERTS_DATASET) return [];
    const json = JSON.parse(Buffer.from(record.value.payload).toString()) as AlertTransition;
    return json.alert === alert && 'by' in json && json.type !== 'suppress' ? [json] : [];
  });
}

const soon = (ms = 3_600_000) => new Date(Date.now() + ms).toISOString();

test('shelved with a reason and until when, taken off, assigned, commented on, closed: each act is one record with its person', async () => {
  const alert = raise();
  await d.settled();
  const until = soon();
  const shelved = await act('otto', alert, 'shelve', { until, reason: 'calibration' });
  assert.deepEqual([outcome(shelved), shelved.body.shelvedUntil], [[200, 'shelved'], until]);
  assert.deepEqual(
    (await d.json('/api/v1/alerts?state=shelved')).items.map((item: AlertItem) => item.alert),
    [alert],
  );
  assert.deepEqual(outcome(await act('li', alert, 'unshelve')), [200, 'unacknowledged']);
  assert.equal((await act('li', alert, 'assign', { to: 'otto' })).body.assignedTo, 'otto');
  assert.equal((await act('otto', alert, 'comment', { text: 'door was open' })).body.timeline.at(-1).comment, 'door was open');
  const closed = await act('otto', alert, 'close', { reason: 'door shut' });
  assert.deepEqual([outcome(closed), closed.body.closedBy], [[200, 'closed'], 'otto']);
  assert.deepEqual(
    actsOnRecord(alert).map((one) => [one.type, 'by' in one ? one.by : '']),
    [
      ['shelve', 'otto'],
      ['unshelve', 'li'],
      ['assign', 'li'],
      ['comment', 'otto'],
      ['close', 'otto'],
    ],
  );
  await d.settled();
  assert.deepEqual(await d.json(`/api/v1/alerts/${alert}`), closed.body, 'the table says the same');
});

test('of people who act at once the first wins and the others are told by whom', async () => {
  const alert = raise();
  await d.settled();
  const answers = await Promise.all(['otto', 'li', 'chief'].map((name) => act(name, alert, 'ack', { comment: name })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
  const winner = answers.find(({ status }) => status === 200)?.body.acknowledgedBy as string;
  for (const { body } of answers.filter(({ status }) => status === 409))
    assert.deepEqual([body.code, body.detail], ['ALERT_NOT_OPEN', `acknowledged by ${winner}`]);
  assert.equal(actsOnRecord(alert).length, 1);
});

test('what a state does not allow is refused by code, and nothing is written', async () => {
  const alert = raise();
  const fork = raise({ contract: LEDGER_FORK_ALERT, dataset: LEDGER_FORK_ALERT, severity: 'extreme' });
  await d.settled();
  const refused = async (...request: Parameters<typeof act>) => outcome(await act(...request));
  assert.deepEqual(await refused('otto', alert, 'unshelve'), [409, 'ALERT_STATE_UNFIT']);
  assert.deepEqual(await refused('otto', alert, 'approve'), [409, 'ALERT_STATE_UNFIT']);
  assert.deepEqual(await refused('otto', fork, 'shelve', { until: soon(), reason: 'x' }), [409, 'ALERT_STATE_UNFIT']);
  for (const until of [soon(-1000), soon(SHELVE_MAX_MS + 60_000)])
    assert.deepEqual(await refused('otto', alert, 'shelve', { until, reason: 'x' }), [422, 'SHELF_END_INVALID']);
  for (const reason of ['', '   ', 'x'.repeat(1001)])
    assert.deepEqual(await refused('otto', alert, 'close', { reason }), [400, 'REQUEST_INVALID'], reason.slice(0, 5));
  for (const to of ['nobody', 'vera']) assert.deepEqual(await refused('otto', alert, 'assign', { to }), [422, 'ASSIGNEE_UNKNOWN']);
  assert.deepEqual(await refused('vera', alert, 'ack'), [403, 'ROLE_REQUIRED']);
  assert.deepEqual(await refused('otto', 'f'.repeat(32), 'ack'), [404, 'NOT_FOUND']);
  assert.deepEqual([actsOnRecord(alert), actsOnRecord(fork)], [[], []]);
  assert.deepEqual(await refused('otto', fork, 'close', { reason: 'settled with its operator' }), [200, 'closed']);
  assert.deepEqual(await refused('li', fork, 'ack'), [409, 'ALERT_NOT_OPEN']);
});

test('two people approve; one person twice does not, and an API token is no person', async () => {
  const alert = raise({ approvals: 2 });
  await d.settled();
  assert.deepEqual(outcome(await act('otto', alert, 'ack')), [409, 'ALERT_STATE_UNFIT']);
  assert.deepEqual(outcome(await act('otto', alert, 'approve')), [200, 'proposed']);
  assert.deepEqual(outcome(await act('otto', alert, 'approve')), [409, 'ALERT_STATE_UNFIT']);
  const { body } = await send('POST', '/tokens', { title: 'robot', role: 'operator' }, people['chief']);
  const byToken = { authorization: `Bearer ${body.token}` };
  assert.deepEqual(outcome(await send('POST', `/alerts/${alert}/approve`, {}, byToken)), [403, 'PERSON_REQUIRED']);
  assert.deepEqual(outcome(await act('li', alert, 'approve')), [200, 'unacknowledged']);
});

test('a request that is made again under its idempotency key is done once', async () => {
  const alert = raise();
  await d.settled();
  const key = { 'idempotency-key': 'k1' };
  const [first, again] = [
    await act('otto', alert, 'comment', { text: 'hm' }, key),
    await act('otto', alert, 'comment', { text: 'hm' }, key),
  ];
  assert.deepEqual(again.body, first.body);
  assert.equal(actsOnRecord(alert).length, 1);
  assert.deepEqual(outcome(await act('otto', alert, 'comment', { text: 'other' }, key)), [422, 'IDEMPOTENCY_KEY_REUSED']);
});

test('a rule is taken out of service by an administrator, listed, and returned by hand or by the ticks', async () => {
  const wanted = { contract: 'heavy-pm25', rule: 'silent', subject: 's9', reason: 'moved to the new site' };
  assert.deepEqual(outcome(await send('PUT', '/out-of-service', wanted, people['otto'])), [403, 'ROLE_REQUIRED']);
  assert.deepEqual(outcome(await send('PUT', '/out-of-service', { ...wanted, rule: 'nix' }, people['chief'])), [404, 'NOT_FOUND']);
  const { body: out } = await send('PUT', '/out-of-service', wanted, people['chief']);
  const until = soon();
  const whole = { contract: 'heavy-pm25', until, reason: 'holiday' };
  await send('PUT', '/out-of-service', whole, people['chief']);
  const list = async () => ((await d.json('/api/v1/out-of-service')).items as OutOfServiceItem[]).map(({ rule, by }) => [rule, by]);
  assert.deepEqual(await list(), [
    [null, 'chief'],
    ['silent', 'chief'],
  ]);
  const back = (id: string) => send('POST', `/out-of-service/${id}/return`, { reason: 'done' }, people['chief']);
  assert.equal((await back(out.id)).status, 200);
  assert.deepEqual(outcome(await back(out.id)), [404, 'NOT_FOUND']);
  assert.deepEqual(await list(), [[null, 'chief']]);
  d.control(TICKS_DATASET, { type: 'tick', at: Date.parse(until) });
  await d.settled();
  assert.deepEqual(await list(), []);
});

test('after a restart the alerts and what is out of service are as before', async () => {
  const [alert, aside] = [raise(), raise({ suppressedBy: [OUT_OF_SERVICE] })];
  await d.settled();
  await act('otto', alert, 'shelve', { until: soon(), reason: 'calibration' });
  await send('PUT', '/out-of-service', { contract: 'heavy-pm25', reason: 'x' }, people['chief']);
  const seen = async () => [await d.json('/api/v1/alerts'), await d.json('/api/v1/out-of-service')];
  await d.settled();
  const before = await seen();
  await d.api.close();
  await d.startApi();
  await d.settled();
  assert.deepEqual(await seen(), before);
  assert.equal((before[0].items as AlertItem[]).find((item) => item.alert === aside)?.state, 'out-of-service');
});

test('alerts that returned and that nobody acknowledges are kept in a bounded number, in memory and from the table', async () => {
  const ids = [raise(), raise(), raise()];
  for (const alert of ids) transition({ v: 1, type: 'clear', alert, n: 1, at: 9000, values: {}, evidence: [2] });
  await d.settled();
  const { store } = d.api.context;
  const loaded = new AlertBook(2);
  await loaded.load(store, d.journal.head);
  const fed = new AlertBook(2);
  const rows = await store.query('SELECT position, payload FROM airtight.alerts ORDER BY position');
  for (const [position, payload] of rows as [number, string][]) fed.take({ position, transition: JSON.parse(payload) });
  const returned = (book: AlertBook) => book.open().flatMap((item) => (item.state === 'returned' ? [item.alert] : []));
  assert.deepEqual([returned(loaded), returned(fed)], [ids.slice(1).reverse(), ids.slice(1).reverse()]);
  assert.deepEqual(loaded.open(), fed.open());
  const services = new ServiceBreaks();
  await services.load(store, d.journal.head);
  assert.deepEqual(services.list(), d.api.context.services.list());
});

test('late data open an alert again that is no longer in memory', async () => {
  const alert = raise();
  const effect = { v: 1, alert, contract: 'heavy-pm25', agency: 'bj', evidence: [2] };
  transition({ ...effect, type: 'clear', n: 1, at: 9000, values: {} });
  const { store } = d.api.context;
  const book = new AlertBook(0);
  await d.settled();
  await book.load(store, d.journal.head - 1);
  assert.equal(book.find(alert), undefined);
  const outcome = { since: 500, raisedAt: 1000, severities: [{ at: 1000, severity: 'severe' as const }], clearedAt: null };
  const correct = { ...effect, v: 1 as const, type: 'correct' as const, n: 2, at: 9500, outcome, values: {} };
  const position = transition(correct);
  book.take({ position, transition: correct });
  await d.settled();
  await book.recover(store);
  assert.equal(book.open().find((item) => item.alert === alert)?.state, 'unacknowledged');
});

test('turns: one after the other, a failure does not stop the next, and there are only so many', async () => {
  const turns = new ActTurns();
  const seen: number[] = [];
  let release = () => {};
  const first = turns.run('a', () => new Promise<void>((resolve) => (release = resolve)));
  const waiting = Array.from({ length: TURNS_MAX - 1 }, (_, i) =>
    turns.run('a', async () => {
      seen.push(i);
      if (i === 0) throw new Error('no');
    }),
  );
  const settled = Promise.allSettled(waiting);
  await assert.rejects(
    turns.run('a', async () => undefined),
    { code: 'OVERLOADED' },
  );
  await turns.run('b', async () => seen.push(-1));
  release();
  await first;
  assert.equal((await settled).filter(({ status }) => status === 'rejected').length, 1);
  assert.deepEqual(seen, [-1, ...Array.from({ length: TURNS_MAX - 1 }, (_, i) => i)]);
});
