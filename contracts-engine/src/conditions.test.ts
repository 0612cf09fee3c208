/**
 * Every condition against a reference that is written the other way round: for each reading it looks back over the whole
 * sorted list, without any state but where the last change was. Readings come in random order within the lateness, some
 * twice, with restarts in between; what the alerts have come to in the end must be what the reference says.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertEffect } from '@airtight/protocol';
import { Engine } from './engine.ts';
import { AIR, contractRecord, contractText, HOUR_MS, MINUTE_MS, START, TestJournal } from './test-journal.ts';
import { type Outcome, outcomesOf } from './test-outcome.ts';
import { delayed, type Random, seeded } from './test-random.ts';

interface Sample {
  readonly at: number;
  readonly pm25: number;
}
/** true, false, or null where nothing can be said, of the sample at an index. */
type Holds = (samples: readonly Sample[], index: number) => boolean | null;
interface Condition {
  readonly holds: Holds;
  readonly forMs?: number;
  readonly ofLast?: readonly [count: number, of: number];
  readonly within?: readonly [count: number, ms: number];
}
interface Reference {
  readonly levels: readonly { readonly severity: string; readonly raise: Condition; readonly clear: Condition }[];
  readonly maxGapMs: number;
  readonly expiresMs?: number;
}

const above =
  (limit: number): Holds =>
  (samples, i) =>
    (samples[i] as Sample).pm25 > limit;
const upTo =
  (limit: number): Holds =>
  (samples, i) =>
    (samples[i] as Sample).pm25 <= limit;

/** When a condition that is met at a sample began; undefined when it is not met. Nothing at or before `floor` counts. */
function metSince(
  condition: Condition,
  { maxGapMs }: Reference,
  samples: readonly Sample[],
  index: number,
  floor: number,
): number | undefined {
  const { holds, forMs = 0, ofLast, within } = condition;
  if (holds(samples, index) !== true) return undefined;
  const at = (samples[index] as Sample).at;
  const heard: number[] = [];
  for (let i = index; i > floor; i--) if (holds(samples, i) !== null) heard.push(i);
  const hits = heard.filter((i) => holds(samples, i) === true);
  if (ofLast !== undefined) {
    const recent = hits.filter((i) => heard.indexOf(i) < ofLast[1]);
    return recent.length >= ofLast[0] ? samples[recent.at(-1) as number]?.at : undefined;
  }
  if (within !== undefined) {
    const recent = hits.filter((i) => at - (samples[i] as Sample).at <= within[1]);
    return recent.length >= within[0] ? samples[recent.at(-1) as number]?.at : undefined;
  }
  let since = at;
  for (const i of heard.slice(1)) {
    const time = (samples[i] as Sample).at;
    if (holds(samples, i) !== true || since - time > maxGapMs) break;
    since = time;
  }
  return at - since >= forMs ? since : undefined;
}

function outcomesBy(reference: Reference, samples: readonly Sample[]): Outcome[] {
  const outcomes: { since: number; raisedAt: number; severity: string; clearedAt: number | null; subject: string }[] = [];
  const { levels, expiresMs } = reference;
  let [level, fell, rose, lastHeard] = [-1, -1, -1, -1];
  for (const [index, { at }] of samples.entries()) {
    const asked = levels.flatMap(({ raise, clear }, k) => (k > level ? [raise] : [clear]));
    if (level >= 0 && expiresMs !== undefined && at > lastHeard + expiresMs) {
      Object.assign(outcomes.at(-1) as object, { clearedAt: lastHeard + expiresMs });
      [level, fell] = [-1, index - 1];
    }
    if (asked.some(({ holds }) => holds(samples, index) === null)) continue;
    lastHeard = at;
    const since = levels.map(({ raise }, k) => (k > level ? metSince(raise, reference, samples, index, fell) : undefined));
    const reached = since.findLastIndex((time) => time !== undefined);
    if (reached >= 0) {
      const { severity } = levels[reached] as (typeof levels)[number];
      if (level < 0) outcomes.push({ subject: 's1', since: since[reached] as number, raisedAt: at, severity, clearedAt: null });
      else Object.assign(outcomes.at(-1) as object, { severity });
      [level, rose] = [reached, index];
      continue;
    }
    let lowest = level + 1;
    while (lowest > 0 && metSince((levels[lowest - 1] as (typeof levels)[number]).clear, reference, samples, index, rose) !== undefined)
      lowest--;
    if (lowest > level) continue;
    [level, fell] = [lowest - 1, index];
    if (level < 0) Object.assign(outcomes.at(-1) as object, { clearedAt: at });
    else Object.assign(outcomes.at(-1) as object, { severity: levels[level]?.severity });
  }
  return outcomes;
}

const LATENESS_MS = 6 * HOUR_MS;
const one = (raise: Condition, clear: Condition, rest: Partial<Reference> = {}): Reference => ({
  levels: [{ severity: 'minor', raise, clear }],
  maxGapMs: 3 * HOUR_MS,
  ...rest,
});
/** The mean of the values in (t − 3 h, t], of at least two hours. */
const meanAbove =
  (limit: number, isAbove: boolean): Holds =>
  (samples, i) => {
    const { at } = samples[i] as Sample;
    const inside = samples.filter((sample) => sample.at > at - 3 * HOUR_MS && sample.at <= at);
    if (new Set(inside.map((sample) => Math.floor((sample.at - (at - 3 * HOUR_MS + 1)) / HOUR_MS))).size < 2) return null;
    const mean = inside.reduce((sum, { pm25 }) => sum + pm25, 0) / inside.length;
    return isAbove ? mean > limit : mean <= limit;
  };
