import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset, LatestItem, Producer } from '@airtight/protocol';
import { stationSpecs } from './chart-specs.ts';
import { byUrgency, isOverLimit, stationViews } from './station-view.ts';

const NOW = Date.UTC(2026, 10, 22, 8);
const dataset = {
  dataset: 'air',
  title: { zh: '', en: '' },
  cadenceMs: 60_000,
  index: 'cn-aqi',
  properties: { wd: { unit: '1' }, temp: { unit: 'Cel' }, pm25: { unit: 'ug/m3' } },
} as unknown as Dataset;
const producer = (id: string, change: Partial<Producer> = {}) =>
  ({
    producer: id,
    kind: 'air-station',
    name: { zh: id, en: id },
    datasets: ['meteo', 'air'],
    simulated: false,
    revoked: false,
    ...change,
  }) as Producer;
const latest = (id: string, ageMs: number, aqi: number | null) =>
  ({
    dataset: 'air',
    producer: id,
    phenomenonTime: new Date(NOW - ageMs).toISOString(),
    record: '1',
    values: {},
    index: { standard: 'HJ 633-2026', aqi, level: null, primary: [], iaqi: {} },
  }) as unknown as LatestItem;

const sources = {
  producers: [producer('good'), producer('stale'), producer('bad'), producer('silent'), producer('gone', { revoked: true })],
  datasets: new Map([['air', dataset]]),
  latest: new Map([
    ['air/good', latest('good', 1000, 40)],
    ['air/stale', latest('stale', 181_000, 300)],
    ['air/bad', latest('bad', 1000, 101)],
  ]),
  now: NOW,
};

test('the dataset with an index is the one shown; stale and silent stations do not report', () => {
  const views = stationViews(sources);
  assert.deepEqual(
    views.map(({ id, dataset: name, reporting }) => [id, name, reporting]),
    [
      ['good', 'air', true],
      ['stale', 'air', false],
      ['bad', 'air', true],
      ['silent', 'air', false],
    ],
  );
});

test('worst first; a stale high value is neither first nor over the limit', () => {
  const views = [...stationViews(sources)].sort(byUrgency);
  assert.deepEqual(
    views.map(({ id }) => id),
    ['bad', 'good', 'stale', 'silent'],
  );
  assert.deepEqual(
    views.filter(isOverLimit).map(({ id }) => id),
    ['bad'],
  );
});

test('charts: the index, pollutants, weather; words get none', () => {
  assert.deepEqual(
    stationSpecs(dataset).map(({ property }) => property),
    ['aqi', 'pm25', 'temp'],
  );
});
