import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DatasetDefinition } from '@airtight/protocol';
import { ADMIN_PASSWORD, AIR, Deployment } from './testing/deployment.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 3, 1, 0);
const d = new Deployment();
const gases: DatasetDefinition = {
  ...AIR,
  referenceState: '298.15K',
  properties: { ...AIR.properties, o3: { title: { zh: '', en: '' }, unit: 'ug/m3', molarMass: 47.9982 } },
};

before(async () => {
  await d.begin();
  d.defineAir();
  for (const producer of ['ahead', 'well', 'behind', 'few', 'revised']) d.station(producer);
  await d.user('admin', 'administrator', ADMIN_PASSWORD);
  for (let i = 0; i < 10; i++) {
    const at = T0 + i * MINUTE;
    // Three minutes ahead, one reading a day: the estimate is not moved by it.
    d.reading('ahead', at + 3 * MINUTE, { pm25: i }, at + 1000);
    d.reading('well', at, { pm25: i }, at + (i === 3 ? 50 * MINUTE : 2000));
    d.reading('behind', at - 90 * MINUTE, { pm25: i }, at + i * 1000);
    // A backlog: late readings tell nothing of the clock.
    d.reading('few', at - 1000 * MINUTE, { pm25: i }, at);
  }
  d.reading('ahead', T0 - 20 * MINUTE, { pm25: 1 }, T0 + 11 * MINUTE);
  d.reading('revised', T0, { pm25: 10, pm10: 20 });
  d.reading('revised', T0, { pm25: 11 }, T0 + MINUTE);
  d.reading('revised', T0 + MINUTE, { pm25: 12 });
  d.reading('revised', T0, { pm25: 13 }, T0 + 2 * MINUTE);
  await d.startApi();
  await d.settled();
});
after(() => d.end());

// biome-ignore lint/suspicious/noExplicitAny: tests look at answers of every shape
async function skewOf(producer: string): Promise<any> {
  const { clockSkewMs, clockSkewReadings } = await d.json(`/api/v1/producers/${producer}`);
  return [clockSkewMs, clockSkewReadings];
}

test('the skew of a clock is what no delay explains, and is made up again after a restart', async () => {
  for (let restart = 0; restart < 2; restart++) {
    assert.deepEqual(await skewOf('ahead'), [3 * MINUTE - 1000, 11]);
    assert.deepEqual(await skewOf('well'), [0, 10]);
    assert.deepEqual(await skewOf('behind'), [-30 * MINUTE, 10], 'an hour of it may be the cadence');
    assert.deepEqual(await skewOf('few'), [undefined, undefined]);
    await d.api.close();
    await d.startApi();
    await d.settled();
  }
});

test('each telling of a moment is there, and says which one counts', async () => {
  const { items } = await d.json('/api/v1/observations?producer=revised');
  const first = Number(items[0].record);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const told = items.map(({ observedProperty, result, record, revision }: any) => [
    observedProperty,
    result,
    Number(record) - first,
    revision,
  ]);
  const newest = String(first + 3);
  const expected = [
    ['pm25', 10, 0, { number: 1, of: 3, newest }],
    ['pm10', 20, 0, undefined],
    ['pm25', 11, 1, { number: 2, of: 3, newest }],
    ['pm25', 13, 3, { number: 3, of: 3, newest }],
    ['pm25', 12, 2, undefined],
  ];
  assert.deepEqual(told, expected);
  const page = await d.json('/api/v1/observations?producer=revised&limit=1');
  assert.deepEqual(page.items[0].revision, { number: 1, of: 3, newest }, 'whatever is on the page');
  const ofRecord = await d.json(`/api/v1/observations?record=${first + 1}`);
  assert.deepEqual(
    ofRecord.items.map(({ result, revision }: { result: number; revision: object }) => [result, revision]),
    [[11, { number: 2, of: 3, newest }]],
  );
  const csv = await d.get('/api/v1/observations?producer=revised', { accept: 'text/csv' });
  assert.match(await csv.text(), /,10,ug\/m3,,\d+,1,3,2,\r\n/);
});

test('the newest telling counts in series and latest, and a value keeps the record it came in', async () => {
  const series = await d.json(
    `/api/v1/series?producer=revised&dataset=air&observedProperty=pm25&from=${new Date(T0).toISOString()}&to=${new Date(T0 + 2 * MINUTE).toISOString()}`,
  );
  assert.deepEqual(
    series.points.map((point: number[]) => point.slice(0, 2)),
    [
      [T0, 13],
      [T0 + MINUTE, 12],
    ],
  );
  const at = T0 + 3 * MINUTE;
  const whole = d.reading('revised', at, { pm25: 1, pm10: 2 });
  const part = d.reading('revised', at, { pm25: 3 });
  await d.settled();
  for (let restart = 0; restart < 2; restart++) {
    const [item] = (await d.json('/api/v1/latest?producer=revised')).items;
    assert.equal(item.record, String(part));
    assert.deepEqual(item.values, {
      pm10: { result: 2, unit: 'ug/m3', flags: [], quality: { flag: 2, tests: {} }, record: String(whole) },
      pm25: { result: 3, unit: 'ug/m3', flags: [], quality: { flag: 2, tests: {} } },
    });
    await d.api.close();
    await d.startApi();
    await d.settled();
  }
});

test('an administrator changes a dataset: from that record on it holds, before it does not', async () => {
  const login = await fetch(`${d.api.url}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'admin', password: ADMIN_PASSWORD }),
  });
  const { csrf } = (await login.json()) as { csrf: string };
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] as string;
  const put = (name: string, definition: object, headers: { readonly [name: string]: string } = { cookie, 'x-airtight-csrf': csrf }) =>
    fetch(`${d.api.url}/api/v1/datasets/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(definition),
    });
  const before = d.reading('well', T0, { o3: { v: 70, u: 'ppb' } });
  assert.equal((await put('air', gases, {})).status, 401);
  assert.equal((await put('sys.users', gases)).status, 400);
  const { record } = (await (await put('air', gases)).json()) as { record: string };
  assert.equal(Number(record), before + 1);
  assert.deepEqual(await (await put('air', gases)).json(), { dataset: 'air', record: null });
  const after = d.reading('well', T0 + 1, { o3: { v: 70, u: 'ppb' } });
  await d.settled();
  const [dataset] = (await d.json('/api/v1/datasets')).items;
  assert.equal(dataset.referenceState, '298.15K');
  assert.equal(dataset.properties.o3.molarMass, 47.9982);
  const values = (await d.json('/api/v1/observations?producer=well&observedProperty=o3')).items;
  assert.deepEqual([values[0].record, values[0].result, values[0].unit, values[0].flags], [String(before), 70, 'ppb', ['unit']]);
  assert.deepEqual(
    [values[1].record, values[1].result.toFixed(3), values[1].unit, values[1].flags],
    [String(after), '137.332', 'ug/m3', ['converted']],
  );
  const series = await d.json(
    `/api/v1/series?producer=well&dataset=air&observedProperty=o3&from=${new Date(T0 + 1).toISOString()}&to=${new Date(T0 + 2).toISOString()}`,
  );
  assert.equal(series.points[0][5], 0, 'a converted value is no doubtful one');
});
