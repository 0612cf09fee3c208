import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset, LatestItem, Producer } from '@airtight/protocol';
import { byCondition, conditionOf, fridgeView, isOutside, temperatureProperty } from './fridge-view.ts';
import { temperatureStrip } from './temperature-strip.ts';

const NOW = Date.UTC(2026, 10, 22, 8);
const dataset = {
  dataset: 'coldchain',
  cadenceMs: 900_000,
  properties: { tamb: { unit: 'Cel' }, tvc: { unit: 'Cel' }, door: { unit: '1' } },
} as unknown as Dataset;

function view(tvc: number, ageMs = 0, id = 'f') {
  const producer = {
    producer: id,
    kind: 'fridge',
    name: { zh: id, en: id },
    datasets: ['coldchain'],
    simulated: true,
    revoked: false,
  } as Producer;
  const value = (result: number | boolean) => ({ result, unit: '', flags: [], quality: { flag: 1, tests: {} } });
  const latest = {
    phenomenonTime: new Date(NOW - ageMs).toISOString(),
    values: { tvc: value(tvc), tamb: value(20), door: value(false), power: value(true) },
  } as unknown as LatestItem;
  return fridgeView(producer, {
    producers: [],
    datasets: new Map([['coldchain', dataset]]),
    latest: new Map([[`coldchain/${id}`, latest]]),
    now: NOW,
  });
}

test('the compartment, not the room', () => {
  assert.equal(temperatureProperty(dataset), 'tvc');
  const other = { ...dataset, properties: { tamb: { unit: 'Cel' }, inner: { unit: 'Cel' } } } as unknown as Dataset;
  assert.equal(temperatureProperty(other), 'inner');
  assert.equal(temperatureProperty(undefined), undefined);
});

test('conditions at their limits', () => {
  assert.deepEqual([-0.5, -0.4, 1.9, 2, 8, 8.1, null].map(conditionOf), ['freezing', 'cool', 'cool', 'ok', 'ok', 'warm', 'none']);
});

test('door and power, and what counts as outside', () => {
  const fridge = view(9);
  assert.deepEqual([fridge.temperatureC, fridge.doorOpen, fridge.powered], [9, false, true]);
  assert.equal(isOutside(fridge), true);
  assert.equal(isOutside(view(9, 3 * 900_000 + 1)), false, 'a stale value says nothing about now');
  assert.equal(isOutside(view(5)), false);
});

test('those that need somebody come first', () => {
  const order = [view(5, 0, 'ok'), view(5, 9e6, 'stale'), view(9, 0, 'warm'), view(-2, 0, 'freezing')].sort(byCondition);
  assert.deepEqual(
    order.map(({ id }) => id),
    ['freezing', 'warm', 'stale', 'ok'],
  );
});

test('the strip breaks where nothing was reported, and keeps within its box', () => {
  const strip = temperatureStrip(
    [
      [0, 5, 5, 5, 1, 0, 1, 1],
      [10, 99, 99, 99, 1, 0, 1, 1],
      [60, -99, -99, -99, 1, 0, 1, 1],
      [70, 5, 5, 5, 1, 0, 1, 1],
    ],
    0,
    100,
    20,
    100,
    40,
  );
  assert.equal(strip.line.match(/M/g)?.length, 2);
  for (const [, y = ''] of strip.line.matchAll(/[ML]\S+ ([\d.]+)/g)) assert.ok(Number(y) >= 0 && Number(y) <= 40);
  assert.ok(strip.heatY < strip.lowY && strip.lowY < strip.freezeY);
});
