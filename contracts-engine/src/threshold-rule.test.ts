import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { alarms } from '@airtight/standards/who-pqs.ts';
import { Engine } from './engine.ts';
import { AIR, COLDCHAIN, contractRecord, contractText, HOUR_MS, inShort, MINUTE_MS, START, TestJournal } from './test-journal.ts';

function engineWith(text: string, contract = 'test'): { engine: Engine; journal: TestJournal } {
  const engine = new Engine();
  const journal = new TestJournal();
  for (const definition of [AIR, COLDCHAIN]) engine.apply(journal.dataset(definition));
  engine.apply(journal.contract(contractRecord(text, contract)));
  assert.equal(engine.status().contracts[0]?.state, 'running');
  return { engine, journal };
}

/** Effects for PM2.5 readings [minute, value]. */
function effectsFor(rule: string, readings: readonly (readonly [minute: number, pm25: number])[]): string[] {
  const { engine, journal } = engineWith(contractText(rule));
  const events = readings.map(([minute, pm25]) => journal.readings('s1', [[START + minute * MINUTE_MS, { pm25 }]]));
  return inShort(engine, events);
}

const HYSTERESIS = 'raise: { when: pm25 > 150.0, for: PT10M }, clear: { when: pm25 <= 115.0, for: PT10M }';

test('a raise names contract, rule, subject, values, message and evidence; the id is a function of them', () => {
  const { engine, journal } = engineWith(
    contractText('raise: { when: pm25 > 150.0 && co > 1.0, for: PT1M }, clear: { when: pm25 <= 115.0 }').replace(
      'zh: "{subject}", en: "{subject}"',
      'zh: "{subject}：{pm25}", en: "{subject}: {pm25} and {co} since {since}"',
    ),
  );
  assert.deepEqual(engine.apply(journal.readings('s1', [[START, { pm25: 150.5, co: 1.5 }]])), []);
  const [effect, ...none] = engine.apply(journal.readings('s1', [[START + MINUTE_MS, { pm25: 151, co: 1.25, wd: 'N' }]]));
  assert.deepEqual(none, []);
  const { alert, version, ...rest } = effect as typeof effect & { version: string };
  assert.match(alert, /^[0-9a-f]{32}$/);
  assert.match(version, /^[0-9a-f]{64}$/);
  assert.deepEqual(rest, {
    v: 1,
    type: 'raise',
    n: 0,
    at: START + MINUTE_MS,
    contract: 'test',
    rule: 'r',
    severity: 'minor',
    agency: 'bj-eco',
    dataset: 'air',
    subject: 's1',
    since: START,
    values: { co: 1.25, pm25: 151 },
    message: { zh: 's1：151', en: 's1: 151 and 1.25 since 2026-11-01T00:00:00.000Z' },
    evidence: [3, 4],
  });
  const cleared = engine.apply(journal.readings('s1', [[START + 2 * MINUTE_MS, { pm25: 115, co: 0 }]]));
  assert.deepEqual(cleared, [
    {
      v: 1,
      type: 'clear',
      n: 1,
      contract: 'test',
      agency: 'bj-eco',
      alert,
      at: START + 2 * MINUTE_MS,
      values: { pm25: 115 },
      evidence: [5],
    },
  ]);
});

test('duration: the condition must hold from its first reading to one that is the full duration later', () => {
  assert.deepEqual(
    effectsFor(HYSTERESIS, [
      [0, 151],
      [5, 200],
      [9, 200],
    ]),
    [],
  );
  assert.deepEqual(
    effectsFor(HYSTERESIS, [
      [0, 151],
      [5, 200],
      [10, 151],
      [11, 300],
    ]),
    ['raise 0 @10'],
  );
});

test('one reading that does not satisfy it starts the time anew', () => {
  assert.deepEqual(
    effectsFor(HYSTERESIS, [
      [0, 151],
      [5, 150],
      [6, 151],
      [15, 151],
      [16, 151],
    ]),
    ['raise 6 @16'],
  );
});

test('hysteresis: between the two limits nothing changes; the clear condition has its own duration', () => {
  assert.deepEqual(
    effectsFor('raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0, for: PT10M }', [
      [0, 151],
      [1, 130],
      [2, 151],
      [3, 115],
      [8, 116],
      [9, 115],
      [18, 115],
      [19, 115],
      [20, 151],
    ]),
    ['raise 0 @0', 'clear @19', 'raise 20 @20'],
  );
});

test('a gap longer than maxGap does not count as holding', () => {
  const rule = `${HYSTERESIS}, maxGap: PT5M`;
  assert.deepEqual(
    effectsFor(rule, [
      [0, 151],
      [11, 151],
      [16, 151],
      [21, 151],
    ]),
    ['raise 11 @21'],
  );
});

test('without maxGap three cadences of the dataset join, more do not', () => {
  assert.deepEqual(
    effectsFor(HYSTERESIS, [
      [0, 151],
      [180, 151],
    ]),
    ['raise 0 @180'],
  );
  assert.deepEqual(
    effectsFor(HYSTERESIS, [
      [0, 151],
      [181, 151],
    ]),
    [],
  );
});

