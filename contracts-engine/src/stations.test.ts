/** Rules over stations against plain arithmetic over all readings; in random order they come to the same alerts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { distanceKm, matches, placeOf } from './rule/places.ts';
import { AIR, contractRecord, HOUR_MS, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { outcomesOf } from './test-outcome.ts';
import { delayed, type Random, seeded } from './test-random.ts';

interface Sample {
  readonly producer: string;
  readonly at: number;
  readonly pm25: number;
}

/** Twelve stations along two lines 5 km apart from each other, in two regions. */
const STATIONS = Array.from({ length: 12 }, (_, i) => ({
  producer: `s${i}`,
  region: i < 6 ? 'North' : 'South',
  location: { lat: (i < 6 ? 40 : 39) + (i % 6) * 0.045, lon: 116 },
}));

const TEXT = `contract: stations
title: { zh: 站点, en: Stations }
agency: tests
source: a test
lateness: PT12H
inputs:
  air: { dataset: air }
windows:
  high: { count: "pm25 > 150.0", over: PT1H, stations: group, require: 50% }
  regional: { mean: pm25, over: PT1H, stations: group, require: "3" }
  around: { median: pm25, over: PT1H, neighbours: 11 km, require: "2" }
rules:
  - id: k-of-n
    severity: severe
    subject: region
    settle: PT10M
    raise: { when: high >= 3.0, for: PT1H }
    clear: { when: high < 2.0 }
    message: { zh: "{high}", en: "{high}" }
  - id: mean
    severity: minor
    subject: region
    settle: PT10M
    raise: { when: regional > 120.0 }
    clear: { when: regional <= 110.0 }
    message: { zh: "{regional}", en: "{regional}" }
  - id: drift
    severity: minor
    settle: PT10M
    raise: { when: pm25 > 2.0 * around }
    clear: { when: pm25 <= 1.5 * around }
    message: { zh: "{pm25} {around}", en: "{pm25} {around}" }
`;

function samplesOf(random: Random): Sample[] {
  const samples: Sample[] = [];
  const levels = STATIONS.map(() => 100);
  for (let hour = 0; hour < 60; hour++) {
    const common = 30 * Math.sin(hour / 6);
    for (const [i, { producer }] of STATIONS.entries()) {
      if (random() < 0.15) continue;
      levels[i] = Math.max(5, Math.min(250, (levels[i] as number) + (random() - 0.48) * 60));
      samples.push({ producer, at: START + hour * HOUR_MS, pm25: Math.max(0, Math.round((levels[i] as number) + common)) });
    }
  }
  return samples;
}

function effectsOf(samples: readonly Sample[], random: Random): AlertEffect[] {
  let engine = new Engine();
  const journal = new TestJournal();
  engine.apply(journal.dataset(AIR));
  for (const { producer, region, location } of STATIONS) engine.apply(journal.device(producer, region, location));
  engine.apply(journal.contract(contractRecord(TEXT, 'stations')));
  assert.equal(engine.status().contracts[0]?.state, 'running');
  const end = Math.max(...samples.map(({ at }) => at)) + 24 * HOUR_MS;
  return [...samples, { producer: 's0', at: end, pm25: 0 }].flatMap(({ producer, at, pm25 }) => {
    if (random() < 0.01) engine = new Engine(JSON.parse(JSON.stringify(engine.snapshot())));
    return engine.apply(journal.readings(producer, [[at, { pm25 }]]));
  });
}

const subjectsBy = (effects: readonly AlertEffect[], rule: string): AlertEffect[] => {
  const ids = new Set(effects.flatMap((effect) => (effect.type === 'raise' && effect.rule === rule ? [effect.alert] : [])));
  return effects.filter(({ alert }) => ids.has(alert));
};

/** Raises and clears of one subject by a condition on the values at each hour; null: nothing is known. */
function scan(subject: string, severity: string, valueAt: (at: number) => { raise: boolean; clear: boolean } | null, forMs: number) {
  const outcomes = [];
  let open: { since: number; raisedAt: number } | null = null;
  let since: number | null = null;
  let last = Number.NEGATIVE_INFINITY;
  for (let at = START; at < START + 60 * HOUR_MS; at += HOUR_MS) {
    const value = valueAt(at);
    if (value === null) continue;
    if (open === null) {
      since = value.raise ? (since !== null && at - last <= 3 * HOUR_MS ? since : at) : null;
      if (since !== null && at - since >= forMs) [open, since] = [{ since, raisedAt: at }, null];
    } else if (value.clear) {
      outcomes.push({ subject, severity, ...open, clearedAt: at });
      open = null;
    }
    last = at;
  }
  return open === null ? outcomes : [...outcomes, { subject, severity, ...open, clearedAt: null }];
}

