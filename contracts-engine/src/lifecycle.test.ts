/** What becomes of alerts besides their conditions: time, people, groups, other alerts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AlertEffect, type AlertTransition, OUT_OF_SERVICE, serviceId } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { AIR, contractRecord, contractText, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { outcomesOf } from './test-outcome.ts';

const THRESHOLD = 'raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 }';
const PLACE = { lat: 40, lon: 116 };

/** An engine under a contract that is told minutes, and restarts between any two events: nothing may live outside its state. */
class Scene {
  #engine = new Engine();
  readonly #journal = new TestJournal();

  constructor(text: string) {
    this.apply(this.#journal.dataset(AIR));
    for (const [producer, region] of [
      ['s1', 'North'],
      ['s2', 'North'],
      ['s3', 'South'],
    ] as const)
      this.apply(this.#journal.device(producer, region, PLACE));
    this.apply(this.#journal.contract(contractRecord(text)));
    assert.equal(this.#engine.status().contracts[0]?.state, 'running');
  }

  apply(event: Parameters<Engine['apply']>[0]): readonly AlertEffect[] {
    const effects = this.#engine.apply(event);
    this.#engine = new Engine(JSON.parse(JSON.stringify(this.#engine.snapshot())));
    return effects;
  }

  tick(minute: number): readonly AlertEffect[] {
    return this.apply(this.#journal.tick(START + minute * MINUTE_MS));
  }

  read(minute: number, pm25: number, producer = 's1'): readonly AlertEffect[] {
    return this.apply(this.#journal.readings(producer, [[START + minute * MINUTE_MS, { pm25 }]]));
  }

  act(act: DistributiveOmit<AlertTransition, 'v' | 'at'>, minute = 0): readonly AlertEffect[] {
    return this.apply(this.#journal.alert({ v: 1, at: START + minute * MINUTE_MS, ...act } as AlertTransition));
  }
}
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

const types = (effects: readonly AlertEffect[]): string[] => effects.map(({ type }) => type);
const idOf = (effects: readonly AlertEffect[], index = 0): string => (effects[index] as AlertEffect).alert;

test('escalation goes on by ticks until somebody acknowledges', () => {
  const steps = 'escalate: [{ after: PT10M, notify: [chief] }, { after: PT30M, notify: [mayor], severity: extreme }]';
  for (const acknowledges of [false, true]) {
    const scene = new Scene(contractText(`${THRESHOLD}, notify: [desk], ${steps}`));
    scene.tick(0);
    const raised = scene.read(0, 200);
    assert.deepEqual(raised[0]?.type === 'raise' && raised[0].notify, ['desk']);
    assert.deepEqual(types(scene.tick(9)), []);
    const [first] = scene.tick(10);
    assert.ok(first?.type === 'escalate');
    assert.deepEqual([first.step, first.severity, first.notify, first.n], [1, 'minor', ['chief'], 1]);
    if (acknowledges) scene.act({ type: 'acknowledge', alert: idOf(raised), by: 'li', comment: '' });
    const second = scene.tick(30);
    assert.deepEqual(types(second), acknowledges ? [] : ['escalate']);
    assert.deepEqual(types(scene.tick(300)), []);
  }
});

test('two different people approve before escalation counts', () => {
  const scene = new Scene(contractText(`${THRESHOLD}, require: two-person, escalate: [{ after: PT10M, notify: [chief] }]`));
  scene.tick(0);
  const raised = scene.read(0, 200);
  assert.equal(raised[0]?.type === 'raise' && raised[0].approvals, 2);
  for (const by of ['li', 'li']) scene.act({ type: 'approve', alert: idOf(raised), by });
  assert.deepEqual(types(scene.tick(60)), []);
  scene.act({ type: 'approve', alert: idOf(raised), by: 'wang' });
  assert.deepEqual(types(scene.tick(69)), []);
  assert.deepEqual(types(scene.tick(70)), ['escalate']);
});

test('a shelf ends by a tick; while it lasts nothing escalates', () => {
  const scene = new Scene(contractText(`${THRESHOLD}, escalate: [{ after: PT10M, notify: [chief] }]`));
  scene.tick(0);
  const alert = idOf(scene.read(0, 200));
  scene.act({ type: 'shelve', alert, by: 'li', until: START + 60 * MINUTE_MS, reason: 'works' });
  assert.deepEqual(types(scene.tick(59)), []);
  assert.deepEqual(types(scene.tick(60)), ['shelf-end', 'escalate']);
});

test('what a person closed is raised again only after its condition has not held', () => {
  const scene = new Scene(contractText(THRESHOLD));
  const alert = idOf(scene.read(0, 200));
  assert.deepEqual(scene.act({ type: 'close', alert, by: 'li', reason: 'known fire' }), []);
  assert.deepEqual(types(scene.read(1, 210)), []);
  assert.deepEqual(types(scene.read(2, 140)), []);
  assert.deepEqual(types(scene.read(3, 210)), ['raise']);
  assert.deepEqual(types(scene.read(4, 100)), ['clear']);
});

test('a late reading respects that a person closed the alert', () => {
  const scene = new Scene(contractText(THRESHOLD));
  const alert = idOf(scene.read(10, 200));
  scene.read(20, 200);
  scene.act({ type: 'close', alert, by: 'li', reason: 'known fire' });
  scene.read(30, 210);
  assert.deepEqual(types(scene.read(5, 100)), []);
  assert.deepEqual(types(scene.read(4, 160)), ['raise', 'clear'], 'it was there before, and over at minute 5');
  assert.deepEqual(types(scene.read(31, 210)), []);
});

test('inhibition: raised suppressed, suppressed later, released', () => {
  const rules = `contract: test
title: { zh: 测试, en: Test }
agency: tests
source: a test
inputs: { air: { dataset: air } }
rules:
  - { id: power, severity: severe, message: { zh: x, en: x }, raise: { when: co > 10.0 }, clear: { when: co <= 5.0 } }
  - { id: r, severity: minor, message: { zh: x, en: x }, ${THRESHOLD}, inhibit: [{ rule: power }] }
`;
  const journal = new TestJournal();
  const engine = new Engine();
  for (const event of [journal.dataset(AIR), journal.contract(contractRecord(rules))]) engine.apply(event);
  const read = (minute: number, values: { [name: string]: number }) =>
    engine.apply(journal.readings('s1', [[START + minute * MINUTE_MS, values]]));
  const [power] = read(0, { co: 20 });
  const [suppressed] = read(1, { pm25: 200 });
  assert.deepEqual(suppressed?.type === 'raise' && suppressed.suppressedBy, [power?.alert]);
  const released = read(2, { co: 1 });
  assert.deepEqual(types(released), ['clear', 'unsuppress']);
  const again = read(3, { co: 20 });
  assert.deepEqual(types(again), ['raise', 'suppress']);
  assert.equal(again[1]?.type === 'suppress' && again[1].by, idOf(again));
});

test('inhibition: what one reading raises together with its explanation is raised suppressed, in either order of the rules', () => {
  const power = `  - { id: power, severity: severe, message: { zh: x, en: x }, raise: { when: co > 10.0 }, clear: { when: co <= 5.0 } }\n`;
  const explained = `  - { id: r, severity: minor, message: { zh: x, en: x }, ${THRESHOLD}, inhibit: [{ rule: power }] }\n`;
  const head = `contract: test\ntitle: { zh: 测试, en: Test }\nagency: tests\nsource: a test\ninputs: { air: { dataset: air } }\nrules:\n`;
  for (const rules of [power + explained, explained + power]) {
    const journal = new TestJournal();
    const engine = new Engine();
    for (const event of [journal.dataset(AIR), journal.contract(contractRecord(head + rules))]) engine.apply(event);
    const effects = engine.apply(journal.readings('s1', [[START, { co: 20, pm25: 200 }]]));
    assert.deepEqual(types(effects), ['raise', 'raise']);
    const by = Object.fromEntries(effects.flatMap((one) => (one.type === 'raise' ? [[one.rule, one]] : [])));
    assert.deepEqual(by['r']?.suppressedBy, [by['power']?.alert]);
    assert.equal(by['power']?.suppressedBy, undefined);
    const over = engine.apply(journal.readings('s1', [[START + MINUTE_MS, { co: 1, pm25: 200 }]]));
    assert.deepEqual(types(over), ['clear', 'unsuppress']);
  }
});

test('inhibition: what an expired alert explained comes back the same, by ticks and by the next reading', () => {
  const rules = `contract: test
title: { zh: 测试, en: Test }
agency: tests
source: a test
inputs: { air: { dataset: air } }
rules:
  - { id: r, severity: severe, message: { zh: x, en: x }, ${THRESHOLD}, inhibit: [{ rule: power }] }
  - { id: power, severity: severe, expires: PT1H, message: { zh: x, en: x }, raise: { when: co > 10.0 }, clear: { when: co <= 5.0 } }
`;
  const told = [true, false].map((hasTicks) => {
    const journal = new TestJournal();
    const engine = new Engine();
    for (const event of [journal.dataset(AIR), journal.contract(contractRecord(rules))]) engine.apply(event);
    const caused = [...engine.apply(journal.readings('s1', [[START, { co: 20, pm25: 200 }]]))];
    // Silent for five hours: by ticks it is over when nothing late can come any more, without them at the next reading.
    for (let minute = 1; minute < 300; minute++) if (hasTicks) caused.push(...engine.apply(journal.tick(START + minute * MINUTE_MS)));
    caused.push(...engine.apply(journal.readings('s1', [[START + 300 * MINUTE_MS, { co: 20, pm25: 0 }]])));
    return caused.filter(({ type }) => type === 'unsuppress' || type === 'clear');
  });
  assert.deepEqual(types(told[0] ?? []), ['clear', 'unsuppress', 'clear']);
  assert.deepEqual(
    told[0]?.slice(0, 2).map(({ at, evidence }) => [at, evidence]),
    [
      [START + 60 * MINUTE_MS, []],
      [START + 60 * MINUTE_MS, []],
    ],
  );
  assert.deepEqual(
    told[1]?.map((effect) => ({ ...effect, evidence: [] })),
    told[0]?.map((effect) => ({ ...effect, evidence: [] })),
  );
});

test('out of service: all alerts of the rule are suppressed until it returns or the time has come', () => {
  const scene = new Scene(contractText(THRESHOLD));
  const about = { contract: 'test', rule: 'r', subject: null };
  const alert = serviceId(about);
  scene.read(0, 200, 's1');
  const out = scene.act({ type: 'out-of-service', alert, by: 'li', ...about, until: START + 60 * MINUTE_MS, reason: 'works' });
  assert.deepEqual(types(out), ['suppress']);
  const [raised] = scene.read(0, 200, 's2');
  assert.deepEqual(raised?.type === 'raise' && raised.suppressedBy, [OUT_OF_SERVICE]);
  assert.deepEqual(types(scene.tick(59)), []);
  assert.deepEqual(types(scene.tick(60)), ['unsuppress', 'unsuppress']);
  scene.act({ type: 'out-of-service', alert, by: 'li', ...about, subject: 's1', until: null, reason: 'works' });
  assert.deepEqual(types(scene.act({ type: 'return-to-service', alert, by: 'li', ...about, subject: 's1', reason: 'done' })), [
    'unsuppress',
  ]);
});

test('a storm is one group alert, told of again at ticks', () => {
  const scene = new Scene(contractText(`${THRESHOLD}, notify: [desk], group: { by: region }`));
  const [first, group] = scene.read(0, 200, 's1');
  assert.ok(group?.type === 'raise' && first?.type === 'raise');
  assert.deepEqual([group.subject, group.notify, first.group, first.notify], ['group:region:North', ['desk'], group.alert, undefined]);
  assert.deepEqual(types(scene.read(1, 200, 's2')), ['raise']);
  assert.deepEqual(
    types(scene.read(1, 200, 's3')),
    ['raise', 'raise'],
    'another region is another group; its alert comes after its first member',
  );
  const told = scene.tick(2);
  assert.deepEqual(types(told), ['update', 'update']);
  assert.deepEqual(told[0]?.type === 'update' && told[0].members?.count, 2);
  assert.deepEqual(types(scene.tick(3)), []);
  scene.read(4, 0, 's1');
  assert.deepEqual(types(scene.read(5, 0, 's2')), ['clear']);
  const [over] = scene.tick(6);
  assert.deepEqual([over?.type, over?.alert], ['clear', group.alert]);
});

const GROUPED = `${THRESHOLD}, notify: [desk], group: { by: region }, escalate: [{ after: PT10M, notify: [chief], severity: severe }, { after: PT30M, notify: [mayor] }]`;

test('a group escalates by its own age, whoever joins meanwhile; its members do not', () => {
  for (const acknowledges of [false, true]) {
    const scene = new Scene(contractText(GROUPED));
    scene.tick(0);
    const group = idOf(scene.read(0, 200, 's1'), 1);
    scene.read(8, 200, 's2');
    assert.deepEqual(types(scene.tick(9)), ['update']);
    const [first, ...none] = scene.tick(10);
    assert.deepEqual(first?.type === 'escalate' && [first.alert, first.step, first.severity, first.notify], [
      group,
      1,
      'severe',
      ['chief'],
    ]);
    assert.deepEqual(none, []);
    if (acknowledges) scene.act({ type: 'acknowledge', alert: group, by: 'li', comment: '' });
    const [second] = scene.tick(30);
    if (acknowledges) assert.equal(second, undefined);
    else assert.deepEqual(second?.type === 'escalate' && [second.step, second.severity], [2, 'severe'], 'a step never makes it milder');
  }
});

test('a shelved group is quiet with all that join it, and escalates after the shelf; its members are not shelved', () => {
  const scene = new Scene(contractText(GROUPED));
  scene.tick(0);
  const group = idOf(scene.read(0, 200, 's1'), 1);
  scene.act({ type: 'shelve', alert: group, by: 'li', until: START + 60 * MINUTE_MS, reason: 'works' });
  assert.equal(scene.read(20, 200, 's2')[0]?.type, 'raise');
  assert.deepEqual(types(scene.tick(20)), ['update']);
  assert.deepEqual(types(scene.tick(59)), []);
  const over = scene.tick(60);
  assert.deepEqual(types(over), ['shelf-end', 'escalate', 'escalate']);
  assert.ok(over.every(({ alert }) => alert === group));
  scene.act({ type: 'shelve', alert: group, by: 'li', until: START + 90 * MINUTE_MS, reason: 'works' });
  scene.act({ type: 'unshelve', alert: group, by: 'li' });
  assert.deepEqual(types(scene.tick(90)), []);
});

test('who closes a group closes its members, and each is raised again only after its condition has not held', () => {
  const scene = new Scene(contractText(GROUPED));
  scene.tick(0);
  const [first, group] = scene.read(0, 200, 's1');
  const second = idOf(scene.read(1, 200, 's2'));
  scene.read(1, 200, 's3');
  scene.tick(1);
  const closed = scene.act({ type: 'close', alert: group?.alert as string, by: 'li', reason: 'known fire' }, 2);
  assert.deepEqual(
    closed.map((effect) => effect.type === 'clear' && [effect.alert, effect.reason]),
    [first?.alert, second].map((alert) => [alert, 'group-closed']),
  );
  assert.deepEqual(types(scene.read(3, 210, 's1')), []);
  assert.deepEqual(types(scene.tick(9)), []);
  assert.deepEqual(types(scene.tick(11)), ['escalate'], 'the other region');
  scene.read(12, 0, 's1');
  const [member, anew] = scene.read(13, 200, 's1');
  assert.deepEqual([anew?.type, member?.type], ['raise', 'raise']);
  assert.notEqual(anew?.alert, group?.alert);
});

test('a group is suppressed while all of its members are', () => {
  const scene = new Scene(contractText(GROUPED));
  const about = { contract: 'test', rule: 'r', subject: null };
  const alert = serviceId(about);
  scene.tick(0);
  const group = idOf(scene.read(0, 200, 's1'), 1);
  scene.tick(0);
  scene.act({ type: 'out-of-service', alert, by: 'li', ...about, until: START + 60 * MINUTE_MS, reason: 'works' });
  const [aside, ...none] = scene.tick(1);
  assert.deepEqual(aside?.type === 'suppress' && [aside.alert, aside.by], [group, OUT_OF_SERVICE]);
  assert.deepEqual(none, []);
  const [, raised] = scene.read(2, 200, 's3');
  assert.deepEqual(raised?.type === 'raise' && [raised.subject, raised.suppressedBy], ['group:region:South', [OUT_OF_SERVICE]]);
  assert.deepEqual(types(scene.tick(59)), ['update'], 'nothing escalates');
  const back = scene.tick(60);
  assert.deepEqual(types(back.filter((effect) => effect.alert === group)), ['unsuppress', 'escalate', 'escalate']);
});

test('what flaps is held active and marked, until it is quiet', () => {
  const scene = new Scene(contractText(`${THRESHOLD}, flap: { changes: 4, within: PT30M }`));
  const seen = [200, 0, 200, 0, 200, 0].map((pm25, minute) => types(scene.read(minute, pm25)).join());
  assert.deepEqual(seen, ['raise', 'clear', 'raise', 'update', '', '']);
  assert.deepEqual(types(scene.read(33, 0)), []);
  assert.deepEqual(types(scene.read(34, 0)), ['clear']);
});

test('an update says anew until when the alert is confirmed', () => {
  const levels = `levels: [
    { severity: minor, raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 } },
    { severity: severe, raise: { when: pm25 > 250.0 }, clear: { when: pm25 <= 200.0 } }]`.replaceAll('\n', ' ');
  const scene = new Scene(contractText(`${levels}, expires: PT1H`).replace('id: r, severity: minor,', 'id: r,'));
  const [raised, update] = [...scene.read(0, 200), ...scene.read(30, 300)];
  assert.deepEqual(
    [raised, update].map((effect) => (effect?.type === 'raise' || effect?.type === 'update' ? [effect.type, effect.expires] : [])),
    [
      ['raise', START + 60 * MINUTE_MS],
      ['update', START + 90 * MINUTE_MS],
    ],
  );
});

test('an alert that nothing confirms expires, by ticks when it was live and by the next reading when it was not', () => {
  const rule = `${THRESHOLD}, expires: PT1H`;
  const live = new Scene(contractText(rule));
  live.read(0, 200);
  // An hour without a word, and three cadences in which one may still come late.
  assert.deepEqual([...live.tick(61), ...live.tick(240)], []);
  const [over] = live.tick(241);
  assert.ok(over?.type === 'clear' && over.reason === 'expired' && over.at === START + 60 * MINUTE_MS);
  const journal = new TestJournal();
  const engine = new Engine();
  const text = contractText(rule, { input: ', accept: { flags: [late] }' });
  for (const event of [journal.dataset(AIR), journal.contract(contractRecord(text))]) engine.apply(event);
  const old = { receivedAt: START + 1e9 };
  engine.apply(journal.readings('s1', [[START, { pm25: 200 }]], old));
  assert.deepEqual(engine.apply(journal.tick(START + 1e9)), []);
  assert.deepEqual(types(engine.apply(journal.readings('s1', [[START + 90 * MINUTE_MS, { pm25: 200 }]], old))), ['clear', 'raise']);
});

test('a rule over alerts follows them, and follows their corrections', () => {
  const text = `contract: test
title: { zh: 测试, en: Test }
agency: tests
source: a test
inputs: { air: { dataset: air } }
alerts: { stations: { rule: r, of: region } }
rules:
  - { id: r, severity: minor, message: { zh: x, en: x }, ${THRESHOLD} }
  - id: joint
    severity: extreme
    subject: region
    message: { zh: "{stations}", en: "{stations} stations of {subject}" }
    raise: { when: stations >= 2.0 }
    clear: { when: stations < 2.0 }
`;
  const scene = new Scene(text);
  scene.read(0, 200, 's1');
  assert.deepEqual(types(scene.read(1, 200, 's3')), ['raise'], 'another region');
  const both = scene.read(2, 200, 's2');
  assert.ok(both[1]?.type === 'raise');
  assert.deepEqual([both[1].rule, both[1].subject, both[1].message.en], ['joint', 'region:North', '2 stations of region:North']);
  const all = [...both];
  all.push(...scene.read(10, 200, 's1'), ...scene.read(1, 100, 's1'));
  assert.deepEqual(types(all.slice(2)), ['clear', 'raise', 'correct']);
  // s1 had returned at minute 1 and came again at minute 10: only from then on they were two.
  const [joint] = outcomesOf(all.filter(({ alert }) => alert === both[1]?.alert));
  assert.equal(joint?.raisedAt, START + 10 * MINUTE_MS);
});

test('silence by the rhythm of the device, and of one that has never reported', () => {
  const journal = new TestJournal();
  const engine = new Engine();
  const events = [journal.dataset(AIR), journal.device('s1', 'North', PLACE), journal.device('s2', 'North', PLACE)];
  for (const event of events) engine.apply(event);
  engine.apply(journal.contract(contractRecord(contractText('noData: { after: 3 cadences, never: P1D }'))));
  const raised: string[] = [];
  for (let second = 0; second <= 86_410; second += 10) {
    const minute = second / 60;
    if (minute <= 50 && minute % 10 === 0) engine.apply(journal.readings('s1', [[START + minute * MINUTE_MS, { pm25: 1 }]]));
    for (const effect of engine.apply(journal.tick(START + second * 1000)))
      if (effect.type === 'raise') raised.push(`${effect.subject} since ${(effect.since - START) / MINUTE_MS} @${minute}`);
  }
  assert.deepEqual(raised, ['s1 since 50 @80', 's2 since 0 @1440'], 'three times its own ten minutes, not three hours');
});
