import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmBudgets, type TemperatureSpan } from './who-pqs.ts';

const MINUTE = 60_000;
const GAP = 45 * MINUTE;
/** Values 15 min apart, the last one at minute 0 … */
function spans(celsius: readonly number[], stepMinutes = 15): readonly TemperatureSpan[] {
  return celsius.map((value, index) => ({ start: index * stepMinutes * MINUTE, minC: value, maxC: value }));
}
const last = (series: readonly TemperatureSpan[]) => series.at(-1)?.start ?? 0;

test('within 2–8 °C nothing is used', () => {
  const series = spans([4, 5, 8, 2]);
  const { heat, freeze } = alarmBudgets(series, last(series), GAP);
  assert.deepEqual([heat.usedMs, freeze.usedMs], [0, 0], '8 °C itself is not above it');
  assert.equal(heat.since, null);
});

test('heat: the unbroken run that lasts until the newest value', () => {
  const series = spans([9, 9, 7.9, 8.1, 9, 10]);
  const { heat } = alarmBudgets(series, last(series), GAP);
  assert.equal(heat.since, 45 * MINUTE);
  assert.equal(heat.usedMs, 30 * MINUTE);
  assert.equal(heat.fired, false);
  assert.equal(heat.share, 0.05);
});

test('heat fires at 10 h, freeze at 60 min, at or below −0.5 °C', () => {
  const hot = spans(Array.from({ length: 41 }, () => 8.5));
  assert.equal(alarmBudgets(hot, last(hot), GAP).heat.fired, true);
  const nearly = spans(Array.from({ length: 40 }, () => 8.5));
  assert.equal(alarmBudgets(nearly, last(nearly), GAP).heat.fired, false);
  const cold = spans([-0.5, -0.5, -0.6, -0.5, -0.5]);
  const { freeze } = alarmBudgets(cold, last(cold), GAP);
  assert.equal(freeze.usedMs, 60 * MINUTE);
  assert.equal(freeze.fired, true);
  assert.equal(alarmBudgets(spans([-0.4]), 0, GAP).freeze.since, null);
});

test('one cold minute within a bucket ends a hot run', () => {
  const series: TemperatureSpan[] = [
    { start: 0, minC: 9, maxC: 10 },
    { start: 15 * MINUTE, minC: 7, maxC: 12 },
    { start: 30 * MINUTE, minC: 9, maxC: 10 },
  ];
  assert.equal(alarmBudgets(series, 30 * MINUTE, GAP).heat.since, 30 * MINUTE);
});

test('a silence ends a run: nobody can say that it went on', () => {
  const series: TemperatureSpan[] = [
    { start: 0, minC: 9, maxC: 9 },
    { start: 15 * MINUTE, minC: 9, maxC: 9 },
    { start: 120 * MINUTE, minC: 9, maxC: 9 },
    { start: 135 * MINUTE, minC: 9, maxC: 9 },
  ];
  const { heat } = alarmBudgets(series, 135 * MINUTE, GAP);
  assert.equal(heat.since, 120 * MINUTE);
  assert.equal(heat.usedMs, 15 * MINUTE);
});

test('without values nothing is used', () => {
  assert.equal(alarmBudgets([], 0, GAP).heat.usedMs, 0);
});
