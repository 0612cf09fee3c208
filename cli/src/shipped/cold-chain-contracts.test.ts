/** vaccine-fridge and the shipments: every boundary, with the real engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContractBench, MINUTE_MS } from './contract-bench.ts';

const QUARTER_MS = 15 * MINUTE_MS;
const QUARTERS_PER_HOUR = 4;
const fridge = (stepMs = QUARTER_MS) => new ContractBench('vaccine-fridge', stepMs);
const same = <T>(value: T, count: number): T[] => new Array(count).fill(value);

test('heat: above 8 °C for 10 h without a break', () => {
  const heat = (values: readonly number[]) => fridge().series('coldchain', 'f', 'tvc', values).told;
  assert.deepEqual(heat(same(8.01, 40)), []);
  assert.deepEqual(heat([...same(8.01, 41), 8, 8]), ['heat raise severe 0 @40', 'heat clear @41']);
  assert.deepEqual(heat(same(8, 60)), [], 'at 8 °C');
  assert.deepEqual(heat([...same(9, 39), 8, ...same(9, 40)]), [], 'a break begins it anew');
});

test('freeze: at or below −0.5 °C for 60 min', () => {
  const freeze = (values: readonly number[]) => fridge().series('coldchain', 'f', 'tvc', values).told;
  assert.deepEqual(freeze(same(-0.5, 4)), []);
  assert.deepEqual(freeze([...same(-0.5, 5), 0, 1.99, 2]), ['freeze raise severe 0 @4', 'freeze clear @7']);
  assert.deepEqual(freeze(same(-0.49, 20)), []);
});

test('door: open for 5 min, by readings that tell that it was; seconds within a record apart', () => {
  const door = (values: readonly boolean[]) => fridge(MINUTE_MS).series('coldchain', 'f', 'door', values).told;
  assert.deepEqual(door([true, true, true, true, true, false]), []);
  assert.deepEqual(door([true, true, true, true, true, true, false]), ['door raise moderate 0 @5', 'door clear @6']);
  const quarters = fridge().series('coldchain', 'f', 'door', same(true, 8));
  assert.deepEqual(quarters.told, [], 'open at two records of 15 min: nobody knows of the time between them');
  assert.deepEqual(fridge().series('coldchain', 'f', 'dorv', [299, 300, 900, 299]).told, [
    'door-time raise minor 1 @1',
    'door-time clear @3',
  ]);
});

test('power: none for 24 h, by switch or by seconds of supply', () => {
  const day = 24 * QUARTERS_PER_HOUR;
  const power = fridge().series('coldchain', 'f', 'power', [...same(false, day + 1), true]);
  assert.deepEqual(power.told, [`power raise moderate 0 @${day}`, `power clear @${day + 1}`]);
  assert.deepEqual(fridge().series('coldchain', 'f', 'power', same(false, day)).told, []);
  const supply = fridge().series('coldchain', 'f', 'sva', [...same(0, day + 1), 1]);
  assert.deepEqual(supply.told, [`supply raise moderate 0 @${day}`, `supply clear @${day + 1}`]);
});

test("the fridge's own alarms are told, and suppressed while this platform's rule explains them", () => {
  const own = fridge().series('coldchain', 'f', 'alarm_powr', [true, true, false]);
  assert.deepEqual(own.told, ['device-power raise moderate 0 @0', 'device-power clear @2']);
  const both = fridge().series('coldchain', 'f', 'tvc', same(9, 41)).series('coldchain', 'f', 'alarm_heat', [true], 41);
  assert.deepEqual(both.told, ['heat raise severe 0 @40', 'device-heat raise moderate 41 @41 suppressed']);
});

test('sensor: two readings in a row that no compartment can have; silence: 45 min', () => {
  const sensor = (values: readonly number[]) => fridge().series('coldchain', 'f', 'tvc', values).told;
  assert.deepEqual(sensor([-30.1, 5, -30.1, 5]), []);
  assert.deepEqual(sensor([5, -30.1, -30.1, -30]), ['sensor raise moderate 1 @2', 'sensor clear @3']);
  const quiet = fridge(MINUTE_MS).read('coldchain', 'f', 0, { tvc: 5 });
  for (let step = 0; step <= 44.5; step += 0.5) quiet.tick(step);
  assert.deepEqual(quiet.told, []);
  assert.deepEqual(quiet.tick(45).told, ['silent raise minor 0 @45']);
});

const shipment = (type: 1 | 2, values: readonly number[], from = 0, bench = new ContractBench(`shipment-type${type}`, QUARTER_MS)) =>
  bench.series('logger', type === 1 ? 'freeze-sensitive-1' : 'freeze-dried-1', 'temp', values, from);
const only = (rule: string, bench: ContractBench) => bench.told.filter((line) => line.startsWith(`${rule} `));

test('shipment: 45 °C for an hour without a break, both types; once for a transport', () => {
  for (const type of [1, 2] as const) {
    assert.deepEqual(only('hot-45', shipment(type, [...same(45, 4), 44.9, ...same(45, 4)])), []);
    const once = shipment(type, [...same(45, 5), ...same(5, 4), ...same(45, 5)]);
    assert.deepEqual(only('hot-45', once), ['hot-45 raise severe 0 @4']);
    // After a pause of more than half a day it is the next transport.
    shipment(type, [5, 5], 80, once);
    assert.deepEqual(only('hot-45', once), ['hot-45 raise severe 0 @4', 'hot-45 clear @80']);
  }
});

test('shipment: 30 °C for 10 h in all, with the budget in the message', () => {
  const broken = [...same(30, 21), ...same(5, 30), ...same(30, 20), 5];
  const bench = shipment(1, broken);
  // 21 quarters up to the first cool reading; the tenth hour is full with the 19th after it.
  assert.deepEqual(only('warm-30', bench), ['warm-30 raise minor 20 @20', 'warm-30 severe @70']);
  assert.ok(bench.messages.includes('freeze-sensitive-1: 5 h of 10 h used at or above 30 °C'), bench.messages.join('\n'));
  assert.deepEqual(only('warm-30', shipment(1, same(29.9, 100))), []);
});

test('shipment: a gap that nobody knows of does not count as warm', () => {
  const bench = shipment(1, same(30, 12)).series('logger', 'freeze-sensitive-1', 'temp', same(30, 10), 40);
  assert.deepEqual(only('warm-30', bench), ['warm-30 raise minor 49 @49'], '2 h 45 and 2 h 15, not the seven hours between');
});

test('shipment type 1: −0.5 °C for an hour; type 2: 10 °C for 20 h in all and no freeze alarm', () => {
  assert.deepEqual(only('frozen', shipment(1, same(-0.5, 4))), []);
  assert.deepEqual(only('frozen', shipment(1, [...same(-0.5, 5), 5])), ['frozen raise severe 0 @4']);
  assert.deepEqual(shipment(2, same(-5, 20)).told, []);
  const cool = shipment(2, same(10, 81));
  assert.deepEqual(only('warm-10', cool), ['warm-10 raise minor 40 @40', 'warm-10 severe @80']);
  assert.deepEqual(only('warm-10', shipment(2, same(9.9, 100))), []);
});

test('shipment: outside 2–8 °C for half an hour, and kinetic temperature above 8 °C', () => {
  assert.deepEqual(only('excursion', shipment(1, [8, 8.1, 8.1, 8])), []);
  assert.deepEqual(only('excursion', shipment(1, [8, 8.1, 8.1, 8.1, 8])), ['excursion raise minor 1 @3', 'excursion clear @4']);
  assert.deepEqual(only('excursion', shipment(1, [1.9, 1.9, 1.9])), ['excursion raise minor 0 @2']);
  assert.deepEqual(only('mkt', shipment(1, [8, 8, 8, 8])), []);
  assert.deepEqual(only('mkt', shipment(1, [8.1, 8.1, 8.1, 8.1])), ['mkt raise moderate 3 @3']);
});

test('a logger that is named otherwise is no transport', () => {
  assert.deepEqual(new ContractBench('shipment-type1', QUARTER_MS).series('logger', 'greenhouse', 'temp', same(50, 100)).told, []);
});
