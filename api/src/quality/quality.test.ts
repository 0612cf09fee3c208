/** Verdicts in the real service: what the answers say, and that a restart, an audit and a rebuild come to the same. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DATASETS_DATASET, DEVICES_DATASET, type QualityRules } from '@airtight/protocol';
import { auditStore, digestStore, rebuildStore } from '../rebuild/rebuild.ts';
import { AIR, Deployment, stationRecord } from '../testing/deployment.ts';

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
      [6, 3],
      [6, 3],
      [6, 1],
    ],
  );
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
