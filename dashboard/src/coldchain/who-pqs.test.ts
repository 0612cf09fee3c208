import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarms } from '@airtight/standards/who-pqs.ts';
import { alarmBudgets, fromFirstReading, type TemperatureSpan } from './who-pqs.ts';

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

test('to the minute: a run begins with its first reading, not with the minute it falls in', () => {
  const HOUR = 60 * MINUTE;
  // 8.4 °C from 00:00:40 on, in a minute that began with 7.9 °C; the newest value at 06:12:45.
  const series: TemperatureSpan[] = Array.from({ length: 373 }, (_, minute) => ({
    ...{ start: minute * MINUTE, minC: minute === 0 ? 7.9 : 8.4, maxC: 8.4 },
  }));
  const until = 6 * HOUR + 12 * MINUTE + 45_000;
  const { heat } = alarmBudgets(series, until, GAP);
  assert.equal(heat.usedMs, 6 * HOUR + 11 * MINUTE + 45_000, 'by minutes alone');
  const edge = [
    ...[0, 20].map((second) => ({ at: second * 1000, celsius: 7.9 })),
    ...[40, 60, 80, 100].map((second) => ({ at: second * 1000, celsius: 8.4 })),
  ];
  const exact = fromFirstReading(heat, 'heat', edge, until);
  assert.deepEqual([exact.since, exact.usedMs, exact.fired], [40_000, 6 * HOUR + 12 * MINUTE + 5_000, false]);
  // A reading late in the minute that the run begins with would have counted for the whole of it.
  const late = alarmBudgets([{ start: 0, minC: 9, maxC: 9 }], 50_000, GAP).heat;
  assert.equal(fromFirstReading(late, 'heat', [{ at: 50_000, celsius: 9 }], 50_000).usedMs, 0);
  assert.deepEqual(fromFirstReading(heat, 'heat', [], until), heat, 'nothing to go by');
});

test('the budget is full when the alarm of WHO PQS is due, at no other reading', () => {
  let seed = 11;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 40; round++) {
    const celsius: number[] = [];
    while (celsius.length < 120) {
      const value = [5, 8, 8.1, 12, -0.4, -0.5, -3][next(7)] as number;
      celsius.push(...new Array<number>(1 + next(50)).fill(value));
    }
    const readings = celsius.map((tvc, index) => ({ at: index * 15 * MINUTE, tvc }));
    for (let end = 1; end <= readings.length; end += 7) {
      const seen = readings.slice(0, end);
      const newest = seen.at(-1)?.at ?? 0;
      const budgets = alarmBudgets(spans(celsius.slice(0, end)), newest, GAP);
      for (const [kind, code] of [
        ['heat', 'HEAT'],
        ['freeze', 'FRZE'],
      ] as const) {
        const alarm = alarms(seen).findLast((one) => one.code === code);
        const isOn = alarm !== undefined && budgets[kind].since === alarm.since;
        assert.equal(budgets[kind].fired, isOn, `${kind} ${celsius.slice(0, end)}`);
        if (isOn) assert.equal(newest - budgets[kind].usedMs, alarm.since);
      }
    }
  }
});