/** Change per hour over the last two hours. */
const rising =
  (limit: number, isAbove: boolean): Holds =>
  (samples, i) => {
    const { at, pm25 } = samples[i] as Sample;
    const first = samples.find((sample) => sample.at > at - 2 * HOUR_MS) as Sample;
    if (first.at === at) return null;
    const rate = ((pm25 - first.pm25) * HOUR_MS) / (at - first.at);
    return isAbove ? rate > limit : rate <= limit;
  };

const CASES: { readonly [name: string]: readonly [rule: string, reference: Reference, head?: string] } = {
  threshold: ['raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 115.0 }', one({ holds: above(150) }, { holds: upTo(115) })],
  duration: [
    'raise: { when: pm25 > 120.0, for: PT40M }, clear: { when: pm25 <= 100.0, for: PT30M }, maxGap: PT45M',
    one({ holds: above(120), forMs: 40 * MINUTE_MS }, { holds: upTo(100), forMs: 30 * MINUTE_MS }, { maxGapMs: 45 * MINUTE_MS }),
  ],
  'n of the last m': [
    'raise: { when: pm25 > 150.0, times: 3 of 5 }, clear: { when: pm25 <= 115.0, times: 2 of 2 }',
    one({ holds: above(150), ofLast: [3, 5] }, { holds: upTo(115), ofLast: [2, 2] }),
  ],
  'n within a time': [
    'raise: { when: pm25 > 150.0, times: "3", within: PT1H }, clear: { when: pm25 <= 115.0 }',
    one({ holds: above(150), within: [3, HOUR_MS] }, { holds: upTo(115) }),
  ],
  levels: [
    `levels: [{ severity: minor, raise: { when: pm25 > 115.0, for: PT20M }, clear: { when: pm25 <= 90.0, for: PT20M } },
      { severity: severe, raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 130.0, for: PT10M } },
      { severity: extreme, raise: { when: pm25 > 200.0, times: 2 of 3 }, clear: { when: pm25 <= 180.0 } }]`,
    {
      levels: [
        { severity: 'minor', raise: { holds: above(115), forMs: 20 * MINUTE_MS }, clear: { holds: upTo(90), forMs: 20 * MINUTE_MS } },
        { severity: 'severe', raise: { holds: above(150) }, clear: { holds: upTo(130), forMs: 10 * MINUTE_MS } },
        { severity: 'extreme', raise: { holds: above(200), ofLast: [2, 3] }, clear: { holds: upTo(180) } },
      ],
      maxGapMs: 3 * HOUR_MS,
    },
  ],
  expiry: [
    'raise: { when: pm25 > 150.0 }, clear: { when: pm25 <= 60.0 }, expires: PT35M',
    one({ holds: above(150) }, { holds: upTo(60) }, { expiresMs: 35 * MINUTE_MS }),
  ],
  'mean over a sliding window': [
    'raise: { when: m > 125.0, for: PT20M }, clear: { when: m <= 115.0 }',
    one({ holds: meanAbove(125, true), forMs: 20 * MINUTE_MS }, { holds: meanAbove(115, false) }),
    'windows: { m: { mean: pm25, over: PT3H, require: 2 of 3 } }\n',
  ],
  'rate of change': [
    'raise: { when: rise > 50.0 }, clear: { when: rise <= 10.0 }',
    one({ holds: rising(50, true) }, { holds: rising(10, false) }),
    'windows: { rise: { rate: pm25, over: PT2H } }\n',
  ],
};

function randomSamples(random: Random): Sample[] {
  const samples: Sample[] = [];
  let level = 120;
  for (let at = START; samples.length < 160; at += (5 + Math.floor(random() * 12)) * MINUTE_MS) {
    if (random() < 0.03) at += 4 * HOUR_MS;
    level = Math.max(0, Math.min(300, random() < 0.06 ? random() * 260 : level + (random() - 0.5) * 50));
    samples.push({ at, pm25: Math.round(level) });
  }
  return samples;
}

/** Effects for samples in the order given, with restarts. */
function effectsOf(text: string, samples: readonly Sample[], random: Random): AlertEffect[] {
  let engine = new Engine();
  const journal = new TestJournal();
  for (const event of [journal.dataset(AIR), journal.contract(contractRecord(text))]) engine.apply(event);
  assert.equal(engine.status().contracts[0]?.state, 'running');
  return samples.flatMap(({ at, pm25 }) => {
    if (random() < 0.03) engine = new Engine(JSON.parse(JSON.stringify(engine.snapshot())));
    return engine.apply(journal.readings('s1', [[at, { pm25 }]]));
  });
}

for (const [name, [rule, reference, head = '']] of Object.entries(CASES)) {
  test(`${name}: alerts come to what the reference says, in whatever order readings arrive`, () => {
    const text = contractText(rule, { head: `lateness: PT6H\n${head}` }).replace(
      rule.startsWith('levels') ? 'severity: minor, m' : '\0',
      'm',
    );
    let [alerts, corrections] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const random = seeded(seed);
      const samples = randomSamples(random);
      const expected = outcomesBy(reference, samples);
      assert.deepEqual(outcomesOf(effectsOf(text, samples, random)), expected, `in order, seed ${seed}`);
      const effects = effectsOf(text, delayed(samples, LATENESS_MS, random), random);
      assert.deepEqual(outcomesOf(effects), expected, `out of order, seed ${seed}`);
      alerts += expected.length;
      corrections += effects.filter(({ type }) => type === 'correct').length;
    }
    assert.ok(alerts > 12, `${alerts} alerts`);
    assert.ok(corrections > 12, `${corrections} corrections`);
  });
}
