/**
 * Everything at once: all kinds of rules, people's acts, disorder, repeats, ticks. With restarts from snapshots at random
 * points, and after crashes that make the engine take events again, effects and state are the same to the byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect, AlertTransition, DatasetDefinition } from '@airtight/protocol';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { joinSnapshot } from './snapshot-parts.ts';
import { AIR, contractRecord, HOUR_MS, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { delayed, type Random, seeded } from './test-random.ts';

const FORECAST: DatasetDefinition = { ...AIR, dataset: 'outlook', forecast: true, cadenceMs: HOUR_MS };

const CITY = `contract: city
title: { zh: 城市, en: City }
agency: tests
source: a test
zone: Asia/Shanghai
lateness: PT4H
inputs:
  air: { dataset: air, accept: { flags: [late] } }
  outlook: { dataset: outlook }
calendar: { holidays: [2026-11-01] }
schedules: { night: { from: "22:00", to: "06:00" }, off: { days: holiday } }
windows:
  day: { mean: pm25, over: P1D, shape: tumbling, require: 30% }
  run: { count: pm25, over: PT6H, shape: session, gap: PT1H }
  m3: { mean: pm25, over: PT3H }
  regional: { mean: pm25, over: PT1H, stations: group, require: "2" }
  around: { median: pm25, over: PT1H, neighbours: 50 km }
  ahead: { max: pm25, ahead: PT12H, from: outlook, stations: region }
alerts:
  stations: { rule: high, of: region }
let:
  limit: "night || off ? 170.0 : 150.0"
rules:
  - id: high
    levels:
      - { severity: minor, raise: { when: pm25 > limit - 30.0, for: PT20M }, clear: { when: pm25 <= limit - 50.0 } }
      - { severity: severe, raise: { when: pm25 > limit, times: 2 of 3 }, clear: { when: pm25 <= limit - 20.0, for: PT20M } }
    message: { zh: "{pm25}", en: "{pm25} over {limit}" }
    notify: [desk]
    escalate: [{ after: PT20M, notify: [chief] }]
    group: { by: region }
    flap: { changes: 4, within: PT2H }
    expires: PT3H
  - id: trend
    severity: minor
    raise: { when: m3 > day + 20.0 && run >= 3.0 }
    clear: { when: m3 <= day }
    message: { zh: "{m3}", en: "{m3} over {day}, {run} readings" }
    inhibit: [{ rule: high }]
    require: two-person
    escalate: [{ after: PT30M, notify: [chief] }]
  - id: region
    severity: moderate
    subject: region
    settle: PT10M
    raise: { when: regional > 130.0 }
    clear: { when: regional <= 120.0 }
    message: { zh: "{regional}", en: "{regional}" }
  - id: drift
    severity: minor
    every: PT30M
    settle: PT5M
    raise: { when: pm25 > 1.6 * around || pm25 > ahead }
    clear: { when: pm25 <= 1.3 * around && pm25 <= ahead }
    message: { zh: "{pm25}", en: "{pm25} near {around}" }
  - id: joint
    severity: extreme
    subject: region
    raise: { when: stations >= 2.0 }
    clear: { when: stations < 2.0 }
    message: { zh: "{stations}", en: "{stations}" }
  - id: silent
    severity: minor
    noData: { after: 3 cadences }
    message: { zh: x, en: x }
`;

const STATIONS = ['s1', 's2', 's3', 's4', 's5', 's6'];
const PEOPLE = ['li', 'wang', 'zhao'];

/** A day's journal; people act upon what the engine has caused so far, and what it caused comes back. */
function journalOf(seed: number): EngineEvent[] {
  const random = seeded(seed);
  const journal = new TestJournal();
  const engine = new Engine();
  const events: EngineEvent[] = [];
  const caused: AlertEffect[] = [];
  const put = (event: EngineEvent): void => {
    events.push(event);
    caused.push(...engine.apply(event));
  };
  put(journal.dataset(AIR));
  put(journal.dataset(FORECAST));
  for (const [i, producer] of [...STATIONS, 'fc'].entries())
    put(journal.device(producer, i % 2 === 0 ? 'North' : 'South', { lat: 40 + i / 10, lon: 116 }, ['air', 'outlook']));
  put(journal.contract(contractRecord(CITY, 'city')));
  for (let minute = 0, told = 0; minute < 26 * 60; minute += 10) {
    const now = START + minute * MINUTE_MS;
    for (let seconds = 0; seconds < 600; seconds += 30) put(journal.tick(now + seconds * 1000));
    if (minute % 60 === 0) {
      const hours = Array.from({ length: 12 }, (_, i): readonly [number, { pm25: number }] => [
        now + i * HOUR_MS,
        { pm25: 100 + random() * 120 },
      ]);
      put(journal.readings('fc', hours, { definition: FORECAST, receivedAt: now }));
    }
    const due = arriving.get(minute) ?? [];
    for (const { producer, at, pm25 } of due) put(journal.readings(producer, [[at, { pm25 }]], { receivedAt: now }));
    if (random() < 0.3 && caused.length > 0)
      put(journal.alert(actOn(caused[Math.floor(random() * caused.length)] as AlertEffect, now, random)));
    for (; told < caused.length && random() < 0.9; told++) put(journal.alert(caused[told] as AlertEffect));
  }
  return events;
}

