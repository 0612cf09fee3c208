/** Groups over a random journal: what the engine does follows from how the alerts stand on record, whatever people do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AlertItem, type AlertTransition, actRefusal, foldAlert } from '@airtight/protocol';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { AIR, contractRecord, contractText, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { type Random, seeded } from './test-random.ts';

const STEPS = 'escalate: [{ after: PT10M, notify: [chief], severity: severe }, { after: PT20M, notify: [mayor] }]';
const RULE = `levels: [
  { severity: minor, raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 } },
  { severity: moderate, raise: { when: pm25 > 250.0 }, clear: { when: pm25 <= 200.0 } }],
  notify: [desk], group: { by: region }, ${STEPS}`.replaceAll('\n', ' ');
const TEXT = contractText(RULE).replace('severity: minor, message', 'message');
const STATIONS = ['s1', 's2', 's3', 's4'];
const MINUTES = 600;

/** The books as the platform keeps them: effects and acts folded as they are recorded. */
class Books {
  readonly items = new Map<string, AlertItem>();
  readonly closings = { group: 0, empty: 0 };
  #position = 0;

  take(transition: AlertTransition): void {
    const before = this.items.get(transition.alert);
    if (transition.type === 'escalate') {
      assert.equal(before?.state, 'unacknowledged', 'what somebody looks after, or put aside, does not escalate');
      assert.equal(before?.group, null, 'a member is told of through its group');
    }
    if (transition.type === 'shelf-end') assert.equal(before?.state, 'shelved');
    if (transition.type === 'clear' && transition.reason === 'group-closed') this.closings.group++;
    if (transition.type === 'clear' && transition.reason === 'group-empty') this.closings.empty++;
    const item = foldAlert(before, transition, this.#position++);
    if (item !== undefined) this.items.set(item.alert, item);
  }

  /** After a tick a group is there exactly as long as one of its members. */
  check(): void {
    const active = [...this.items.values()].filter(({ clearedAt }) => clearedAt === null);
    for (const item of active) {
      if (item.group !== null) assert.equal(this.items.get(item.group)?.clearedAt, null, 'an active member has an active group');
      else
        assert.ok(
          active.some(({ group }) => group === item.alert),
          'an active group has an active member',
        );
    }
  }
}

function actAt(items: readonly AlertItem[], at: number, random: Random): AlertTransition | undefined {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) return undefined;
  const base = { v: 1, alert: item.alert, at, by: 'li' } as const;
  const acts = [
    { ...base, type: 'acknowledge', comment: '' },
    { ...base, type: 'shelve', until: at + Math.floor(random() * 30) * MINUTE_MS, reason: 'works' },
    { ...base, type: 'unshelve' },
    { ...base, type: 'close', reason: 'known' },
  ] as const;
  const act = acts[Math.floor(random() * acts.length)] as (typeof acts)[number];
  return actRefusal(item, act.type, 'li') === undefined ? act : undefined;
}

for (const seed of [1, 2, 3]) {
  test(`groups in the books and in the engine are the same, and a restart changes nothing (seed ${seed})`, () => {
    const random = seeded(seed);
    const journal = new TestJournal();
    const books = new Books();
    let engine = new Engine();
    const straight = new Engine();
    const put = (event: EngineEvent): void => {
      const effects = engine.apply(event);
      assert.equal(JSON.stringify(straight.apply(event)), JSON.stringify(effects));
      for (const effect of effects) books.take(effect);
      if (random() < 0.1) engine = new Engine(JSON.parse(JSON.stringify(engine.snapshot())));
    };
    put(journal.dataset(AIR));
    for (const [i, name] of STATIONS.entries()) put(journal.device(name, i % 2 === 0 ? 'North' : 'South', { lat: 40, lon: 116 }));
    put(journal.contract(contractRecord(TEXT)));
    assert.equal(engine.status().contracts[0]?.state, 'running');
    for (let minute = 0; minute < MINUTES; minute++) {
      const at = START + minute * MINUTE_MS;
      put(journal.tick(at));
      books.check();
      for (const name of STATIONS) if (random() < 0.1) put(journal.readings(name, [[at, { pm25: Math.floor(random() * 320) }]]));
      const act = random() < 0.2 ? actAt([...books.items.values()].slice(-12), at + 1, random) : undefined;
      if (act === undefined) continue;
      books.take(act);
      put(journal.alert(act));
    }
    assert.equal(JSON.stringify(engine.snapshot()), JSON.stringify(straight.snapshot()));
    const escalated = [...books.items.values()].flatMap(({ timeline }) => timeline.filter(({ type }) => type === 'escalate'));
    const { group, empty } = books.closings;
    assert.ok(group > 0 && empty > 5 && escalated.length > 5, `${group} closed, ${empty} empty, ${escalated.length} steps`);
  });
}
