import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FLAGS_DATASET } from '@airtight/protocol';
import { Deployment } from '../testing/deployment.ts';

const HOUR = 3_600_000;
/** 2026-04-01T00:00 in Asia/Shanghai. */
const DAY = Date.UTC(2026, 2, 31, 16);
const d = new Deployment();

before(async () => {
  await d.begin();
  d.defineAir();
  for (let hour = 0; hour < 24; hour++) {
    // s2 lacks five hours of PM2.5: 19 are no valid day. A value out of range and a corrected one must not count.
    d.reading('s1', DAY + hour * HOUR, { pm25: hour === 3 ? 9999 : 70, pm10: 50, so2: 5, no2: 20, co: 900, o3: hour < 8 ? 200 : 10 });
    d.reading('s2', DAY + hour * HOUR, { ...(hour < 19 ? { pm25: 70 } : {}), pm10: 50, so2: 5, no2: 20, co: 900, o3: 10 });
  }
  d.reading('s1', DAY + 5 * HOUR, { pm25: 93 }, DAY + 6 * HOUR);
  await d.startApi();
  await d.settled();
});
after(() => d.end());

test('what a person fails leaves the day, what its producer calls not valid too; withdrawn it is back', async () => {
  const flagged = {
    type: 'flag',
    id: 'f1',
    dataset: 'air',
    producer: 's2',
    observedProperty: 'no2',
    reason: 'calibration',
    at: DAY,
    by: 'li',
  };
  const hours = async () => (await d.json('/api/v1/daily?dataset=air&date=2026-04-01')).items[1].hours;
  assert.equal((await hours()).no2, 24);
  d.control(FLAGS_DATASET, { ...flagged, flag: 4, from: DAY + 2 * HOUR, to: DAY + 7 * HOUR });
  d.control(FLAGS_DATASET, { ...flagged, id: 'f2', flag: 3, from: DAY + 2 * HOUR, to: DAY + 3 * HOUR });
  d.reading('s2', DAY + 9 * HOUR, { so2: { v: 5, q: 'D' } });
  d.reading('s2', DAY + 10 * HOUR, { so2: { v: 5, q: 'S' } });
  await d.settled();
  assert.deepEqual([(await hours()).no2, (await hours()).so2], [20, 23], 'of the two the newer word counts for its hour');
  d.control(FLAGS_DATASET, { ...flagged, flag: null, from: DAY, to: DAY });
  d.reading('s2', DAY + 9 * HOUR, { so2: 5 });
  await d.settled();
  assert.deepEqual([(await hours()).no2, (await hours()).so2], [24, 24]);
});

test('day means over valid hours, O3 by its largest 8 h mean, the newest record of an hour', async () => {
  const { items } = await d.json('/api/v1/daily?dataset=air&date=2026-04-01');
  const [s1, s2] = items;
  assert.equal(s1.hours.pm25, 23);
  // (22 * 70 + 93) / 23 = 71 µg/m³ by 2026: 100 + ⌈50 * 11 / 55⌉ = 110.
  assert.equal(s1.index.iaqi.pm25, 110);
  // 200 µg/m³ over 00:00 to 08:00: 100 + ⌈50 * 40 / 55⌉ = 137.
  assert.equal(s1.index.iaqi.o3, 137);
  assert.deepEqual([s1.index.aqi, s1.index.primary], [137, ['o3']]);
  assert.equal(s2.index.aqi, null);
  assert.equal(s2.index.reason, 'missing:pm25');
});

test('one station alone; a dataset without an index, or none at all, is refused', async () => {
  const { items } = await d.json('/api/v1/daily?dataset=air&date=2026-04-01&producer=s2');
  assert.equal(items.length, 1);
  assert.equal((await d.get('/api/v1/daily?dataset=nothing&date=2026-04-01')).status, 404);
  assert.equal((await d.get('/api/v1/daily?dataset=air&date=2026-13-01')).status, 400);
});
