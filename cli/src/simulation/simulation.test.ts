import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FUTURE_AFTER_MS, isName, parseReadings } from '@airtight/protocol';
import { defaultDatasets } from '../first-start/default-records.ts';
import { airValues, episodeDistanceKm } from './air.ts';
import { stateOf } from './faults.ts';
import { FREEZING_FRIDGE, fridgeValues, UNPOWERED_FRIDGE } from './fridge.ts';
import { type SimulatedDevice, simulatedNetwork } from './network.ts';
import { historyTimes, readingPayload } from './reading.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Scenario } from './scenario.ts';

const INTERVAL_MS = 10_000;
const EPOCH = Date.UTC(2026, 10, 22, 7);
const scenario: Scenario = { seed: 1, epoch: EPOCH };
const network = simulatedNetwork(36, 12);
const stations = network.filter(({ dataset }) => dataset === 'air');
const fridges = network.filter(({ dataset }) => dataset === 'coldchain');

function numbered(devices: readonly SimulatedDevice[], index: number): SimulatedDevice {
  const device = devices[index];
  assert.ok(device);
  return device;
}

test('36 stations in Beijing, Tianjin and Hebei and 12 fridges, named as simulated, each name once', () => {
  assert.equal(stations.length, 36);
  assert.equal(fridges.length, 12);
  assert.deepEqual([...new Set(stations.map(({ agency }) => agency))].sort(), ['bj-eco', 'he-eco', 'tj-eco']);
  const larger = simulatedNetwork(200, 50);
  assert.equal(new Set(larger.map(({ producer }) => producer)).size, 250);
  assert.equal(new Set(larger.map(({ location }) => `${location.lat} ${location.lon}`)).size, 250);
  for (const { producer, name, location } of larger) {
    assert.ok(isName(producer), producer);
    assert.match(name.zh, /模拟/);
    assert.match(name.en, /simulated/);
    assert.ok(location.lat > 36 && location.lat < 43 && location.lon > 113 && location.lon < 121, producer);
  }
});

test('the same seed and start give the same payloads, another seed others', () => {
  const payloads = (seed: number) =>
    network.map((device) => readingPayload({ seed, epoch: EPOCH }, device, EPOCH + 5 * HOUR_MS, INTERVAL_MS), 0);
  assert.deepEqual(payloads(1), payloads(1));
  assert.notDeepEqual(payloads(1), payloads(2));
});

test('every payload is taken, and names only properties of its dataset within their ranges', () => {
  const datasets = new Map(defaultDatasets().map((definition) => [definition.dataset, definition]));
  let outside = 0;
  for (const device of network) {
    const properties = datasets.get(device.dataset)?.properties ?? {};
    for (let day = 0; day < 400; day += 9) {
      const readings = parseReadings(readingPayload(scenario, device, EPOCH + day * DAY_MS + day * HOUR_MS, INTERVAL_MS), 0);
      assert.ok(readings.ok, device.producer);
      for (const { property, result } of readings.value[0]?.measurements ?? []) {
        const range = properties[property];
        assert.ok(range, property);
        if (typeof result !== 'number' || (result >= (range.min ?? -Infinity) && result <= (range.max ?? Infinity))) continue;
        // The one analyser whose zero drifts.
        assert.equal(property, 'so2');
        assert.equal(device.index, 27);
        outside++;
      }
    }
  }
  assert.ok(outside > 0, 'the drifting analyser is to be seen');
});

test('the network begins within an episode: heavy in the south, not yet in the north-east, and it travels there', () => {
  const byDistance = [...stations].sort((a, b) => episodeDistanceKm(a.location) - episodeDistanceKm(b.location));
  const pm25 = (station: SimulatedDevice, hours: number) => airValues(scenario, station, EPOCH + hours * HOUR_MS).pm25;
  const nearest = numbered(byDistance, 0);
  const farthest = numbered(byDistance, byDistance.length - 1);
  assert.ok(pm25(nearest, 0) > 150, `${nearest.producer} ${pm25(nearest, 0)}`);
  assert.ok(pm25(farthest, 0) < 115, `${farthest.producer} ${pm25(farthest, 0)}`);
  assert.ok(pm25(farthest, 20) > pm25(farthest, 0) + 40);
  assert.ok(pm25(nearest, 60) < 75, 'and is over some days later');
});

