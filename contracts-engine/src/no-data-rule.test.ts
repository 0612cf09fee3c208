import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { AIR, contractRecord, contractText, HOUR_MS, inShort, MINUTE_MS, START, TestJournal } from './test-journal.ts';

const SECOND_MS = 1000;

function watching(): { engine: Engine; journal: TestJournal; live: (producer: string, at: number) => EngineEvent } {
  const engine = new Engine();
  const journal = new TestJournal();
  engine.apply(journal.dataset(AIR));
  engine.apply(journal.contract(contractRecord(contractText('noData: { after: PT10M }'))));
  return { engine, journal, live: (producer, at) => journal.readings(producer, [[at, { pm25: 1 }]]) };
}

/** Ticks every 10 s, both ends included. */
function ticks(journal: TestJournal, fromMs: number, toMs: number): EngineEvent[] {
  const events: EngineEvent[] = [];
  for (let at = fromMs; at <= toMs; at += 10 * SECOND_MS) events.push(journal.tick(START + at));
  return events;
}

test('silence of one of several fires for that one, at a tick and without any message', () => {
  const { engine, journal, live } = watching();
  inShort(engine, [...ticks(journal, 0, 0), live('s1', START), live('s2', START)]);
  const raised: unknown[] = [];
  for (let minute = 0; minute < 30; minute++) {
    const events = [live('s2', START + minute * MINUTE_MS + 1), ...ticks(journal, minute * MINUTE_MS, minute * MINUTE_MS + 50_000)];
    for (const event of events) raised.push(...engine.apply(event));
  }
  assert.equal(raised.length, 1);
  const [{ alert, version, message, evidence, ...rest }] = raised as [{ [key: string]: unknown }];
  assert.deepEqual(rest, {
    v: 1,
    type: 'raise',
    n: 0,
    at: START + 10 * MINUTE_MS,
    contract: 'test',
    rule: 'r',
    severity: 'minor',
    agency: 'bj-eco',
    dataset: 'air',
    subject: 's1',
    since: START,
    values: {},
  });
  assert.deepEqual([message, (evidence as number[]).length], [{ zh: 's1', en: 's1' }, 2]);
});

test('it clears at the first tick after data newer than the silence has come', () => {
  const { engine, journal, live } = watching();
  const events = [
    ...ticks(journal, 0, 0),
    live('s1', START),
    ...ticks(journal, 10_000, 20 * MINUTE_MS),
    live('s1', START + 20 * MINUTE_MS),
    ...ticks(journal, 20 * MINUTE_MS + 10_000, 40 * MINUTE_MS),
  ];
  assert.deepEqual(inShort(engine, events, SECOND_MS), ['raise 0 @600', 'clear @1210', 'raise 1200 @1800']);
});

test('a producer that never reported live is not watched: history and readings from the future raise nothing', () => {
  const { engine, journal } = watching();
  const events = [
    ...ticks(journal, 0, 0),
    journal.readings('past', [[START - 24 * 365 * HOUR_MS, { pm25: 1 }]], { receivedAt: START }),
    journal.readings('future', [[START + HOUR_MS, { pm25: 1 }]], { receivedAt: START }),
    ...ticks(journal, 10_000, HOUR_MS),
  ];
  assert.deepEqual(inShort(engine, events), []);
});

test('late data does not end a silence', () => {
  const { engine, journal, live } = watching();
  const events = [
    ...ticks(journal, 0, 0),
    live('s1', START),
    ...ticks(journal, 10_000, 3 * HOUR_MS),
    journal.readings('s1', [[START + 30 * MINUTE_MS, { pm25: 1 }]], { receivedAt: START + 3 * HOUR_MS }),
    ...ticks(journal, 3 * HOUR_MS + 10_000, 4 * HOUR_MS),
  ];
  assert.deepEqual(inShort(engine, events), ['raise 0 @10']);
});

test('time in which the platform itself was down counts for nobody, and hides nothing', () => {
  const { engine, journal, live } = watching();
  inShort(engine, [...ticks(journal, 0, 0), live('back', START), live('gone', START), ...ticks(journal, 10_000, 60_000)]);
  const restart = 5 * HOUR_MS;
  assert.deepEqual(inShort(engine, ticks(journal, restart, restart + 9 * MINUTE_MS)), []);
  const events = [
    live('back', START + restart + 9 * MINUTE_MS),
    ...ticks(journal, restart + 9 * MINUTE_MS + 10_000, restart + 12 * MINUTE_MS),
  ];
  assert.deepEqual(
    events
      .flatMap((event) => engine.apply(event))
      .map((effect) => effect.type === 'raise' && [effect.subject, effect.at - START - restart]),
    [['gone', 10 * MINUTE_MS]],
  );
});

test('an open silence stays open over a restart of the platform', () => {
  const { engine, journal, live } = watching();
  const before = [...ticks(journal, 0, 0), live('s1', START), ...ticks(journal, 10_000, 10 * MINUTE_MS)];
  assert.deepEqual(inShort(engine, before), ['raise 0 @10']);
  assert.deepEqual(inShort(engine, ticks(journal, 5 * HOUR_MS, 6 * HOUR_MS)), []);
});

test('a clock set back neither raises nor clears by itself', () => {
  const { engine, journal, live } = watching();
  inShort(engine, [...ticks(journal, HOUR_MS, HOUR_MS), live('s1', START + HOUR_MS)]);
  assert.deepEqual(inShort(engine, ticks(journal, 0, 9 * MINUTE_MS)), []);
  assert.deepEqual(inShort(engine, ticks(journal, HOUR_MS, HOUR_MS + 9 * MINUTE_MS)), []);
});
