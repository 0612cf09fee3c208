import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import {
  ALERTS_DATASET,
  CONTRACTS_DATASET,
  type ContractRecord,
  CSRF_HEADER,
  decodeRecord,
  FILE_DOOR,
  FILE_LIVE_DOOR,
  type Session,
  TICK_INTERVAL_MS,
  TICKS_DATASET,
} from '@airtight/protocol';
import { auditStore, digestStore, rebuildStore } from '../rebuild/rebuild.ts';
import { Deployment, until } from '../testing/deployment.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const text = readFileSync(new URL('../contracts/heavy-pm25.yaml', import.meta.resolve('@airtight/contracts-engine')), 'utf8');

before(async () => {
  await d.begin();
  d.defineAir();
  d.station('s1');
  await d.user('otto', 'operator', 'otto-password');
  const contract: ContractRecord = {
    type: 'contract',
    contract: 'heavy-pm25',
    version: contractVersion(text) as string,
    text,
    author: 'a',
    approver: 'b',
  };
  d.control(CONTRACTS_DATASET, contract);
  await d.startApi();
});
after(() => d.end());

function tick(at: number): void {
  d.journal.now = at;
  d.control(TICKS_DATASET, { type: 'tick', at });
}

function alertRecords(): { type: string; alert: string }[] {
  return d.journal.records.flatMap((bytes) => {
    const record = decodeRecord(bytes);
    return record.ok && record.value.header.dataset === ALERTS_DATASET ? [JSON.parse(Buffer.from(record.value.payload).toString())] : [];
  });
}

test('the contract in force is listed with its text and version', async () => {
  await d.settled();
  const { items } = await d.json('/api/v1/contracts');
  assert.deepEqual(
    items.map(({ contract, version }: ContractRecord) => [contract, version]),
    [['heavy-pm25', contractVersion(text)]],
  );
});

test('the schema of contract documents is there for editors', async () => {
  const schema = await d.json('/api/v1/contracts/schema');
  assert.deepEqual([schema.$schema, schema.required.includes('rules')], ['https://json-schema.org/draft/2020-12/schema', true]);
});

test('a value over the limit raises an alert, which enters the journal by the one way, once', async () => {
  d.reading('s1', T0, { pm25: 100 });
  const evidence = d.reading('s1', T0 + HOUR, { pm25: 180 });
  tick(T0 + HOUR + 1000);
  await until(async () => (await d.json('/api/v1/alerts')).items.length === 1);
  const [alert] = (await d.json('/api/v1/alerts')).items;
  assert.deepEqual([alert.state, alert.severity, alert.subject, alert.values], ['unacknowledged', 'severe', 's1', { pm25: 180 }]);
  assert.deepEqual(alert.evidence, [String(evidence)]);
  assert.equal(alertRecords().length, 1);
  assert.deepEqual(await d.json(`/api/v1/alerts/${alert.alert}`), alert);
});

