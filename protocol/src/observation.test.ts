import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetDefinition } from './control.ts';
import type { Measurement } from './measurement.ts';
import { FUTURE_AFTER_MS, LATE_AFTER_MS, toObservations } from './observation.ts';
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
  assert.deepEqual(flagsOf(NOW, { unit: 'mg/m3', result: 5000 }), ['unit'], 'a range in another unit says nothing');
  assert.deepEqual(flagsOf(NOW, { property: 'radon' }), ['property']);
  assert.deepEqual(flagsOf(NOW, { property: 'constructor' }), ['property']);
  assert.deepEqual(flagsOf(NOW, { quality: 'D' }), ['q=D']);
  assert.deepEqual(flagsOf(NOW, { property: 'radon' }, null), [], 'without a definition there is nothing to compare with');
});

test('the unit is the producer’s, else the dataset’s', () => {
  const unitOf = (measurement: Partial<Measurement>): string | undefined =>
    toObservations(header, 7, [{ time: NOW, measurements: [{ property: 'pm25', result: 1, ...measurement }] }], air)[0]?.unit;
  assert.equal(unitOf({}), 'ug/m3');
  assert.equal(unitOf({ unit: 'mg/m3' }), 'mg/m3');
  assert.equal(unitOf({ property: 'radon' }), '');
});
