/** Verdicts in the real service: what the answers say, and that a restart, an audit and a rebuild come to the same. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  DATASETS_DATASET,
  DEVICES_DATASET,
  type QualityRules,
  type StreamEvent,
  type StreamMessage,
  USERS_DATASET,
} from '@airtight/protocol';
import { auditStore, digestStore, rebuildStore } from '../rebuild/rebuild.ts';
import { AIR, Deployment, stationRecord, until } from '../testing/deployment.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const quality: QualityRules = {
  properties: {
    pm25: { expected: [0, 500], spike: { suspect: 200 }, flatLine: { tolerance: 0.1, suspectMs: 3 * HOUR }, notAbove: 'pm10' },
  },
};
let spiky = 0;

const span = (from: number, to: number): string =>
  `from=${new Date(T0 + from * HOUR).toISOString()}&to=${new Date(T0 + to * HOUR).toISOString()}`;
const qualityOf = async (hour: number, property = 'pm25') =>
  (await d.json(`/api/v1/observations?producer=s1&observedProperty=${property}&${span(hour, hour + 1)}`)).items.map(
    (item: { quality: unknown }) => item.quality,
  );

before(async () => {
  await d.begin();
  d.control(DATASETS_DATASET, { ...AIR, quality });
  d.control(DEVICES_DATASET, { ...stationRecord('s1'), location: { lat: 39.9, lon: 116.4 } });
  for (let hour = 0; hour < 6; hour++) {
    const position = d.reading('s1', T0 + hour * HOUR, { pm25: hour === 4 ? 300 : 20 + hour, pm10: 400, note: 'ok' });
    if (hour === 4) spiky = position;
  }
  for (let hour = 6; hour < 12; hour++) d.reading('s1', T0 + hour * HOUR, { pm25: 30, pm10: hour === 11 ? 20 : 60 });
  // Told again: the first telling was beyond what is expected, the second is not.
  d.reading('s1', T0 + 12 * HOUR, { pm25: 550, pm10: 900 });
  d.reading('s1', T0 + 12 * HOUR, { pm25: 55, pm10: 900 });
  await d.startApi();
  await d.settled();
});
after(() => d.end());

test('observations carry the flag and the tests that are not pass; what has no tests is not evaluated', async () => {
  assert.deepEqual(await qualityOf(1), [{ flag: 1, tests: {} }]);
  assert.deepEqual(await qualityOf(4), [{ flag: 3, tests: { spike: 3 } }], 'decided by the value after it');
  assert.deepEqual(await qualityOf(8), [{ flag: 1, tests: {} }]);
  assert.deepEqual(await qualityOf(11), [{ flag: 3, tests: { not_above: 3, flat_line: 3, spike: 3 } }]);
  assert.deepEqual(await qualityOf(4, 'note'), [{ flag: 2, tests: {} }]);
  assert.deepEqual(
    (await qualityOf(12)).map(({ flag }: { flag: number }) => flag),
    [3, 1],
  );
  const [row] = await d.api.context.store.query(`SELECT position, judged FROM airtight.verdicts WHERE tests = 'spike=3'`);
  assert.deepEqual(row, [spiky + 1, spiky]);
});

test('a bucket has count, expected count and the worst flag of the values that count', async () => {
  const series = async (maxPoints: number) =>
    (await d.json(`/api/v1/series?producer=s1&dataset=air&observedProperty=pm25&maxPoints=${maxPoints}&${span(0, 24)}`)).points;
  const hours = await series(100);
  assert.deepEqual(hours[4].slice(4), [1, 0, 1, 3]);
  assert.deepEqual(hours[5].slice(4), [1, 0, 1, 1]);
  assert.deepEqual(hours[12], [T0 + 12 * HOUR, 55, 55, 55, 1, 0, 1, 1], 'the telling that counts passed');
  // Buckets of six hours begin at 06:00 in Beijing, two hours before the span.
  const quarters = await series(5);
  assert.deepEqual(
    quarters.map((point: number[]) => point.slice(6)),
    [
      [4, 1],
      [6, 3],
      [6, 3],
    ],
  );
});

test('a manual flag is a record with person and reason, counts until it is withdrawn, and leaves values as they are', async () => {
  const series = { dataset: 'air', producer: 's1', observedProperty: 'pm25' };
  const secret = 's'.repeat(43);
  const secretHash = hash('sha256', secret, 'base64url');
  d.control(USERS_DATASET, { type: 'token', id: 'op', title: 'op', role: 'operator', secretHash, createdBy: 'li', revoked: false });
  await d.settled();
  const post = (path: string, body: object, bearer = `at_op_${secret}`): Promise<Response> =>
    fetch(`${d.api.url}/api/v1/observations/flags${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    });
  const [from, to] = [new Date(T0 + 4 * HOUR).toISOString(), new Date(T0 + 6 * HOUR).toISOString()];
  const wanted = { ...series, from, to, flag: 1, reason: 'fireworks, seen by the inspector' };
  assert.equal((await post('', wanted, 'none')).status, 401);
  assert.equal((await post('', { ...wanted, reason: ' ' })).status, 400);
  assert.equal((await post('', { ...wanted, to: from })).status, 400);
  const answer = await post('', wanted);
  assert.equal(answer.status, 200, await answer.clone().text());
  const put = (await answer.json()) as { id: string; record: string; by: string };
  assert.deepEqual(await qualityOf(4), [{ flag: 1, tests: { spike: 3, manual: 1 } }]);
  const buckets = async (): Promise<number[][]> =>
    (await d.json(`/api/v1/series?producer=s1&dataset=air&observedProperty=pm25&maxPoints=100&${span(0, 12)}`)).points;
  assert.deepEqual([(await buckets())[4]?.[1], (await buckets())[4]?.[7], (await buckets())[11]?.[7]], [300, 1, 3]);
  const good = async (): Promise<number[]> =>
    (await d.json(`/api/v1/series?producer=s1&dataset=air&observedProperty=pm25&maxPoints=100&good=true&${span(0, 12)}`)).points.map(
      ([start]: number[]) => ((start as number) - T0) / HOUR,
    );
  assert.deepEqual(await good(), [0, 1, 2, 3, 4, 5, 6, 7, 8], 'the person has set the spike aside');
  const second = (await (await post('', { ...wanted, from: new Date(T0 + 5 * HOUR).toISOString(), flag: 4 })).json()) as { id: string };
  assert.deepEqual(
    (await buckets()).map((point) => point[7]),
    [1, 1, 1, 1, 1, 4, 1, 1, 1, 3, 3, 3],
  );
  await post(`/${second.id}/withdraw`, { ...series, reason: 'the wrong hour' });
  await post(`/${put.id}/withdraw`, { ...series, reason: 'the wrong station' });
  assert.deepEqual(await qualityOf(4), [{ flag: 3, tests: { spike: 3 } }]);
  assert.equal((await buckets())[4]?.[7], 3);
  assert.deepEqual(await good(), [0, 1, 2, 3, 5, 6, 7, 8]);
  const { items } = await d.json(`/api/v1/observations/flags?${new URLSearchParams(series)}`);
  assert.deepEqual(
    items.map((item: typeof wanted & { withdrawn: typeof wanted }) => [item.flag, item.reason, item.withdrawn.reason]),
    [
      [4, 'fireworks, seen by the inspector', 'the wrong hour'],
      [1, 'fireworks, seen by the inspector', 'the wrong station'],
    ],
  );
  const first = await d.json('/api/v1/observations/flags?limit=1');
  const rest = await d.json(`/api/v1/observations/flags?limit=1&cursor=${first.next}`);
  assert.deepEqual([...first.items, ...rest.items], items, 'page by page');
  assert.equal(rest.next, null);
  assert.deepEqual((await d.json('/api/v1/observations/flags?producer=s2')).items, []);
  assert.equal((await post('/0000000000000000/withdraw', { ...series, reason: 'x' })).status, 404);
});

test('every bucket has count, expected count and worst flag at every resolution, and no value is lost between them', async () => {
  for (const maxPoints of [2, 3, 5, 13, 25, 100, 5000]) {
    const { bucketMs, points } = (await d.json(
      `/api/v1/series?producer=s1&dataset=air&observedProperty=pm25&maxPoints=${maxPoints}&${span(0, 24)}`,
    )) as { bucketMs: number; points: number[][] };
    assert.ok(points.length <= maxPoints, `${points.length} for ${maxPoints}`);
    const all = `of ${bucketMs} ms`;
    assert.deepEqual(
      points.map((point) => point.length),
      points.map(() => 8),
      all,
    );
    assert.equal(
      points.reduce((sum, point) => sum + (point[4] as number), 0),
      13,
      all,
    );
    for (const [start, , , , count, , expected, worst] of points as [number, number, number, number, number, number, number, number][]) {
      const [from, to] = [Math.max(start, T0), Math.min(start + bucketMs, T0 + 24 * HOUR)];
      assert.equal(expected, Math.max(1, Math.ceil((to - from) / HOUR)), all);
      assert.ok(count <= expected);
      const suspect = [4, 9, 10, 11].some((hour) => T0 + hour * HOUR >= from && T0 + hour * HOUR < to);
      assert.equal(worst, suspect ? 3 : 1, `${all} from ${new Date(start).toISOString()}`);
    }
  }
});

test('a restart between two values, an audit and a rebuild come to the same verdicts', async () => {
  d.reading('s1', T0 + 13 * HOUR, { pm25: 60, pm10: 900 });
  d.reading('s1', T0 + 14 * HOUR, { pm25: 400, pm10: 900 });
  await d.settled();
  await d.api.close();
  d.reading('s1', T0 + 15 * HOUR, { pm25: 60, pm10: 900 });
  await d.startApi();
  await d.settled();
  assert.deepEqual(await qualityOf(14), [{ flag: 3, tests: { spike: 3 } }]);
  await d.api.close();
  const audit = await auditStore(d.config);
  assert.equal(audit.finding, null);
  assert.ok(audit.rows.verdicts >= 5);
  const digest = await digestStore(d.config);
  assert.equal(digest.verdicts.rows, audit.rows.verdicts);
  await rebuildStore(d.config);
  assert.deepEqual(await digestStore(d.config), digest);
  await d.startApi();
  d.reading('s1', T0 + 16 * HOUR, { pm25: 700, pm10: 900 });
  d.reading('s1', T0 + 17 * HOUR, { pm25: 60, pm10: 900 });
  await d.settled();
  assert.deepEqual(await qualityOf(16), [{ flag: 3, tests: { gross_range: 3, spike: 3 } }], 'the state of the rebuilt store goes on');
});

/** Events of the live stream from a position on, until `isEnough`. */
async function streamed(since: number, isEnough: (events: readonly StreamEvent[]) => boolean): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const socket = new WebSocket(`${d.api.url.replace('http', 'ws')}/api/v1/stream?since=${since}`);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as StreamMessage;
    if (message.type === 'frame') events.push(...message.events);
  };
  await until(() => isEnough(events));
  socket.close();
  return events;
}

