import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetDefinition } from '../control.ts';
import { FUTURE_AFTER_MS, LATE_AFTER_MS } from '../datasets/dataset-rules.ts';
import type { Measurement } from './measurement.ts';
import { toObservations } from './observation.ts';
import type { RecordHeader } from './record.ts';

const NOW = 1_795_363_163_000;
const header: RecordHeader = {
  v: 1,
  agency: 'a',
  dataset: 'air',
  producer: 'p',
  receivedAt: NOW,
  door: 'mqtt',
  contentType: 'application/json',
};
const air: DatasetDefinition = {
  type: 'dataset',
  dataset: 'air',
  title: { zh: '空气', en: 'Air' },
  cadenceMs: 3_600_000,
  properties: { pm25: { title: { zh: '', en: '' }, unit: 'ug/m3', min: 0, max: 1000 } },
};
const flagsOf = (time: number, measurement: Partial<Measurement> = {}, definition: DatasetDefinition | null = air): readonly string[] =>
  toObservations(header, 7, [{ time, measurements: [{ property: 'pm25', result: 1, ...measurement }] }], definition ?? undefined)[0]
    ?.flags ?? [];

test('clocks are flagged, never rewritten', () => {
  assert.deepEqual(flagsOf(NOW), []);
  assert.deepEqual(flagsOf(NOW - LATE_AFTER_MS), []);
  assert.deepEqual(flagsOf(NOW - LATE_AFTER_MS - 1), ['late']);
  assert.deepEqual(flagsOf(NOW + FUTURE_AFTER_MS), []);
  assert.deepEqual(flagsOf(NOW + FUTURE_AFTER_MS + 1), ['future']);
  const [observation] = toObservations(header, 7, [{ time: 5, measurements: [{ property: 'pm25', result: 1 }] }], air);
  assert.equal(observation?.phenomenonTime, 5);
  assert.equal(observation?.receivedAt, NOW);
  assert.equal(observation?.position, 7);
});

test('range, unit, property and quality marks', () => {
  assert.deepEqual(flagsOf(NOW, { result: -0.1 }), ['range']);
  assert.deepEqual(flagsOf(NOW, { result: 1000.1 }), ['range']);
  assert.deepEqual(flagsOf(NOW, { property: 'radon' }), ['property']);
  assert.deepEqual(flagsOf(NOW, { property: 'constructor' }), ['property']);
  assert.deepEqual(flagsOf(NOW, { quality: 'D' }), ['q=D']);
  assert.deepEqual(flagsOf(NOW, { property: 'radon' }, null), [], 'without a definition there is nothing to compare with');
});

test('a value in another unit is converted, flagged so, and judged by the range in the dataset’s unit', () => {
  const valueBy = (measurement: Partial<Measurement>, definition: DatasetDefinition | undefined = air): unknown[] => {
    const readings = [{ time: NOW, measurements: [{ property: 'pm25', result: 1, ...measurement }] }];
    return toObservations(header, 7, readings, definition).map(({ result, unit, flags }) => [result, unit, flags])[0] as unknown[];
  };
  assert.deepEqual(valueBy({}), [1, 'ug/m3', []]);
  assert.deepEqual(valueBy({ unit: 'µg/m³', result: 35.4 }), [35.4, 'ug/m3', []], 'the same unit in another spelling');
  assert.deepEqual(valueBy({ unit: 'mg/m3', result: 0.0354 }), [35.4, 'ug/m3', ['converted']]);
  assert.deepEqual(valueBy({ unit: 'mg/m3', result: 5 }), [5000, 'ug/m3', ['converted', 'range']]);
  assert.deepEqual(valueBy({ unit: 'Cel' }), [1, 'Cel', ['unit']], 'of a record that was admitted before units were judged');
  assert.deepEqual(valueBy({ unit: 'ppb' }), [1, 'ppb', ['unit']]);
  assert.deepEqual(valueBy({ unit: 'Cel', result: 'text' }), ['text', 'ug/m3', []], 'a text has no unit');
  assert.deepEqual(valueBy({ property: 'radon', unit: 'Bq' }), [1, 'Bq', ['property']]);
  const gases: DatasetDefinition = {
    ...air,
    referenceState: '298.15K',
    properties: { pm25: { title: { zh: '', en: '' }, unit: 'ug/m3', molarMass: 47.9982 } },
  };
  const [result, unit, flags] = valueBy({ unit: 'ppb', result: 70 }, gases);
  assert.deepEqual([(result as number).toFixed(3), unit, flags], ['137.332', 'ug/m3', ['converted']]);
});

test('a dataset’s own clock policy', () => {
  const strict: DatasetDefinition = { ...air, clock: { futureMs: 1000, lateMs: 60_000 } };
  assert.deepEqual(flagsOf(NOW + 1000, {}, strict), []);
  assert.deepEqual(flagsOf(NOW + 1001, {}, strict), ['future']);
  assert.deepEqual(flagsOf(NOW - 60_001, {}, strict), ['late']);
});
