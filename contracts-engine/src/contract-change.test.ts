import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect, AlertTransition } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { AIR, contractRecord, contractText, inShort, MINUTE_MS, START, TestJournal } from './test-journal.ts';

const THRESHOLD = contractText('raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 }');
const STRICTER = contractText('raise: { when: pm25 > 100.0, for: PT2M }, clear: { when: pm25 <= 50.0 }');
const SILENCE = contractText('noData: { after: PT10M }');

function running(text: string): { engine: Engine; journal: TestJournal; at: (minute: number, pm25: number) => readonly AlertEffect[] } {
  const engine = new Engine();
  const journal = new TestJournal();
  engine.apply(journal.dataset(AIR));
  engine.apply(journal.contract(contractRecord(text)));
  return { engine, journal, at: (minute, pm25) => engine.apply(journal.readings('s1', [[START + minute * MINUTE_MS, { pm25 }]])) };
}

test('a contract is in force from its record on, for what comes after', () => {
  const engine = new Engine();
  const journal = new TestJournal();
  engine.apply(journal.dataset(AIR));
  const reading = (minute: number) => journal.readings('s1', [[START + minute * MINUTE_MS, { pm25: 200 }]]);
  assert.deepEqual(inShort(engine, [reading(0), journal.contract(contractRecord(THRESHOLD)), reading(1)]), ['raise 1 @1']);
});

test('the next version keeps the active alert under its id, and its own condition ends it', () => {
  const { engine, journal, at } = running(THRESHOLD);
  const [raised] = at(0, 200);
  assert.deepEqual(engine.apply(journal.contract(contractRecord(STRICTER))), []);
  assert.deepEqual(at(1, 115), []);
  const [cleared] = at(2, 50);
  assert.equal(cleared?.type, 'clear');
  assert.equal(cleared?.alert, raised?.alert);
});

test('the next version starts the times anew', () => {
  const { engine, journal, at } = running(STRICTER);
  at(0, 200);
  at(1, 200);
  engine.apply(journal.contract(contractRecord(STRICTER.replace('a test', 'another test'))));
  assert.deepEqual(at(2, 200), []);
  assert.equal(at(4, 200)[0]?.type, 'raise');
});

test('alerts of a rule that is gone, or of another kind now, are cleared with the contract record as evidence', () => {
  for (const next of [THRESHOLD.replace('id: r,', 'id: other,'), SILENCE]) {
    const { engine, journal, at } = running(THRESHOLD);
    const [raised] = at(7, 200);
    const event = journal.contract(contractRecord(next));
    assert.deepEqual(engine.apply(event), [
      {
        v: 1,
        type: 'clear',
        n: 1,
        contract: 'test',
        agency: 'bj-eco',
        reason: 'rule-gone',
        alert: raised?.alert,
        at: START + 7 * MINUTE_MS,
        values: {},
        evidence: [event.kind === 'contract' && event.position],
      },
    ]);
  }
});

test('the same version again changes nothing', () => {
  const { engine, journal, at } = running(STRICTER);
  at(0, 200);
  engine.apply(journal.contract(contractRecord(STRICTER)));
  assert.equal(at(2, 200)[0]?.type, 'raise');
});

test('a record with faults, a foreign version or another name is refused, counted, and the former version goes on', () => {
  const { engine, journal, at } = running(THRESHOLD);
  const record = contractRecord(STRICTER);
  engine.apply(journal.contract({ ...record, text: STRICTER.replace('pm25', 'pm99') }));
  engine.apply(journal.contract({ ...record, version: 'f'.repeat(64) }));
  engine.apply(journal.contract({ ...record, contract: 'other' }));
  assert.equal(engine.status().refused, 3);
  assert.equal(at(0, 151)[0]?.type, 'raise');
});

test('a contract waits for its dataset, and stops while a definition lacks what it reads', () => {
  const engine = new Engine();
  const journal = new TestJournal();
  const reading = (minute: number, pm25: number) => journal.readings('s1', [[START + minute * MINUTE_MS, { pm25 }]]);
  const stateOf = () => engine.status().contracts[0]?.state;
  engine.apply(journal.contract(contractRecord(THRESHOLD)));
  assert.equal(stateOf(), 'waiting');
  assert.deepEqual(inShort(engine, [reading(0, 200)]), []);
  engine.apply(journal.dataset(AIR));
  assert.equal(stateOf(), 'running');
  assert.deepEqual(inShort(engine, [reading(1, 200)]), ['raise 1 @1']);
  const { pm25: _, ...properties } = AIR.properties;
  assert.deepEqual(inShort(engine, [journal.dataset({ ...AIR, properties })]), ['clear @1']);
  assert.equal(stateOf(), 'waiting');
  const restarted = new Engine(JSON.parse(JSON.stringify(engine.snapshot())));
  restarted.apply(journal.dataset(AIR));
  assert.deepEqual(inShort(restarted, [reading(2, 200)]), ['raise 2 @2']);
});

test('recorded alerts are held against the caused ones; an acknowledgement changes nothing', () => {
  const { engine, at } = running(THRESHOLD);
  const [raised] = at(0, 200) as [AlertEffect];
  const recorded = (transition: AlertTransition) => engine.apply({ kind: 'alert', position: 9, transition });
  assert.equal(engine.status().unrecorded, 1);
  assert.deepEqual(recorded({ v: 1, type: 'acknowledge', alert: raised.alert, at: START, by: 'a person', comment: '' }), []);
  assert.deepEqual(recorded(JSON.parse(JSON.stringify(raised))), []);
  assert.deepEqual([engine.status().unrecorded, engine.status().mismatches], [0, 0]);
  const [cleared] = at(1, 0) as [AlertEffect];
  recorded({ ...cleared, at: cleared.at + 1 });
  recorded({ ...raised, alert: '0'.repeat(32) });
  assert.deepEqual([engine.status().unrecorded, engine.status().mismatches], [0, 2]);
});