function expectedOf(samples: readonly Sample[]) {
  const at = (time: number) => new Map(samples.filter((sample) => sample.at === time).map(({ producer, pm25 }) => [producer, pm25]));
  const byRegion = (region: string, time: number) =>
    [...at(time)]
      .filter(([producer]) => STATIONS.find((station) => station.producer === producer)?.region === region)
      .map(([, pm25]) => pm25);
  const regions = ['region:North', 'region:South'];
  const counted = (region: string) => (time: number) => {
    const values = byRegion(region.slice(7), time);
    const high = values.filter((value) => value > 150).length;
    return values.length >= 3 ? { raise: high >= 3, clear: high < 2 } : null;
  };
  const averaged = (region: string) => (time: number) => {
    const values = byRegion(region.slice(7), time);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return values.length >= 3 ? { raise: mean > 120, clear: mean <= 110 } : null;
  };
  const drifted = (station: number) => (time: number) => {
    const values = at(time);
    const own = values.get(`s${station}`);
    // 0.045° of latitude are 5.004 km: within 11 km there are two stations to each side.
    const near = [-2, -1, 1, 2]
      .map((step) => station + step)
      .filter((other) => Math.floor(other / 6) === Math.floor(station / 6) && other >= 0);
    const known = near.flatMap((other) => values.get(`s${other}`) ?? []).sort((a, b) => a - b);
    if (own === undefined || known.length < 2) return null;
    const median = ((known[Math.floor((known.length - 1) / 2)] as number) + (known[Math.ceil((known.length - 1) / 2)] as number)) / 2;
    return { raise: own > 2 * median, clear: own <= 1.5 * median };
  };
  return {
    'k-of-n': regions.flatMap((region) => scan(region, 'severe', counted(region), HOUR_MS)),
    mean: regions.flatMap((region) => scan(region, 'minor', averaged(region), 0)),
    drift: STATIONS.map((_, i) => i)
      .sort((a, b) => (`s${a}` < `s${b}` ? -1 : 1))
      .flatMap((i) => scan(`s${i}`, 'minor', drifted(i), 0)),
  };
}

test('k of n stations, region means and neighbours come to what plain arithmetic says, in whatever order readings arrive', () => {
  let corrections = 0;
  const counts = { 'k-of-n': 0, mean: 0, drift: 0 };
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    const samples = samplesOf(random);
    const expected = expectedOf(samples);
    for (const order of [samples, delayed(samples, 11 * HOUR_MS, random)]) {
      const effects = effectsOf(order, random);
      for (const rule of ['k-of-n', 'mean', 'drift'] as const) {
        assert.deepEqual(outcomesOf(subjectsBy(effects, rule)), expected[rule], `${rule}, seed ${seed}`);
        counts[rule] += expected[rule].length;
      }
      corrections += effects.filter(({ type }) => type === 'correct').length;
    }
  }
  for (const [rule, count] of Object.entries(counts)) assert.ok(count > 10, `${rule}: ${count}`);
  assert.ok(corrections > 10, `${corrections} corrections`);
});

test('without a newer reading an instant is judged by ticks, once it has settled; history waits for its own time', () => {
  for (const isLive of [true, false]) {
    const engine = new Engine();
    const journal = new TestJournal();
    const receivedAt = isLive ? START : START + 365 * 24 * HOUR_MS;
    engine.apply(journal.dataset(AIR));
    for (const { producer, region, location } of STATIONS) engine.apply(journal.device(producer, region, location));
    const text = TEXT.replace('dataset: air }', 'dataset: air, accept: { flags: [late] } }').replaceAll('for: PT1H', 'for: PT0S');
    engine.apply(journal.contract(contractRecord(text, 'stations')));
    for (const { producer } of STATIONS.slice(0, 4)) engine.apply(journal.readings(producer, [[START, { pm25: 200 }]], { receivedAt }));
    assert.deepEqual(engine.apply(journal.tick(START + 9 * MINUTE_MS)), []);
    const raised = engine.apply(journal.tick(START + 10 * MINUTE_MS)).map((effect) => effect.type === 'raise' && effect.rule);
    assert.deepEqual(raised, isLive ? ['k-of-n', 'mean'] : []);
  }
});

test('distance and names', () => {
  const record = {
    type: 'device',
    agency: 'a',
    kind: 'air-station',
    name: { zh: '', en: '' },
    datasets: [],
    subscribe: [],
    credentials: [],
  } as const;
  const at = (lat: number, lon: number) =>
    placeOf({ ...record, producer: 'x', location: { lat, lon }, simulated: false, revoked: false }, undefined, null);
  // Beijing to Tianjin: great circle about 110 km.
  const km = distanceKm(at(39.9042, 116.4074), at(39.3434, 117.3616)) as number;
  assert.ok(Math.abs(km - 102.9) < 1, `${km}`);
  assert.ok(Math.abs((distanceKm(at(0, 0), at(0, 180)) as number) - Math.PI * 6371.0088) < 1e-6);
  for (const [pattern, name, expected] of [
    ['bj-*', 'bj-1', true],
    ['bj-*', 'tj-1', false],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'acb', false],
    ['abc', 'abc', true],
  ] as const)
    assert.equal(matches(pattern, name), expected, `${pattern} ${name}`);
});
