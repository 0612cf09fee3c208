/** The read side and removed payloads: rows go, once for all; what can no longer be computed is neither invented nor hidden. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { contractVersion } from '@airtight/contracts-engine';
import {
  ALERTS_DATASET,
  CONTRACTS_DATASET,
  decodeRecord,
  RETENTION_DATASET,
  type RetentionRecord,
  TICKS_DATASET,
} from '@airtight/protocol';
import { snapshotPathIn } from '../contracts/snapshot-file.ts';
import { storeDirOf } from '../service.ts';
import { Deployment, until } from '../testing/deployment.ts';
import { auditStore, digestStore, rebuildStore } from './rebuild.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const heavy = readFileSync(new URL('../contracts/heavy-pm25.yaml', import.meta.resolve('@airtight/contracts-engine')), 'utf8');
/** Positions of the readings: all of s1 first, then those of s2, the only ones that stay. */
const s1: number[] = [];
const s2: number[] = [];
let record: RetentionRecord;

function tick(at: number): void {
  d.journal.now = at;
  d.control(TICKS_DATASET, { type: 'tick', at });
}

function alertsOnRecord(): string[] {
  return d.journal.records.flatMap((bytes) => {
    const { ok, value } = decodeRecord(bytes) as { ok: boolean; value: { header: { dataset: string }; payload: Uint8Array } };
    return ok && value.header.dataset === ALERTS_DATASET ? [Buffer.from(value.payload).toString()] : [];
  });
}

const storedOf = async (producer: string): Promise<string[]> =>
  (await d.json(`/api/v1/observations?producer=${producer}&limit=10000`)).items.map((item: { record: string }) => item.record);

before(async () => {
  await d.begin();
  d.defineAir();
  d.station('s1');
  d.station('s2');
  const names = { contract: 'heavy-pm25', version: contractVersion(heavy) as string, author: 'a', approver: 'b' };
  d.control(CONTRACTS_DATASET, { type: 'contract', text: heavy, ...names });
  await d.startApi();
});
after(() => d.end());

test('at the retention record the rows go, of observations and indices, and the latest value with them', async () => {
  // Above the limit at its end: an alert stands open across the gap.
  for (let hour = 0; hour < 30; hour++) s1.push(d.reading('s1', T0 + hour * HOUR, { pm25: hour < 25 ? 40 : 200, pm10: 50 }));
  tick(T0 + 30 * HOUR);
  await until(() => alertsOnRecord().length === 1);
  for (let hour = 31; hour < 40; hour++) s2.push(d.reading('s2', T0 + hour * HOUR, { pm25: 30, pm10: 50 }));
  await d.settled();
  assert.equal((await d.json('/api/v1/latest?producer=s1')).items.length, 1);
  const [fromPosition, keptBirth, toPosition] = [s1[0], s1[3], s1.at(-1)] as [number, number, number];
  record = {
    ...{ type: 'retention', dataset: 'air', before: T0 + 31 * HOUR, fromPosition, toPosition, kept: [keptBirth], count: s1.length - 1 },
    ...{ keptSha256: '0'.repeat(64), policyPosition: 0, by: 'policy' },
  };
  d.control(RETENTION_DATASET, record);
  await d.settled();
  assert.deepEqual(new Set(await storedOf('s1')), new Set([String(keptBirth)]));
  assert.deepEqual(new Set(await storedOf('s2')), new Set(s2.map(String)));
  await until(async () => (await d.json('/api/v1/latest?producer=s1')).items[0]?.record === String(keptBirth));
  const indices = await d.api.context.store.query('SELECT position FROM airtight.indices ORDER BY position');
  assert.deepEqual(
    indices.map(([position]) => position),
    [keptBirth, ...s2],
  );
});

test('the audit passes before and after ingest has removed the payloads, and a rebuild gives the same bytes either way', async () => {
  await d.api.close();
  for (const removed of [false, true]) {
    if (removed) for (const position of s1) if (position !== record.kept?.[0]) d.journal.expired.add(position);
    assert.equal((await auditStore(d.config)).finding, null, `removed: ${removed}`);
    const digest = await digestStore(d.config);
    const { alerts, code, expired } = await rebuildStore(d.config);
    assert.equal(code, null, JSON.stringify(alerts));
    assert.deepEqual([expired, alerts.uncheckable, alerts.recorded], removed ? [29, 1, 1] : [0, 0, 1]);
    assert.deepEqual(await digestStore(d.config), digest);
  }
});

test('the contracts go on with the state they had: an alert from before the gap is cleared', async () => {
  await d.startApi();
  await d.settled();
  const [alert] = (await d.json('/api/v1/alerts')).items;
  assert.equal(alert.subject, 's1');
  for (const hour of [41, 42]) d.reading('s1', T0 + hour * HOUR, { pm25: 20 });
  tick(T0 + 43 * HOUR);
  await until(() => alertsOnRecord().length === 2);
  assert.match(alertsOnRecord()[1] ?? '', new RegExp(`"type":"clear","v":1,"alert":"${alert.alert}"`));
});

test('without that state the journal is folded across the gap, and nothing is invented', async () => {
  // The alert that follows is known only by what stands behind the gap, so it is recomputed and already on record.
  const evidence = d.reading('s2', T0 + 44 * HOUR, { pm25: 300 });
  tick(T0 + 45 * HOUR);
  await until(() => alertsOnRecord().length === 3);
  assert.match(alertsOnRecord()[2] ?? '', new RegExp(`"evidence":\\[${evidence}\\]`));
  await d.settled();
  const { head } = d.journal;
  await d.api.close();
  rmSync(snapshotPathIn(storeDirOf(d.config)));
  await d.startApi();
  await d.settled();
  await until(() => d.api.context.fold.next >= head);
  for (const hour of [46, 47]) d.reading('s2', T0 + hour * HOUR, { pm25: 10 });
  tick(T0 + 48 * HOUR);
  await until(() => alertsOnRecord().length === 4);
  assert.match(alertsOnRecord()[3] ?? '', /"type":"clear"/);
  await d.settled();
  assert.equal(alertsOnRecord().length, 4);
});

test('a removed record: 410 with leaf hash and header, also when its proof is asked for', async () => {
  for (const path of ['', '/proof']) {
    const answer = await d.get(`/api/v1/records/${s1[0]}${path}`);
    const problem = (await answer.json()) as { code: string; leafHash: string; header: { producer: string } };
    assert.deepEqual([answer.status, problem.code, problem.header.producer], [410, 'RECORD_EXPIRED', 's1']);
    assert.match(problem.leafHash, /^[0-9a-f]{64}$/);
  }
});

test('rows that the fold brings back, because the newest of the table are gone, are deleted again', async () => {
  const from = d.journal.head;
  const late = [50, 51, 52].map((hour) => d.reading('s1', T0 + hour * HOUR, { pm25: 60 }));
  await d.settled();
  const { kept: _kept, ...rest } = record;
  d.control(RETENTION_DATASET, { ...rest, fromPosition: from, toPosition: late.at(-1), count: late.length });
  await d.settled();
  assert.equal((await storedOf('s1')).includes(String(late[0])), false);
  // ingest was killed before it removed them: the frames still hold everything.
  await d.api.close();
  await d.startApi();
  await d.settled();
  await until(() => d.api.context.fold.next >= d.journal.head);
  await until(async () => !(await storedOf('s1')).some((position) => late.map(String).includes(position)));
  await d.api.close();
  assert.equal((await auditStore(d.config)).finding, null);
  await d.startApi();
});
