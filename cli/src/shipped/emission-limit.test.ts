/** emission-limit: every boundary, and an hour that the monitor itself declares invalid. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContractBench, HOUR_MS, shippedText } from './contract-bench.ts';

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

test("the limits are the agency's: a copy with another permit's judges by that", () => {
  const text = shippedText('emission-limit').replace('so2_limit: 35.0', 'so2_limit: 100.0');
  const bench = new ContractBench('emission-limit', HOUR_MS, { text });
  bench.series('emission', 'm', 'so2_hour_corrected_avg', [36, 100, 100.1]);
  assert.deepEqual(bench.told, ['so2 raise moderate 2 @2']);
  assert.equal(bench.messages[0], 'm: SO2 of the hour 100.1 mg/m³, above the limit of 100 mg/m³');
});

test('an hour that the monitor itself declares invalid does not count', () => {
  const bench = new ContractBench('emission-limit', HOUR_MS);
  for (const mark of ['D', 'M', 'C', 'T', 'F', 'B']) bench.read('emission', 'm', 0, { so2_hour_corrected_avg: 90 }, 0, mark);
  assert.deepEqual(bench.told, []);
});