/** What a client holds of a property when it applies the stream. */
function heldQuality(events: readonly StreamEvent[], property: string): Map<number, unknown> {
  const held = new Map<number, unknown>();
  for (const event of events) {
    if (event.type === 'observation' && event.producer === 's1' && event.values[property] !== undefined)
      held.set(Date.parse(event.phenomenonTime), event.values[property].quality);
    if (event.type === 'verdict')
      for (const value of event.values) if (value.observedProperty === property) held.set(Date.parse(value.phenomenonTime), value.quality);
  }
  return held;
}

test('latest values and the live stream carry the quality, from memory, from the tables and caught up, and later verdicts follow', async () => {
  const latest = async () => (await d.json('/api/v1/latest?producer=s1')).items[0].values;
  const before = await latest();
  assert.deepEqual(
    [before.pm25.quality, before.pm10.quality],
    [
      { flag: 1, tests: {} },
      { flag: 1, tests: {} },
    ],
  );
  const has = (position: number) => (events: readonly StreamEvent[]) => events.at(-1)?.position === position;
  const beyond = d.reading('s1', T0 + 30 * HOUR, { pm25: 600, pm10: 900 });
  await d.settled();
  assert.deepEqual((await latest()).pm25.quality, { flag: 3, tests: { gross_range: 3, gap: 3 } });
  const after = d.reading('s1', T0 + 31 * HOUR, { pm25: 90, pm10: 900 });
  const last = d.reading('s1', T0 + 32 * HOUR, { pm25: 610, pm10: 900 });
  await d.settled();
  const judged = { flag: 3, tests: { gross_range: 3 } };
  assert.deepEqual((await latest()).pm25.quality, judged);
  const live = await streamed(0, has(last));
  // After a restart what lies behind is read from the journal and its verdicts from the tables.
  await d.api.close();
  await d.startApi();
  await d.settled();
  assert.deepEqual((await latest()).pm25.quality, judged, 'as the tables have it');
  const caughtUp = await streamed(0, has(last));
  assert.deepEqual(caughtUp, live);
  const held = heldQuality(live, 'pm25');
  assert.deepEqual(held.get(T0 + 4 * HOUR), { flag: 3, tests: { spike: 3 } }, 'decided by the value after it');
  assert.deepEqual(held.get(T0 + 30 * HOUR), { flag: 3, tests: { gross_range: 3, gap: 3 } });
  assert.deepEqual(held.get(T0 + 31 * HOUR), { flag: 3, tests: { spike: 3 } });
  assert.ok(beyond < after);
  const flags = live.filter((event) => event.type === 'flag');
  assert.deepEqual(
    flags.map(({ flag }) => flag.withdrawn?.reason ?? flag.reason),
    ['fireworks, seen by the inspector', 'fireworks, seen by the inspector', 'the wrong hour', 'the wrong station'],
  );
});
