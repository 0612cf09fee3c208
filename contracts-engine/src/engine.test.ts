/** The engine is a function of its journal: restarts, chunks and speed change no byte. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { AIR, COLDCHAIN, contractRecord, contractText, HOUR_MS, MINUTE_MS, START, TestJournal } from './test-journal.ts';

function shipped(contract: string) {
  return contractRecord(readFileSync(new URL(`../contracts/${contract}.yaml`, import.meta.url), 'utf8'), contract);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A day of several producers with faults of every kind: gaps, disorder, late and future clocks, silence, contract changes. */
function randomDay(seed: number): EngineEvent[] {
  const random = seeded(seed);
  const journal = new TestJournal();
  const events: EngineEvent[] = [
    journal.dataset(AIR),
    journal.contract(shipped('heavy-pm25')),
    journal.contract(shipped('vaccine-fridge')),
    journal.dataset(COLDCHAIN),
    journal.contract(contractRecord(contractText('noData: { after: PT5M }'))),
  ];
  const levels = new Map<string, number>();
  for (let minute = 0; minute < 24 * 60; minute += 2) {
    const now = START + minute * MINUTE_MS;
    // The platform is down for some minutes now and then: no ticks.
    if (random() < 0.997) events.push(...[0, 30, 60, 90].map((seconds) => journal.tick(now + seconds * 1000)));
    for (const producer of ['10', '9', 'b', 'a']) {
      const silent = producer === '9' && minute > 300 && minute < 660;
      if (silent || random() < 0.3) continue;
      const former = random() < 0.05 ? random() * 300 : (levels.get(producer) ?? 100);
      const level = Math.max(0, former + (random() - 0.5) * 40);
      levels.set(producer, level);
      const skewMs = random() < 0.05 ? (random() - 0.5) * 5 * HOUR_MS : 0;
      const readings = Array.from({ length: random() < 0.1 ? 3 : 1 }, (_, i): readonly [number, { pm25: number; wd: string }] => [
        Math.round(now + skewMs - i * 30_000),
        { pm25: Math.round(level), wd: 'N' },
      ]);
      events.push(journal.readings(producer, readings, { receivedAt: now }));
    }
    const tvc = minute < 720 ? 9 : -1;
    if (random() < 0.5)
      events.push(journal.readings('fridge', [[now, { tvc: random() < 0.002 ? 5 : tvc }]], { definition: COLDCHAIN, receivedAt: now }));
    if (minute === 600) events.push(journal.contract(contractRecord(contractText('noData: { after: PT7M }'))));
    if (minute === 900)
      events.push(journal.contract(contractRecord(contractText('raise: { when: pm25 > 120.0 }, clear: { when: pm25 < 90.0 }'))));
  }
  return events;
}

/** Feeds recorded alerts back in, as the journal feed does, a few events later. */
function withRecordedAlerts(events: readonly EngineEvent[]): EngineEvent[] {
  const engine = new Engine();
  const journal: EngineEvent[] = [];
  let recorded: EngineEvent[] = [];
  for (const [i, event] of events.entries()) {
    journal.push(event);
    for (const transition of engine.apply(event)) recorded.push({ kind: 'alert', position: i, transition });
    if (i % 7 === 0) {
      journal.push(...recorded);
      recorded = [];
    }
  }
  return [...journal, ...recorded];
}

function run(events: readonly EngineEvent[]): { effects: string[]; end: string } {
  const engine = new Engine();
  const effects = events.map((event) => JSON.stringify(engine.apply(event)));
  return { effects, end: JSON.stringify(engine.snapshot()) };
}

for (const seed of [1, 2, 3, 4]) {
  test(`restarts from snapshots at random points give byte-equal effects and state (seed ${seed})`, () => {
    const events = withRecordedAlerts(randomDay(seed));
    const straight = run(events);
    const all = straight.effects.filter((text) => text !== '[]');
    assert.ok(all.length > 40, `${all.length} events with effects`);
    for (const part of ['"heavy"', '"silent"', '"heat"', '"freeze"', '"r"', '"clear"']) assert.ok(all.join().includes(part), part);
    const random = seeded(seed * 1000);
    for (let round = 0; round < 5; round++) {
      let engine = new Engine();
      let at = 0;
      const effects: string[] = [];
      while (at < events.length) {
        const chunk = events.slice(at, at + 1 + Math.floor(random() * 400));
        for (const [i, event] of chunk.entries()) effects[at + i] = JSON.stringify(engine.apply(event));
        at += chunk.length;
        const saved = JSON.stringify(engine.snapshot());
        // A crash after the snapshot: what was taken since is taken again, with the same effects.
        for (const event of events.slice(at, at + Math.floor(random() * 50))) engine.apply(event);
        engine = new Engine(JSON.parse(saved));
      }
      assert.deepEqual(effects, straight.effects);
      assert.equal(JSON.stringify(engine.snapshot()), straight.end);
    }
  });
}