function actOn({ alert }: AlertEffect, at: number, random: Random): AlertTransition {
  const base = { v: 1, alert, at, by: PEOPLE[Math.floor(random() * PEOPLE.length)] as string } as const;
  const about = { contract: 'city', rule: 'high', subject: null, reason: 'works' };
  const acts: readonly AlertTransition[] = [
    { ...base, type: 'acknowledge', comment: '' },
    { ...base, type: 'shelve', until: at + HOUR_MS, reason: 'works' },
    { ...base, type: 'unshelve' },
    { ...base, type: 'close', reason: 'known' },
    { ...base, type: 'approve' },
    { ...base, type: 'comment', text: 'seen' },
    { ...base, type: 'out-of-service', ...about, until: at + HOUR_MS },
    { ...base, type: 'return-to-service', ...about },
  ];
  return acts[Math.floor(random() * acts.length)] as AlertTransition;
}

/** Readings by the minute at which they arrive. */
const arriving = new Map<number, { readonly producer: string; readonly at: number; readonly pm25: number }[]>();
{
  const random = seeded(7);
  const samples = STATIONS.flatMap((producer) => {
    let level = 120;
    return Array.from({ length: 150 }, (_, i) => {
      level = Math.max(0, Math.min(300, level + (random() - 0.5) * 60));
      return { producer, at: START + i * 10 * MINUTE_MS, pm25: Math.round(level) };
    }).filter(({ at }) => random() < 0.9 && (producer !== 's6' || at < START + 5 * HOUR_MS || at > START + 12 * HOUR_MS));
  });
  let newest = START;
  for (const sample of delayed(
    samples.sort((a, b) => a.at - b.at),
    2 * HOUR_MS,
    random,
  )) {
    newest = Math.max(newest, sample.at);
    const minute = (newest - START) / MINUTE_MS;
    arriving.set(minute, [...(arriving.get(minute) ?? []), sample]);
  }
}

for (const seed of [1, 2]) {
  test(`restarts and crashes change no byte (seed ${seed})`, () => {
    const events = journalOf(seed);
    const straight = new Engine();
    const expected = events.map((event) => JSON.stringify(straight.apply(event)));
    const { mismatches, corrected } = straight.status();
    assert.equal(mismatches, 0, 'what came back is what was caused');
    assert.ok(corrected > 10, `${corrected} corrections`);
    const all = expected.join('');
    for (const type of ['raise', 'update', 'clear', 'correct', 'escalate', 'suppress', 'unsuppress', ...(seed === 1 ? ['shelf-end'] : [])])
      assert.ok(all.includes(`"type":"${type}"`), type);
    for (const rule of ['high', 'trend', 'region', 'drift', 'joint', 'silent']) assert.ok(all.includes(`"rule":"${rule}"`), rule);
    const random = seeded(seed + 100);
    let engine = new Engine();
    for (let at = 0; at < events.length; ) {
      const chunk = events.slice(at, at + 1 + Math.floor(random() * 250));
      for (const [i, event] of chunk.entries()) assert.equal(JSON.stringify(engine.apply(event)), expected[at + i], `event ${at + i}`);
      at += chunk.length;
      const saved = JSON.stringify(engine.snapshot());
      const parts = engine.snapshotParts();
      for (const event of events.slice(at, at + Math.floor(random() * 30))) engine.apply(event);
      const joined = joinSnapshot(JSON.parse(parts.state), parts.lines);
      assert.equal(JSON.stringify(joined), saved, 'what came after a snapshot is not in it');
      engine = new Engine(joined);
      assert.equal(JSON.stringify(engine.snapshot()), saved, 'a snapshot of a restarted engine is the same');
    }
    assert.equal(JSON.stringify(engine.snapshot()), JSON.stringify(straight.snapshot()));
  });
}