test('without lateness a reading that is not newer than the newest changes nothing and is counted; another value of the same time does', () => {
  const { engine, journal } = engineWith(
    contractText('raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 }', { head: 'lateness: PT0S\n' }),
  );
  const at = (minute: number, pm25: number) => journal.readings('s1', [[START + minute * MINUTE_MS, { pm25 }]]);
  assert.deepEqual(inShort(engine, [at(10, 100), at(9, 500), at(11, 500), at(10, 0), at(11, 0)]), ['raise 11 @11', 'correct @11']);
  assert.equal(engine.status().late, 2);
});

test('a logger read out backwards in one record counts whole', () => {
  const { engine, journal } = engineWith(contractText(HYSTERESIS));
  const backwards = [10, 9, 8, 3, 0].map((minute) => [START + minute * MINUTE_MS, { pm25: 200 }] as const);
  assert.deepEqual(inShort(engine, [journal.readings('s1', backwards)]), ['raise 0 @10']);
});

test('flags: late and range only where the rule accepts them, future never', () => {
  const plain = 'raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 }';
  const late = { receivedAt: START + 30 * 24 * HOUR_MS };
  for (const [input, options, pm25, expected] of [
    ['', {}, 200, 1],
    ['', late, 200, 0],
    [', accept: { flags: [late] }', late, 200, 1],
    [', accept: { flags: [late] }', late, 9999, 0],
    [', accept: { flags: [late, range] }', late, 9999, 1],
    [', accept: { flags: [late, range] }', { receivedAt: START - HOUR_MS }, 200, 0],
  ] as const) {
    const { engine, journal } = engineWith(contractText(plain, { input }));
    assert.equal(inShort(engine, [journal.readings('s1', [[START, { pm25 }]], options)]).length, expected, input);
  }
});

test('a reading without every variable, or of another type, is none for the rule', () => {
  const { engine, journal } = engineWith(contractText('raise: { when: pm25 > 150.0 && wd == "N" }, clear: { when: pm25 <= 115.0 }'));
  const values = [{ pm25: 200 }, { wd: 'N' }, { pm25: '200', wd: 'N' }, { pm25: true, wd: 'N' }, { co: 9 }];
  const events = values.map((value, i) => journal.readings('s1', [[START + i * MINUTE_MS, value]]));
  assert.deepEqual(inShort(engine, events), []);
  assert.deepEqual(engine.snapshot().contracts[0]?.rules[0]?.trackers, []);
  assert.deepEqual(inShort(engine, [journal.readings('s1', [[START + 5 * MINUTE_MS, { pm25: 200, wd: 'N' }]])]), ['raise 5 @5']);
});

test('an expression that cannot be computed says nothing and is counted', () => {
  const { engine, journal } = engineWith(contractText('raise: { when: wd > 1.0 }, clear: { when: wd <= 1.0 }'));
  assert.deepEqual(inShort(engine, [journal.readings('s1', [[START, { wd: 'N' }]])]), []);
  assert.equal(engine.status().uncomputable, 1);
});

test('subjects and datasets do not touch each other', () => {
  const { engine, journal } = engineWith(contractText(HYSTERESIS));
  const events = [0, 5, 10].flatMap((minute) => [
    journal.readings('s1', [[START + minute * MINUTE_MS, { pm25: 200 }]]),
    journal.readings('s2', [[START + minute * MINUTE_MS, { pm25: minute === 5 ? 100 : 200 }]]),
    journal.readings('constructor', [[START + minute * MINUTE_MS, { pm25: 200 }]]),
    journal.readings('s1', [[START + minute * MINUTE_MS, { tvc: 200 }]], { definition: COLDCHAIN }),
  ]);
  const raised = events.flatMap((event) => engine.apply(event)).map((effect) => effect.type === 'raise' && effect.subject);
  assert.deepEqual(raised, ['s1', 'constructor']);
});

test('the shipped fridge contract raises what WHO PQS raises, on random series without gaps', () => {
  const text = readFileSync(new URL('../contracts/vaccine-fridge.yaml', import.meta.url), 'utf8');
  let seed = 20261101;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  let raisedInAll = 0;
  for (let series = 0; series < 60; series++) {
    const { engine, journal } = engineWith(text, 'vaccine-fridge');
    const samples: { at: number; tvc: number }[] = [];
    let at = START;
    for (let episode = 0; episode < 8; episode++) {
      const level = [9, 8.01, 8, 5, -0.4, -0.5, -3][Math.floor(random() * 7)] as number;
      // An episode ends in range, so that an alert of it has ended before the next.
      const count = 2 + Math.floor(random() * 90);
      for (let i = 0; i < count; i++, at += 10 * MINUTE_MS) samples.push({ at, tvc: i === count - 1 ? 5 : level });
    }
    const events = samples.map(({ at: time, tvc }) => journal.readings('f1', [[time, { tvc }]], { definition: COLDCHAIN }));
    const raised = events.flatMap((event) => engine.apply(event)).filter((effect) => effect.type === 'raise');
    assert.deepEqual(
      raised.map(({ rule, since, at: raisedAt }) => ({ code: rule === 'heat' ? 'HEAT' : 'FRZE', since, at: raisedAt })),
      alarms(samples),
    );
    raisedInAll += raised.length;
  }
  assert.ok(raisedInAll > 50, `${raisedInAll} alarms`);
});