test('an operator acknowledges it, on record; a second time is refused', async () => {
  const login = await fetch(`${d.api.url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'otto', password: 'otto-password' }),
  });
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] as string;
  const { csrf } = (await login.json()) as Session;
  const [alert] = (await d.json('/api/v1/alerts')).items;
  const ack = (headers: { [name: string]: string }) =>
    fetch(`${d.api.url}/api/v1/alerts/${alert.alert}/ack`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ comment: 'seen' }),
    });
  assert.equal((await ack({})).status, 401, 'a visitor who may read may not acknowledge');
  const done = await ack({ cookie, [CSRF_HEADER]: csrf as string });
  assert.equal(done.status, 200);
  const item = (await done.json()) as { state: string; acknowledgedBy: string; timeline: { by?: string; comment?: string }[] };
  assert.deepEqual([item.state, item.acknowledgedBy, item.timeline.at(-1)?.comment], ['acknowledged', 'otto', 'seen']);
  const again = await ack({ cookie, [CSRF_HEADER]: csrf as string });
  assert.deepEqual([again.status, ((await again.json()) as { code: string }).code], [409, 'ALERT_NOT_OPEN']);
  assert.equal(alertRecords().length, 2);
});

test('it clears and is over; the list of all alerts still has it', async () => {
  d.reading('s1', T0 + 2 * HOUR, { pm25: 90 });
  d.reading('s1', T0 + 3 * HOUR, { pm25: 80 });
  await until(() => alertRecords().length === 3);
  await until(async () => (await d.json('/api/v1/alerts')).items.length === 0);
  await d.settled();
  const { items } = await d.json('/api/v1/alerts?state=all');
  assert.deepEqual(
    items.map(({ state }: { state: string }) => state),
    ['closed'],
  );
  assert.deepEqual(
    items[0].timeline.map(({ type }: { type: string }) => type),
    ['raise', 'acknowledge', 'clear'],
  );
});

test('effects that cannot be written wait, and are written once ingest is back; a restart repeats none', async () => {
  d.reading('s1', T0 + 4 * HOUR, { pm25: 300 });
  await until(() => d.api.context.fold.next === d.journal.head || alertRecords().length === 4);
  await d.journal.stop();
  await d.api.close();
  await d.journal.start();
  await d.startApi();
  await until(() => alertRecords().length === 4);
  d.reading('s1', T0 + 5 * HOUR, { pm25: 310 });
  await d.settled();
  assert.equal(alertRecords().length, 4);
  assert.equal((await d.json('/api/v1/alerts')).items.length, 1);
});

test('imported history is stored and judges nothing; a file that is to be judged is', async () => {
  const known = alertRecords().length;
  const readAs = (door: string, producer: string, hour: number, pm25: number) =>
    d.journal.append({ agency: 'bj', dataset: 'air', producer, door, receivedAt: T0 + 7 * HOUR }, { t: T0 + hour * HOUR, m: { pm25 } });
  for (let hour = 0; hour < 3; hour++) readAs(FILE_DOOR, 's2', hour, 400);
  await d.settled();
  assert.equal((await d.json('/api/v1/observations?producer=s2')).items.length, 3);
  assert.equal(alertRecords().length, known);
  readAs(FILE_LIVE_DOOR, 's3', 1, 400);
  readAs(FILE_LIVE_DOOR, 's3', 2, 50);
  readAs(FILE_LIVE_DOOR, 's3', 3, 50);
  await until(() => alertRecords().length === known + 2);
  await d.settled();
});

test('silence raises an alert by the ticks alone', async () => {
  for (let at = T0 + 5 * HOUR; at < T0 + 8.2 * HOUR; at += TICK_INTERVAL_MS) tick(at);
  await until(() => alertRecords().length === 7);
  await until(async () => (await d.json('/api/v1/alerts')).items.length === 3);
});

test('a rebuild from the journal gives the same bytes, and its alerts are the recorded ones', async () => {
  await d.settled();
  const latest = await d.json('/api/v1/latest');
  const alerts = await d.json('/api/v1/alerts?state=all');
  await d.api.close();
  const before = await digestStore(d.config);
  assert.equal((await auditStore(d.config)).finding, null);
  const report = await rebuildStore(d.config);
  assert.deepEqual([report.code, report.alerts.recomputed, report.alerts.recorded, report.alerts.unrecorded], [null, 6, 6, 0]);
  assert.equal(report.through, d.journal.head);
  assert.deepEqual(await digestStore(d.config), before);
  await d.startApi();
  await d.settled();
  assert.deepEqual(await d.json('/api/v1/latest'), latest);
  assert.deepEqual(await d.json('/api/v1/alerts?state=all'), alerts);
  assert.equal(alertRecords().filter(({ type }) => type !== 'acknowledge').length, 6, 'nothing was written again');
});

test('a recorded alert that the journal does not give is named', async () => {
  const [alert] = alertRecords();
  d.journal.append(
    { agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy-pm25', door: 'internal' },
    { ...alert, alert: 'f'.repeat(32) },
  );
  const position = d.journal.head - 1;
  await d.settled();
  await d.api.close();
  const report = await rebuildStore(d.config);
  assert.equal(report.code, 'ALERTS_MISMATCH');
  assert.deepEqual(
    report.alerts.differences.map((difference) => difference.position),
    [position],
  );
  await d.startApi();
});
