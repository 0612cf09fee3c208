import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarms, type FridgeSample } from './who-pqs.ts';

const MINUTE = 60_000;

function everyTenMinutes(temperatures: readonly number[]): FridgeSample[] {
  return temperatures.map((tvc, i) => ({ at: i * 10 * MINUTE, tvc }));
}

test('HEAT is above 8 °C, FRZE is at or below −0.5 °C', () => {
  assert.deepEqual(alarms(everyTenMinutes(Array.from({ length: 80 }, () => 8))), []);
  assert.deepEqual(alarms(everyTenMinutes(Array.from({ length: 61 }, () => 8.01))), [{ code: 'HEAT', since: 0, at: 600 * MINUTE }]);
  assert.deepEqual(alarms(everyTenMinutes(Array.from({ length: 7 }, () => -0.5))), [{ code: 'FRZE', since: 0, at: 60 * MINUTE }]);
  assert.deepEqual(alarms(everyTenMinutes(Array.from({ length: 6 }, () => -0.5))), []);
  assert.deepEqual(alarms(everyTenMinutes(Array.from({ length: 20 }, () => -0.49))), []);
});

test('one alarm per episode, a sample in range begins a new one', () => {
  const cold = [-1, -1, -1, -1, -1, -1, -1, -1, -1];
  assert.deepEqual(
    alarms(everyTenMinutes([...cold, 3, ...cold])).map(({ since, at }) => [since / MINUTE, at / MINUTE]),
    [
      [0, 60],
      [100, 160],
    ],
  );
});

test('POWR after 24 h without supply', () => {
  const samples = Array.from({ length: 97 }, (_, i) => ({ at: i * 15 * MINUTE, powered: false }));
  assert.deepEqual(alarms(samples), [{ code: 'POWR', since: 0, at: 24 * 60 * MINUTE }]);
  assert.deepEqual(alarms(samples.slice(0, -1)), []);
});
