import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeanKineticTemperature } from './mkt.ts';

test('a constant temperature is its own mean; warmth weighs more than cold', () => {
  const constant = new MeanKineticTemperature();
  assert.ok(Number.isNaN(constant.celsius));
  for (let i = 0; i < 24; i++) constant.add(5);
  assert.equal(constant.celsius.toFixed(4), '5.0000');
  const mixed = new MeanKineticTemperature();
  for (const celsius of [4, 4, 4, 4, 16]) mixed.add(celsius);
  assert.ok(mixed.celsius > 6.4);
});

test('another activation energy gives another mean', () => {
  const [usp, own] = [new MeanKineticTemperature(), new MeanKineticTemperature(40)];
  for (const mean of [usp, own]) for (const celsius of [2, 20]) mean.add(celsius);
  assert.ok(own.celsius < usp.celsius);
});
