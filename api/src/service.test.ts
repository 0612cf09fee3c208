import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Deployment } from './testing/deployment.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();

before(async () => {
  await d.begin();
  d.defineAir();
  d.station('s1');
  d.station('s2');
  for (let hour = 0; hour < 30; hour++) {
    d.reading('s1', T0 + hour * HOUR, { pm25: 40 + hour, pm10: 80.5, so2: 5, no2: 20, co: 900, o3: 100 });
    d.reading('s2', T0 + hour * HOUR, { pm25: { v: 10, q: 'N' }, note: 'ok', door: true });
  }
  await d.startApi();
  await d.settled();
});
after(() => d.end());

test('datasets and producers are what the control records say, without secrets', async () => {
  const datasets = await d.json('/api/v1/datasets');
  assert.deepEqual(
    datasets.items.map((item: { dataset: string }) => item.dataset),
    ['air'],
  );
  const producers = await d.get('/api/v1/producers');
  const text = await producers.text();
  assert.equal(text.includes('scrypt'), false);
  assert.equal(JSON.parse(text).items.length, 2);
});

test('latest has the newest reading with its index', async () => {
  const { items } = await d.json('/api/v1/latest?dataset=air&producer=s1');
  assert.equal(items.length, 1);
  assert.equal(items[0].phenomenonTime, new Date(T0 + 29 * HOUR).toISOString());
  assert.deepEqual(items[0].values.pm25, { result: 69, unit: 'ug/m3', flags: [], quality: { flag: 2, tests: {} } });
  assert.equal(items[0].index.standard, 'HJ 633-2026');
  // PM2.5 69 by 2026: 100 + 50 * (69 - 60) / (115 - 60) = 108.18…, rounded up.
  assert.equal(items[0].index.aqi, 109);
  assert.deepEqual(items[0].index.primary, ['pm25']);
  // CO 900 ug/m3 is 0.9 mg/m3: 50 * 9 / 50 = 9.
  assert.equal(items[0].index.iaqi.co, 9);
});

