import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from '../engine.ts';
import { joinSnapshot } from '../snapshot-parts.ts';
import { AIR, contractRecord, contractText, HOUR_MS, START, TestJournal } from '../test-journal.ts';

const TEXT = contractText('raise: { when: "w > 30.0" }, clear: { when: "w < 10.0" }', {
  head: 'windows: { w: { sum: pm25, over: P2D } }\n',
});
const MAX = 300;
const held = (engine: Engine) => engine.snapshot().feeds.map(({ producer, readings }) => [producer, readings.length] as const);

/** Three stations that report hourly for two days, beside one that reports every second. */
function eventsOf(journal: TestJournal) {
  const events = [journal.dataset(AIR), journal.contract(contractRecord(TEXT))];
  for (let hour = 0; hour < 48; hour++) {
    const at = START + hour * HOUR_MS;
    for (const slow of ['a', 'b', 'c']) events.push(journal.readings(slow, [[at, { pm25: 1 }]]));
    for (let second = 1; second <= 60; second++) events.push(journal.readings('quick', [[at + second * 1000, { pm25: 1 }]]));
  }
  return events;
}

test('while there is no room for all, who has more than most forgets its oldest; the others keep their windows', () => {
  const engine = new Engine(undefined, MAX);
  const effects = eventsOf(new TestJournal()).flatMap((event) => {
    const caused = engine.apply(event);
    const total = held(engine).reduce((sum, [, count]) => sum + count, 0);
    assert.ok(total <= MAX + 3, `${total} readings: over by what the others have taken since`);
    return caused;
  });
  const counts = Object.fromEntries(held(engine));
  assert.deepEqual([counts['a'], counts['b'], counts['c']], [48, 48, 48]);
  assert.ok((counts['quick'] as number) >= 100, `${counts['quick']}`);
  assert.equal(engine.status().cut, 48 * 60 - (counts['quick'] as number));
  const raised = effects
    .filter(({ type }) => type === 'raise')
    .map((effect) => [effect.type === 'raise' && effect.subject, (effect.at - START) / HOUR_MS]);
  assert.deepEqual(
    raised.filter(([subject]) => subject !== 'quick'),
    [
      ['a', 30],
      ['b', 30],
      ['c', 30],
    ],
  );
});

test('where all have the same, all give', () => {
  const journal = new TestJournal();
  const engine = new Engine(undefined, MAX);
  for (const event of [journal.dataset(AIR), journal.contract(contractRecord(TEXT))]) engine.apply(event);
  for (let i = 0; i < 200; i++)
    for (let device = 0; device < 10; device++) engine.apply(journal.readings(`d${device}`, [[START + i * 1000, { pm25: 0 }]]));
  const counts = held(engine).map(([, count]) => count);
  assert.ok(Math.min(...counts) >= 20, `${counts}`);
  assert.ok(counts.reduce((sum, count) => sum + count, 0) <= MAX, `${counts}`);
});

test('what is forgotten is the same across restarts', () => {
  const events = eventsOf(new TestJournal());
  const straight = new Engine(undefined, MAX);
  let restarted = new Engine(undefined, MAX);
  for (const [i, event] of events.entries()) {
    assert.deepEqual(restarted.apply(event), straight.apply(event));
    if (i % 97 !== 0) continue;
    const { state, lines } = restarted.snapshotParts();
    restarted = new Engine(joinSnapshot(JSON.parse(state), lines), MAX);
  }
  assert.ok(straight.status().cut > 1000);
  assert.deepEqual(restarted.snapshot(), straight.snapshot());
});
