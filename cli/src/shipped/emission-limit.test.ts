/** emission-limit: every boundary, and an hour that the monitor itself declares invalid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContractBench, HOUR_MS } from './contract-bench.ts';

for (const [rule, property, limit] of [
  ['so2', 'so2_hour_corrected_avg', 35],
  ['nox', 'a21002_hour_corrected_avg', 50],
  ['dust', 'a34013_hour_corrected_avg', 10],
] as const) {
  test(`${rule}: above ${limit} mg/m³ for an hour, three hours in a row`, () => {
    const above = limit + 0.1;
    const hours = (values: readonly number[]) => new ContractBench('emission-limit', HOUR_MS).series('emission', 'm', property, values);
    assert.deepEqual(hours([limit, above, above, above, above, limit]).told, [
      `${rule} raise moderate 1 @1`,
      `${rule} severe @3`,
      `${rule} clear @5`,
    ]);
    assert.deepEqual(hours([above, above, limit, above, above]).told, [
      `${rule} raise moderate 0 @0`,
      `${rule} clear @2`,
      `${rule} raise moderate 3 @3`,
    ]);
    assert.match(hours([above]).messages[0] as string, new RegExp(`of the hour ${above} mg/m³, above the limit of ${limit} mg/m³$`));
  });
}
