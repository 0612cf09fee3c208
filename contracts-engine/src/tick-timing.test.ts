/**
 * The journal decides what becomes of an alert, not when the clock was looked at: the same records with ticks close together,
 * far apart, at other moments or with none at all, and with restarts, come to the same alerts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect } from '@airtight/protocol';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { AIR, contractRecord, contractText, HOUR_MS, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { outcomesOf } from './test-outcome.ts';
import { type Random, seeded } from './test-random.ts';

const CONTRACT = `contract: town
title: { zh: 城镇, en: Town }
agency: tests
source: a test
lateness: PT1H
inputs:
  air: { dataset: air, accept: { flags: [late] } }
windows:
  m1: { mean: pm25, over: PT1H }
  regional: { mean: pm25, over: PT1H, stations: group, require: "2" }
alerts:
  stations: { rule: high, of: region }
rules:
  - id: high
    levels:
      - { severity: minor, raise: { when: pm25 > 140.0, for: PT20M }, clear: { when: pm25 <= 100.0 } }
      - { severity: severe, raise: { when: m1 > 180.0 }, clear: { when: m1 <= 150.0 } }
    message: { zh: "{subject}", en: "{subject}" }
    maxGap: PT40M
    expires: PT2H
  - id: flappy
    severity: minor
    raise: { when: pm25 > 150.0, times: 2 of 3 }
    clear: { when: pm25 <= 150.0 }
    message: { zh: "{pm25}", en: "{pm25}" }
    flap: { changes: 4, within: PT3H }
    expires: PT90M
  - id: region
    severity: moderate
    subject: region
    every: PT30M
    settle: PT10M
    raise: { when: regional > 130.0, for: PT30M }
    clear: { when: regional <= 110.0 }
    message: { zh: "{regional}", en: "{regional}" }
    expires: PT3H
  - id: joint
    severity: extreme
    subject: region
    raise: { when: stations >= 2.0 }
    clear: { when: stations < 2.0 }
    message: { zh: "{stations}", en: "{stations}" }
`;
const STATIONS = ['s1', 's2', 's3', 's4'];
const RULES = ['high', 'flappy', 'region', 'joint'];
const DAY_MINUTES = 24 * 60;

interface Arrival {
  readonly receivedAt: number;
  readonly producer: string;
  readonly at: number;
  readonly pm25: number;
}

/** A day of four stations; each is cut off now and then, longer than lateness or expiry, and sends what it kept afterwards. */
function arrivals(random: Random): Arrival[] {
  const all = STATIONS.flatMap((producer) => {
    let level = 130;
    let [cutUntil, outUntil] = [0, 0];
    return Array.from({ length: DAY_MINUTES / 10 }, (_, i): Arrival | null => {
      const minute = i * 10;
      level = Math.max(0, Math.min(300, level + (random() - 0.5) * 80));
      if (minute >= cutUntil && random() < 0.03) cutUntil = minute + 30 + random() * 300;
      if (minute >= outUntil && random() < 0.02) outUntil = minute + 60 + random() * 300;
      if (minute < outUntil) return null;
      const delayMinutes = minute < cutUntil ? cutUntil - minute : random() < 0.2 ? random() * 50 : 0;
      const at = START + minute * MINUTE_MS;
      return { producer, at, pm25: Math.round(level), receivedAt: at + Math.round(delayMinutes * MINUTE_MS) };
    }).filter((one) => one !== null);
  });
  const sorted = all.sort((a, b) => a.receivedAt - b.receivedAt || a.at - b.at);
  // Long after it everything is over; rules over stations say so when time has passed once more.
  for (const hours of [72, 73, 75]) {
    const at = START + hours * HOUR_MS;
    for (const producer of STATIONS) sorted.push({ producer, at, pm25: 10, receivedAt: at });
  }
  return sorted;
}

