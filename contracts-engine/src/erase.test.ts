/** Confidential values: an alert tells none of them, and after an erasure no snapshot holds one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect, DatasetDefinition } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { COLDCHAIN, contractRecord, contractText, MINUTE_MS, START, TestJournal } from './test-journal.ts';

const SECRET = 31.415926;
const CONFIDENTIAL: DatasetDefinition = { ...COLDCHAIN, confidential: true };
const RULE = 'raise: { when: tvc > 30.0 }, clear: { when: tvc < 8.0 }, message: { zh: "{subject} 为 {tvc}", en: "{subject} has {tvc}" }';

function scene(definition: DatasetDefinition) {
  const engine = new Engine();
  const journal = new TestJournal();
  const effects: AlertEffect[] = [];
  const apply = (event: Parameters<Engine['apply']>[0]): void => void effects.push(...engine.apply(event));
  apply(journal.dataset(definition));
  const text = contractText(RULE, { dataset: 'coldchain', head: 'lateness: PT6H\n' }).replace(
    'message: { zh: "{subject}", en: "{subject}" }, ',
    '',
  );
  apply(journal.contract(contractRecord(text)));
  const read = (at: number, tvc: number, producer = 'fridge-a') =>
    apply(journal.readings(producer, [[START + at * MINUTE_MS, { tvc }]], { definition }));
  return { engine, journal, effects, apply, read };
}

test('an alert about public data tells its values, one about confidential data the records alone', () => {
  const shown = scene(COLDCHAIN);
  shown.read(0, SECRET);
  const [open] = shown.effects;
  assert.ok(open?.type === 'raise' && open.values['tvc'] === SECRET && open.message.en === `fridge-a has ${SECRET}`);
  const hidden = scene(CONFIDENTIAL);
  hidden.read(0, SECRET);
  hidden.read(15, 4.25);
  const [raise, clear] = hidden.effects;
  assert.ok(raise?.type === 'raise' && clear?.type === 'clear');
  assert.deepEqual([raise.values, raise.evidence.length, clear.values], [{}, 1, {}]);
  assert.deepEqual(raise.message, { zh: 'fridge-a 为 ［见证据记录］', en: 'fridge-a has [see the records]' });
  assert.ok(!JSON.stringify(hidden.effects).includes(String(SECRET)));
});

test('after an erasure no value is in the state; open alerts stay, others are not judged again, and the rest goes on', () => {
  const { engine, journal, effects, apply, read } = scene(CONFIDENTIAL);
  read(0, SECRET);
  read(15, 4.25);
  read(30, SECRET);
  read(30, SECRET + 1, 'fridge-b');
  assert.ok(JSON.stringify(engine.snapshot()).includes(String(SECRET)));
  const record = {
    type: 'erasure',
    producer: 'fridge-a',
    day: '2026-11-01',
    beforePosition: 6,
    datasets: ['coldchain'],
    reason: 'asked',
    by: 'lin',
  } as const;
  apply({ ...journal.tick(START + 31 * MINUTE_MS), kind: 'erasure', record: { ...record, erased: [] } });
  const text = JSON.stringify(engine.snapshot());
  assert.ok(!text.includes(String(SECRET)) && text.includes(String(SECRET + 1)));
  const before = effects.length;
  read(10, 5, 'fridge-a');
  assert.equal(effects.length, before, 'a late reading takes nothing back that the erased ones gave');
  const again = new Engine(JSON.parse(text));
  for (const machine of [engine, again]) {
    const made = machine.apply(journal.readings('fridge-a', [[START + 45 * MINUTE_MS, { tvc: 4 }]], { definition: CONFIDENTIAL }));
    assert.deepEqual(
      made.map(({ type }) => type),
      ['clear'],
      'the open one ends by the next reading',
    );
  }
});
