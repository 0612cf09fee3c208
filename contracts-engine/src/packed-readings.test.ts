import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packReadings, unpackReadings } from './packed-readings.ts';
import { NO_FLAGS } from './reading.ts';
import type { Reading } from './rule/series.ts';

const reading = (at: number, more: Partial<Reading> = {}): Reading => ({
  ...{ agency: 'bj', dataset: 'air', producer: 's1', at, position: at, receivedAt: at + 5, live: true },
  ...{ values: { pm25: 1.5, pm10: at }, flags: NO_FLAGS, judged: null, manual: null, lateByMs: 0 },
  ...more,
});
const roundTrip = (readings: readonly Reading[]) => [...packReadings(readings)].flatMap((line) => unpackReadings(line));

test('readings come back as they were, in order, whatever their kind', () => {
  const readings = [
    reading(1),
    reading(2, { live: false, lateByMs: 7 }),
    reading(3, { values: { door: true, note: 'offen "ü"', pm25: -0.1 } }),
    reading(4, { values: {} }),
    reading(5, { values: { pm10: 2, pm25: 1 } }),
    reading(6, { flags: { pm25: ['late'] }, judged: { pm25: 'fail' }, manual: { pm10: 'suspect' } } as Partial<Reading>),
    reading(7, { agency: 'tj' }),
    reading(8, { producer: 's2' }),
    reading(9, { judged: { pm25: 'suspect' } } as Partial<Reading>),
  ];
  assert.deepEqual(roundTrip(readings), readings);
  assert.deepEqual(Object.keys(roundTrip(readings)[4]?.values ?? {}), ['pm10', 'pm25']);
  assert.equal(roundTrip(readings)[0]?.flags, NO_FLAGS);
  assert.deepEqual([...packReadings([])], []);
});

test('many of one kind take a third of their own JSON, in lines of a bounded length', () => {
  const readings = Array.from({ length: 1000 }, (_, i) =>
    reading(1_790_000_000_000 + i * 1000, {
      position: 10_000_000 + i,
      values: { pm25: 31.5, pm10: 52.4, so2: 6.1, no2: 41.7, co: 0.8, o3: 63.5 },
    }),
  );
  const lines = [...packReadings(readings)];
  assert.deepEqual(
    lines.map((line) => unpackReadings(line).length),
    [256, 256, 256, 232],
  );
  const share = lines.join('').length / JSON.stringify(readings).length;
  assert.ok(share < 0.34, `${share}`);
  assert.deepEqual(roundTrip(readings), readings);
});
