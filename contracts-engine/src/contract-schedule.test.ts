/** Versions that come into force at a time, and versions that are taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContractWithdrawal } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { AIR, contractRecord, contractText, inShort, MINUTE_MS, START, TestJournal } from './test-journal.ts';

const LOW = contractRecord(contractText('raise: { when: pm25 > 100.0 }, clear: { when: pm25 <= 80.0 }'));
const HIGH = contractRecord(contractText('raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 80.0 }'));

function withdrawal(version: string): ContractWithdrawal {
  return { type: 'contract-withdrawal', contract: 'test', version, by: 'somebody', at: START, reason: 'wrong' };
}

test('a version with a time is in force from the first tick at or after it, over a restart too', () => {
  const journal = new TestJournal();
  const at = (minute: number) => START + minute * MINUTE_MS;
  const reading = (minute: number, pm25: number) => journal.readings('s1', [[at(minute), { pm25 }]]);
  const events = [
    journal.dataset(AIR),
    journal.contract(HIGH),
    journal.tick(at(0)),
    journal.contract({ ...LOW, effectiveFrom: at(10) }),
    reading(1, 120),
    journal.tick(at(9)),
    reading(10, 121),
    journal.tick(at(10)),
    reading(11, 122),
  ];
  assert.deepEqual(inShort(new Engine(), events), ['raise 11 @11']);
  for (let cut = 1; cut < events.length; cut++) {
    const first = new Engine();
    const told = inShort(first, events.slice(0, cut));
    assert.deepEqual([...told, ...inShort(new Engine(first.snapshot()), events.slice(cut))], ['raise 11 @11'], `restart before ${cut}`);
  }
});

test('a version that is withdrawn before its time never comes into force; the alerts of one in force are cleared', () => {
  const journal = new TestJournal();
  const at = (minute: number) => START + minute * MINUTE_MS;
  const engine = new Engine();
  const told = inShort(engine, [
    journal.dataset(AIR),
    journal.contract(HIGH),
    journal.tick(at(0)),
    journal.contract({ ...LOW, effectiveFrom: at(10) }),
    { kind: 'withdrawal', position: 90, record: withdrawal(LOW.version) },
    journal.tick(at(10)),
    journal.readings('s1', [[at(11), { pm25: 120 }]]),
    journal.readings('s1', [[at(12), { pm25: 160 }]]),
    { kind: 'withdrawal', position: 91, record: { ...withdrawal(HIGH.version), draft: '0123456789abcdef' } },
    { kind: 'withdrawal', position: 92, record: withdrawal(HIGH.version) },
    journal.readings('s1', [[at(13), { pm25: 400 }]]),
  ]);
  assert.deepEqual(told, ['raise 12 @12', 'clear @12']);
  assert.deepEqual(engine.status().contracts, []);
});