test('observations come in pages that join without loss or repeat, with results as they were sent', async () => {
  const all: { observedProperty: string; result: unknown; phenomenonTime: string; flags: string[] }[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: typeof all; next: string | null } = await d.json(
      `/api/v1/observations?producer=s2&limit=7${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    all.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  assert.equal(all.length, 90);
  assert.deepEqual(
    all.slice(0, 3).map(({ observedProperty, result }) => [observedProperty, result]),
    [
      ['pm25', 10],
      ['note', 'ok'],
      ['door', true],
    ],
  );
  assert.deepEqual(all[0]?.flags, ['q=N']);
  assert.deepEqual(all[1]?.flags, ['property']);
  assert.deepEqual(
    all.map(({ phenomenonTime }) => phenomenonTime),
    all.map(({ phenomenonTime }) => phenomenonTime).toSorted(),
  );
});

test('observations as CSV', async () => {
  const response = await d.get('/api/v1/observations?producer=s1&observedProperty=pm10&limit=2', { accept: 'text/csv' });
  const lines = (await response.text()).split('\r\n');
  assert.equal(lines.length, 4);
  assert.match(lines[1] ?? '', /^bj,air,s1,pm10,2026-04-01T00:00:00\.000Z,.*,80\.5,ug\/m3,,3,1,1,2,$/);
});

test('a series has means, extremes and counts; the index is a series too', async () => {
  const query = `producer=s1&dataset=air&from=${new Date(T0).toISOString()}&to=${new Date(T0 + 24 * HOUR).toISOString()}`;
  const series = await d.json(`/api/v1/series?${query}&observedProperty=pm25&maxPoints=100`);
  assert.equal(series.unit, 'ug/m3');
  assert.equal(series.points.length, 24);
  assert.deepEqual(series.points[1], [T0 + HOUR, 41, 41, 41, 1, 0, 1, 2]);
  const coarse = await d.json(`/api/v1/series?${query}&observedProperty=pm25&maxPoints=5`);
  assert.ok(coarse.points.length <= 5, `${coarse.points.length} points`);
  assert.equal(
    coarse.points.reduce((sum: number, point: number[]) => sum + (point[4] as number), 0),
    24,
  );
  const aqi = await d.json(`/api/v1/series?${query}&observedProperty=aqi&maxPoints=100`);
  assert.equal(aqi.points.length, 24);
});

test('a later record for the same moment counts in latest and series, and both stay in observations', async () => {
  d.reading('s1', T0 + 29 * HOUR, { pm25: 500 }, T0 + 29 * HOUR + 60_000);
  await d.settled();
  const { items } = await d.json('/api/v1/latest?producer=s1');
  assert.equal(items[0].values.pm25.result, 500);
  assert.equal(items[0].values.pm10.result, 80.5, 'what the revision does not name stays');
  assert.equal(items[0].index.aqi, 500);
  const query = `producer=s1&dataset=air&from=${new Date(T0 + 29 * HOUR).toISOString()}&to=${new Date(T0 + 30 * HOUR).toISOString()}`;
  const series = await d.json(`/api/v1/series?${query}&observedProperty=pm25`);
  assert.deepEqual(
    series.points.map((point: number[]) => point[1]),
    [500],
  );
  const raw = await d.json(`/api/v1/observations?${query}&observedProperty=pm25`);
  assert.deepEqual(
    raw.items.map((item: { result: number }) => item.result),
    [69, 500],
  );
});

test('a reading with a future clock is kept and flagged, but is never the latest, and has no index', async () => {
  d.reading('s1', T0 + 1000 * HOUR, { pm25: 1 }, T0 + 31 * HOUR);
  await d.settled();
  const { items } = await d.json('/api/v1/latest?producer=s1');
  assert.equal(items[0].values.pm25.result, 500);
  const raw = await d.json(`/api/v1/observations?producer=s1&from=${new Date(T0 + 999 * HOUR).toISOString()}`);
  assert.deepEqual(raw.items[0].flags, ['future']);
  const query = `producer=s1&dataset=air&from=${new Date(T0 + 999 * HOUR).toISOString()}&to=${new Date(T0 + 1001 * HOUR).toISOString()}`;
  assert.equal((await d.json(`/api/v1/series?${query}&observedProperty=aqi`)).points.length, 0);
});

test('the daily report is by the day of the deployment zone and by valid hours', async () => {
  const { items } = await d.json('/api/v1/daily?dataset=air&date=2026-04-01');
  const s1 = items.find((item: { producer: string }) => item.producer === 's1');
  // 2026-04-01 in Asia/Shanghai begins 8 hours before T0: 16 hours of data are no valid day.
  assert.equal(s1.hours.pm25, 16);
  assert.equal(s1.index.aqi, null);
});

test('refusals are problem documents with a stable code, in the language asked for', async () => {
  const response = await d.get('/api/v1/producers/nobody', { 'accept-language': 'zh-CN,zh;q=0.9' });
  assert.equal(response.status, 404);
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const problem = (await response.json()) as { code: string; title: string; requestId: string };
  assert.equal(problem.code, 'NOT_FOUND');
  assert.equal(problem.title, '未找到');
  assert.equal(problem.requestId, response.headers.get('x-request-id'));
  const bad = await d.get('/api/v1/observations?cursor=nonsense');
  assert.equal(((await bad.json()) as { code: string }).code, 'CURSOR_INVALID');
  const limit = await d.get('/api/v1/observations?limit=10001');
  assert.equal(((await limit.json()) as { code: string }).code, 'REQUEST_INVALID');
});

test('the interface is described from its schemas, and its documentation needs no other site', async () => {
  const openapi = await d.json('/api/openapi.json');
  assert.equal(openapi.openapi, '3.1.0');
  assert.ok(openapi.paths['/api/v1/observations']);
  assert.equal(
    Object.keys(openapi.paths).some((path: string) => path.startsWith('/internal')),
    false,
  );
  assert.equal((await d.json('/api/asyncapi.json')).asyncapi, '3.0.0');
  const page = await (await d.get('/api/docs/')).text();
  assert.equal(/(?:src|href)="https?:/.test(page), false);
});

test('health, metrics and headers', async () => {
  assert.equal((await d.get('/livez')).status, 200);
  const ready = await d.get('/readyz');
  assert.deepEqual([ready.status, ((await ready.json()) as { reasons: string[] }).reasons], [200, []]);
  const metrics = await (await d.get('/metrics')).text();
  assert.match(metrics, /airtight_api_projected_position \d+/);
  assert.match(metrics, /airtight_ingest_head 1\n/);
  assert.match(metrics, /airtight_ledger_size 1\n# EOF\n$/);
  const status = await d.get('/api/v1/status');
  assert.match(status.headers.get('content-security-policy') ?? '', /default-src 'self'/);
  assert.equal(status.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(((await status.json()) as { simulated: boolean }).simulated, true);
});

test('a restart goes on from what the tables say: nothing twice, the same latest values', async () => {
  const before = await d.json('/api/v1/latest');
  const count = async () => (await d.api.context.store.query('SELECT count(), uniqExact(position, ordinal) FROM airtight.observations'))[0];
  const rows = await count();
  await d.api.close();
  d.reading('s1', T0 + 40 * HOUR, { pm25: 7 });
  await d.startApi();
  await d.settled();
  const [total, distinct] = (await count()) as [number, number];
  assert.deepEqual([total, distinct], [((rows as number[])[0] as number) + 1, total]);
  const now = await d.json('/api/v1/latest?producer=s2');
  assert.deepEqual(
    now.items,
    before.items.filter((item: { producer: string }) => item.producer === 's2'),
  );
  assert.equal((await d.json('/api/v1/latest?producer=s1')).items[0].values.pm25.result, 7);
});
