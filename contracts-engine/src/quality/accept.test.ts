/** Which verdicts an input accepts, and people's flags that come after the values: corrected as late data are, the same after any restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect, DatasetDefinition, FlagRecord } from '@airtight/protocol';
import { Engine } from '../engine.ts';
import type { EngineEvent } from '../engine-event.ts';
import { AIR, contractRecord, contractText, HOUR_MS, inShort, START, TestJournal } from '../test-journal.ts';
import { seeded } from '../test-random.ts';

const JUDGED: DatasetDefinition = {
  ...AIR,
  quality: { properties: { pm25: { expected: [0, 500], notAbove: 'pm10' }, pm10: { expected: [-50, 2000], negative: true } } },
  properties: { ...AIR.properties, pm10: { title: { zh: '十', en: 'ten' }, unit: 'ug/m3', min: -100, max: 5000 } },
};
const OVER = 'raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 150.0 }';

function begun(text: string): { engine: Engine; journal: TestJournal; events: EngineEvent[] } {
  const [engine, journal] = [new Engine(), new TestJournal()];
  const events = [journal.dataset(JUDGED), journal.contract(contractRecord(text))];
  for (const event of events) engine.apply(event);
  assert.equal(engine.status().contracts[0]?.state, 'running');
  return { engine, journal, events };
}

type Hours = readonly (number | { readonly [property: string]: number })[];

function hourly(journal: TestJournal, hours: Hours, first = 0): EngineEvent[] {
  return hours.map((value, i) =>
    journal.readings('s1', [[START + (first + i) * HOUR_MS, typeof value === 'number' ? { pm25: value } : value]], {
      definition: JUDGED,
    }),
  );
}

const word = (id: string, from: number, to: number, flag: FlagRecord['flag'], observedProperty = 'pm25'): FlagRecord => ({
  ...{ type: 'flag', id, dataset: 'air', producer: 's1', observedProperty, flag, reason: 'seen', at: START, by: 'li' },
  ...{ from: START + from * HOUR_MS, to: START + to * HOUR_MS },
});

const effects = (engine: Engine, events: readonly EngineEvent[]): AlertEffect[] => events.flatMap((event) => engine.apply(event));

test('by default what fails does not count and what is suspect does; the input may say otherwise', () => {
  const shorts = (accept: string, hours: Hours): string[] => {
    const { engine, journal } = begun(contractText(OVER, { input: accept }));
    return inShort(engine, hourly(journal, hours), HOUR_MS);
  };
  const suspect = [100, 600, 100];
  assert.deepEqual(shorts('', suspect), ['raise 1 @1', 'clear @2']);
  assert.deepEqual(shorts(', accept: { quality: [pass] }', suspect), []);
  assert.deepEqual(shorts(', accept: { quality: [pass, suspect] }', suspect), ['raise 1 @1', 'clear @2']);
  const part = [{ pm25: 200, pm10: 190 }];
  assert.deepEqual(shorts(', accept: { quality: [pass] }', part), []);
  assert.deepEqual(shorts(', accept: { quality: [pass, suspect] }', part), ['raise 0 @0']);
  const { engine, journal } = begun(contractText('raise: { when: pm10 < 0.0 }, clear: { when: pm10 >= 0.0 }'));
  assert.deepEqual(inShort(engine, hourly(journal, [{ pm10: -1 }]), HOUR_MS), [], 'below zero fails');
  const brave = begun(
    contractText('raise: { when: pm10 < 0.0 }, clear: { when: pm10 >= 0.0 }', { input: ', accept: { quality: [pass, fail] }' }),
  );
  assert.deepEqual(inShort(brave.engine, hourly(brave.journal, [{ pm10: -1 }]), HOUR_MS), ['raise 0 @0']);
});

test('what nobody evaluates does not count where that is asked, and windows leave out what is not accepted', () => {
  const strict = ', accept: { quality: [pass] }';
  const untested = begun(
    contractText('raise: { when: co > 1.0 }, clear: { when: co <= 1.0 }', { input: ', accept: { quality: [pass, suspect] }' }),
  );
  assert.deepEqual(effects(untested.engine, hourly(untested.journal, [{ co: 5 }])).length, 1, 'its range is a test');
  const head = 'windows:\n  m: { mean: pm25, over: PT3H, require: "2" }\n';
  const { engine, journal } = begun(contractText('raise: { when: m > 150.0 }, clear: { when: m <= 150.0 }', { head, input: strict }));
  const [raise] = effects(engine, hourly(journal, [140, 800, 170]));
  assert.deepEqual(raise?.type === 'raise' ? raise.values : null, { m: 155 });
});

test('a person fails the values behind an alert: it is corrected with the flag as evidence; withdrawn, it stands again', () => {
  const { engine, journal } = begun(contractText(OVER, { head: 'lateness: P1D\n' }));
  const [raise] = effects(engine, hourly(journal, [100, 200, 210, 100]));
  assert.equal(raise?.type, 'raise');
  const flag = journal.flag(word('a', 1, 3, 4));
  const [correction, ...none] = engine.apply(flag);
  assert.deepEqual(none, []);
  assert.ok(correction?.type === 'correct');
  assert.deepEqual([correction.alert, correction.outcome, correction.evidence], [raise.alert, null, [flag.position]]);
  const [restored] = engine.apply(journal.flag(word('a', 1, 3, null)));
  assert.ok(restored?.type === 'correct' && restored.outcome !== null, JSON.stringify(restored));
  assert.deepEqual(
    [restored.alert, restored.outcome.raisedAt, restored.outcome.clearedAt],
    [raise.alert, START + HOUR_MS, START + 3 * HOUR_MS],
  );
});

test('the newest word counts; of a part of the time only that part; pass sets aside what a test flagged, and no other flag', () => {
  const { engine, journal } = begun(contractText(OVER, { head: 'lateness: P1D\n', input: ', accept: { quality: [pass] }' }));
  assert.deepEqual(inShort(engine, hourly(journal, [100, 600, 1600, 100]), HOUR_MS), [], 'suspect, and out of range');
  assert.deepEqual(inShort(engine, [journal.flag(word('a', 1, 3, 1))], HOUR_MS), ['raise 1 @1', 'clear @3']);
  const moved = engine.apply(journal.flag(word('b', 1, 2, 3)));
  assert.ok(moved[0]?.type === 'correct' && moved[0].outcome?.raisedAt === START + 2 * HOUR_MS, JSON.stringify(moved));
  const late = begun(contractText(OVER, { input: ', accept: { quality: [pass] }' }));
  const [held] = hourly(late.journal, [600]);
  const observations = held?.kind === 'observations' ? held.observations.map((one) => ({ ...one, flags: ['late' as const] })) : [];
  late.engine.apply({ ...(held as Extract<EngineEvent, { kind: 'observations' }>), observations });
  assert.deepEqual(late.engine.apply(late.journal.flag(word('a', 0, 1, 1))), [], 'late is not a verdict');
});

test('a word for a time that is still to come holds when it comes; later than the lateness nothing is judged again', () => {
  const { engine, journal } = begun(contractText(OVER));
  engine.apply(journal.flag(word('a', 0, 5, 4)));
  assert.deepEqual(effects(engine, hourly(journal, [200, 200, 200])), []);
  const short = begun(contractText(OVER, { head: 'lateness: PT1H\n' }));
  assert.equal(effects(short.engine, hourly(short.journal, [200, 100, 100, 100])).length, 2);
  const { late } = short.engine.status();
  assert.deepEqual(short.engine.apply(short.journal.flag(word('a', 0, 1, 4))), []);
  assert.equal(short.engine.status().late, late + 1);
});

test('a word on one of several stations judges the region anew', () => {
  const text = `contract: test
title: { zh: 测试, en: Test }
agency: tests
source: a test
lateness: P1D
inputs: { air: { dataset: air } }
windows: { m: { mean: pm25, over: PT1H, stations: group } }
rules:
  - { id: r, severity: minor, subject: region, raise: { when: m > 150.0 }, clear: { when: m <= 150.0 }, message: { zh: x, en: x } }
`;
  const { engine, journal } = begun(text);
  for (const [i, producer] of ['s1', 's2'].entries()) engine.apply(journal.device(producer, 'North', { lat: 40 + i / 10, lon: 116 }));
  const hour = (at: number, values: readonly number[]): EngineEvent[] =>
    values.map((pm25, i) => journal.readings(`s${i + 1}`, [[START + at * HOUR_MS, { pm25 }]], { definition: JUDGED }));
  const told = effects(engine, [...hour(0, [100, 100]), ...hour(1, [300, 100]), ...hour(2, [100, 100]), ...hour(3, [100, 100])]);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['raise', 'clear'],
  );
  const [correction] = engine.apply(journal.flag(word('a', 1, 2, 4)));
  assert.ok(correction?.type === 'correct' && correction.outcome === null);
});

test('flags before, between and after the values, in any order of restarts: the same bytes', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    const { journal, events } = begun(
      contractText(OVER, { head: 'lateness: P2D\n', input: ', accept: { quality: [pass, not_evaluated] }' }),
    );
    const open: string[] = [];
    for (let hour = 0; hour < 200; hour++) {
      events.push(...hourly(journal, [Math.round(random() * 700)], hour));
      if (random() < 0.2) {
        const from = hour - Math.floor(random() * 40);
        open.push(`w${hour}`);
        events.push(journal.flag(word(`w${hour}`, from, from + 1 + Math.floor(random() * 12), (1 + Math.floor(random() * 4)) as 1)));
      }
      if (random() < 0.1 && open.length > 0) {
        const [id] = open.splice(Math.floor(random() * open.length), 1) as [string];
        events.push(journal.flag(word(id, 0, 1, null)));
      }
    }
    const straight = new Engine();
    const expected = events.map((event) => JSON.stringify(straight.apply(event)));
    assert.ok(expected.join('').split('"type":"correct"').length > 5);
    let engine = new Engine();
    for (const [i, event] of events.entries()) {
      if (random() < 0.1) engine = new Engine(JSON.parse(JSON.stringify(engine.snapshot())));
      assert.equal(JSON.stringify(engine.apply(event)), expected[i], `seed ${seed}, event ${i}`);
    }
    assert.equal(JSON.stringify(engine.snapshot()), JSON.stringify(straight.snapshot()));
  }
});