test('summer is not winter, noon is not night', () => {
  const station = numbered(stations, 3);
  const quiet: Scenario = { seed: 5, epoch: 0 };
  const mean = (from: number, of: 'temp' | 'o3' | 'no2', hour: number) => {
    let sum = 0;
    for (let day = 0; day < 30; day++) sum += airValues(quiet, station, from + day * DAY_MS + (hour - 8) * HOUR_MS)[of];
    return sum / 30;
  };
  const january = Date.UTC(2027, 0, 1);
  const july = Date.UTC(2027, 6, 1);
  assert.ok(mean(july, 'temp', 12) > mean(january, 'temp', 12) + 20);
  assert.ok(mean(july, 'o3', 14) > mean(july, 'o3', 4) + 60);
  assert.ok(mean(january, 'no2', 8) > mean(january, 'no2', 3));
});

test('one fridge freezes from the start: at or below -0.5 °C for 60 min in what its logger hands in', () => {
  const fridge = numbered(fridges, FREEZING_FRIDGE);
  const times = historyTimes(scenario, fridge, EPOCH);
  assert.equal(times.length, 26 * 4);
  const frozen = times.filter((t) => fridgeValues(scenario, fridge, t).tvc <= -0.5);
  assert.ok(frozen.length >= 5, `${frozen.length} records`);
  assert.equal((frozen.at(-1) ?? 0) - (frozen[0] ?? 0), (frozen.length - 1) * 15 * MINUTE_MS, 'without a break');
  assert.equal(frozen.at(-1), times.at(-1), 'up to now');
});

test('one fridge was above 8 °C for 10 h without power, and comes back', () => {
  const fridge = numbered(fridges, UNPOWERED_FRIDGE);
  const warm = historyTimes(scenario, fridge, EPOCH).filter((t) => fridgeValues(scenario, fridge, t).tvc > 8);
  assert.ok((warm.at(-1) ?? 0) - (warm[0] ?? 0) >= 10 * HOUR_MS);
  assert.equal(fridgeValues(scenario, fridge, EPOCH).power, false);
  const later = fridgeValues(scenario, fridge, EPOCH + 6 * HOUR_MS);
  assert.ok(later.power && later.tvc < 8);
});

test('the other fridges stay within 2 to 8 °C; doors are opened in working hours', () => {
  let open = 0;
  for (const fridge of fridges) {
    for (let t = EPOCH; t < EPOCH + 2 * DAY_MS; t += MINUTE_MS) {
      const { tvc, door } = fridgeValues(scenario, fridge, t);
      const hour = new Date(t + 8 * HOUR_MS).getUTCHours();
      if (door) open++;
      assert.ok(!door || (hour >= 8 && hour < 18), `${fridge.producer} at ${hour}`);
      if (fridge.index !== FREEZING_FRIDGE && fridge.index !== UNPOWERED_FRIDGE) assert.ok(tvc > 2 && tvc < 8, `${fridge.producer} ${tvc}`);
    }
  }
  assert.ok(open > 100);
});

test('faults: a clock ahead, a silent station, gaps and lost links', () => {
  const timeOf = (device: SimulatedDevice) => JSON.parse(readingPayload(scenario, device, EPOCH, INTERVAL_MS)).t as number;
  const ahead = stations.filter((station) => timeOf(station) - EPOCH > FUTURE_AFTER_MS);
  assert.equal(ahead.length, 1);
  const isSilent = (station: SimulatedDevice) =>
    Array.from({ length: 48 }, (_, i) => EPOCH - 4 * HOUR_MS + i * HOUR_MS).every((t) => stateOf(scenario, station, t) === 'off');
  const silent = stations.filter(isSilent);
  assert.equal(silent.length, 1);
  assert.ok(historyTimes(scenario, numbered(silent, 0), EPOCH).length > 10, 'it was heard before');
  const seen = new Set<string>();
  for (const device of network)
    for (let t = EPOCH; t < EPOCH + DAY_MS; t += 5 * MINUTE_MS) seen.add(`${device.dataset} ${stateOf(scenario, device, t)}`);
  assert.deepEqual([...seen].sort(), ['air link', 'air off', 'air up', 'coldchain link', 'coldchain up']);
});

test('a moment has one sequence number, whether it is published live or handed in as history', () => {
  const station = numbered(stations, 0);
  const times = historyTimes(scenario, station, EPOCH + 3 * HOUR_MS);
  assert.ok(times.includes(EPOCH + HOUR_MS));
  assert.ok(times.every((t) => t % INTERVAL_MS === 0 && t < EPOCH + 3 * HOUR_MS));
  const sequence = times.map((t) => JSON.parse(readingPayload(scenario, station, t, INTERVAL_MS)).seq as number);
  assert.deepEqual(
    sequence,
    [...new Set(sequence)].sort((a, b) => a - b),
  );
});