/** The records with ticks of some rhythm in between. @param everyMs between two ticks; 0: none */
function journalOf(records: readonly Arrival[], everyMs: number, random: Random): EngineEvent[] {
  const journal = new TestJournal();
  const events = [journal.dataset(AIR)];
  for (const [i, producer] of STATIONS.entries()) events.push(journal.device(producer, i < 3 ? 'North' : 'South', { lat: 40, lon: 116 }));
  events.push(journal.contract(contractRecord(CONTRACT, 'town')));
  let tickAt = START;
  for (const { producer, at, pm25, receivedAt } of records) {
    for (; everyMs > 0 && tickAt < receivedAt; tickAt += everyMs * (0.2 + 1.6 * random())) events.push(journal.tick(Math.round(tickAt)));
    events.push(journal.readings(producer, [[at, { pm25 }]], { receivedAt }));
  }
  return events;
}

function effectsOf(events: readonly EngineEvent[]): AlertEffect[] {
  const engine = new Engine();
  return events.flatMap((event) => engine.apply(event));
}

/** With restarts after random numbers of events, each from a snapshot and with some events given once more. */
function effectsWithRestarts(events: readonly EngineEvent[], random: Random): AlertEffect[] {
  const effects: AlertEffect[] = [];
  let engine = new Engine();
  for (let at = 0; at < events.length; ) {
    const until = at + 1 + Math.floor(random() * 400);
    for (const event of events.slice(at, until)) effects.push(...engine.apply(event));
    const saved = JSON.stringify(engine.snapshot());
    for (const event of events.slice(until, until + Math.floor(random() * 20))) engine.apply(event);
    engine = new Engine(JSON.parse(saved));
    at = until;
  }
  return effects;
}

/** What each rule's alerts have come to. */
function outcomes(effects: readonly AlertEffect[], rule: string) {
  const ids = new Set(effects.flatMap((effect) => (effect.type === 'raise' && effect.rule === rule ? [effect.alert] : [])));
  return outcomesOf(effects.filter(({ alert }) => ids.has(alert)));
}

for (const seed of Array.from({ length: 10 }, (_, i) => i + 1)) {
  test(`ticks at other moments, or none, change no outcome (seed ${seed})`, () => {
    const random = seeded(seed);
    const records = arrivals(random);
    const without = effectsOf(journalOf(records, 0, random));
    for (const everyMs of [seed === 1 ? 10_000 : 2 * MINUTE_MS, 20 * MINUTE_MS, 70 * MINUTE_MS]) {
      const events = journalOf(records, everyMs, random);
      const effects = effectsOf(events);
      for (const rule of RULES) assert.deepEqual(outcomes(effects, rule), outcomes(without, rule), `${rule}, ticks every ${everyMs} ms`);
      assert.deepEqual(effectsWithRestarts(events, random), effects, 'restarts');
    }
  });
}

test('a late reading among more alerts than are remembered changes nothing, and is counted', () => {
  const journal = new TestJournal();
  const rule = 'raise: { when: pm25 > 100.0 }, clear: { when: pm25 <= 100.0 }';
  const text = contractText(rule, { head: 'lateness: P2D\n', input: ', accept: { flags: [late] }' });
  const events = [journal.dataset(AIR), journal.contract(contractRecord(text))];
  // A hundred alerts of ten minutes each.
  for (let i = 0; i < 200; i++) events.push(journal.readings('s1', [[START + i * 10 * MINUTE_MS, { pm25: i % 2 === 0 ? 150 : 50 }]]));
  const engine = new Engine();
  for (const event of events) engine.apply(event);
  assert.deepEqual(engine.apply(journal.readings('s1', [[START + 5 * MINUTE_MS, { pm25: 50 }]], { receivedAt: START + 34 * HOUR_MS })), []);
  assert.equal(engine.status().late, 1);
  const [correct] = engine.apply(journal.readings('s1', [[START + 1985 * MINUTE_MS, { pm25: 50 }]], { receivedAt: START + 34 * HOUR_MS }));
  assert.equal(correct?.type, 'correct', 'what is remembered is corrected');
});