test('a rebuild finds every recorded alert as it was caused', () => {
  const engine = new Engine();
  for (const event of withRecordedAlerts(randomDay(5))) engine.apply(event);
  const { mismatches, unrecorded, refused } = engine.status();
  assert.deepEqual({ mismatches, unrecorded, refused }, { mismatches: 0, unrecorded: 0, refused: 0 });
});

test('an alert is active once per rule and subject, ids never repeat, a clear names an active alert', () => {
  for (const seed of [11, 12, 13]) {
    const engine = new Engine();
    const active = new Map<string, string>();
    const seen = new Set<string>();
    const [numbers, keys] = [new Map<string, number>(), new Map<string, string>()];
    for (const effect of randomDay(seed).flatMap((event) => engine.apply(event))) {
      const last = numbers.get(effect.alert) ?? -1;
      assert.equal(effect.n, last + 1, 'effects of an alert are numbered without a gap');
      numbers.set(effect.alert, effect.n);
      if (effect.type === 'clear') {
        assert.ok(active.delete(effect.alert));
        continue;
      }
      if (effect.type === 'correct') {
        const isActive = effect.outcome !== null && effect.outcome.clearedAt === null;
        if (isActive) active.set(effect.alert, keys.get(effect.alert) as string);
        else active.delete(effect.alert);
        continue;
      }
      assert.ok(effect.type === 'raise');
      const key = `${effect.contract}/${effect.rule}/${effect.subject}`;
      // One of the past may be told while a later one is active.
      const isAlone = effect.hindsight === true || ![...active.values()].includes(key);
      assert.ok(!seen.has(effect.alert) && isAlone, key);
      seen.add(effect.alert);
      active.set(effect.alert, key);
      keys.set(effect.alert, key);
      assert.ok(effect.since <= effect.at);
    }
    assert.ok(seen.size > 20);
  }
});

test('a snapshot shares nothing with the running engine, and one of other semantics is refused', () => {
  const engine = new Engine();
  const events = randomDay(21);
  for (const event of events.slice(0, 1000)) engine.apply(event);
  const snapshot = engine.snapshot();
  const before = JSON.stringify(snapshot);
  for (const event of events.slice(1000)) engine.apply(event);
  assert.equal(JSON.stringify(snapshot), before);
  assert.throws(() => new Engine({ ...snapshot, engine: 'airtight-contracts/0' }), RangeError);
});

test('the state of a subject does not grow with what was read', () => {
  const size = (hours: number): number => {
    const engine = new Engine();
    const journal = new TestJournal();
    engine.apply(journal.dataset(AIR));
    engine.apply(journal.contract(shipped('heavy-pm25')));
    for (let i = 0; i < hours; i++) engine.apply(journal.readings('s1', [[START + i * HOUR_MS, { pm25: 50 }]]));
    return JSON.stringify(engine.snapshot()).length;
  };
  assert.ok(size(5000) <= size(50) + 10);
});

const TIANTAN = join(import.meta.dirname, '../../../shared/data/air-beijing-uci/PRSA_Data_Tiantan_20130301-20170228.csv.gz');

test('four years of a real station: heavy-pm25 agrees with a plain scan of the file', (t) => {
  if (!existsSync(TIANTAN)) return t.skip('PRSA_Data_Tiantan_20130301-20170228.csv.gz is not there');
  const rows = gunzipSync(readFileSync(TIANTAN)).toString().trim().split('\n').slice(1);
  const readings = rows.flatMap((row) => {
    const [, year, month, day, hour, pm25] = row.split(',');
    return pm25 === 'NA' ? [] : [{ at: Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour) - 8), pm25: Number(pm25) }];
  });
  const engine = new Engine();
  const journal = new TestJournal();
  engine.apply(journal.dataset(AIR));
  engine.apply(journal.contract(shipped('heavy-pm25')));
  const caused = readings.flatMap(({ at, pm25 }) =>
    engine.apply(journal.readings('tiantan', [[at, { pm25 }]], { receivedAt: Date.now() })),
  );
  const expected: string[] = [];
  let active = false;
  for (const [i, { at, pm25 }] of readings.entries()) {
    const before = readings[i - 1];
    // PT10M at or below 115: with hourly values, two in a row, at most three hours apart.
    const lowTwice = pm25 <= 115 && before !== undefined && before.pm25 <= 115 && at - before.at <= 3 * HOUR_MS;
    if (!active && pm25 > 150) expected.push(`raise ${at}`);
    else if (active && lowTwice) expected.push(`clear ${at}`);
    else continue;
    active = !active;
  }
  assert.deepEqual(
    caused.map(({ type, at }) => `${type} ${at}`),
    expected,
  );
  assert.ok(expected.length > 200, `${expected.length} transitions`);
});
