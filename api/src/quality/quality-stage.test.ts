/** The stage against a naive reference that looks at whole series, in random order of arrival, with restarts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatasetDefinition, Observation, PropertyQuality, QualityRules } from '@airtight/protocol';
import { checkDatasetDefinition, DatasetRegistry, encodeRecord } from '@airtight/protocol';
import { flatLine, rateOfChange, spike } from '@airtight/standards/qartod.ts';
import { decodeFrame, type JournalEvent } from '../decode/decoder.ts';
import { stationRecord } from '../testing/deployment.ts';
import { QualityStage, type QualityState } from './quality-stage.ts';
import { testsText } from './verdict.ts';

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 1);
const title = { zh: '一', en: 'one' };

function definitionOf(pm25: PropertyQuality, more: Partial<QualityRules> = {}): DatasetDefinition {
  const property = { title, unit: 'ug/m3', min: -100, max: 1000 };
  const definition: DatasetDefinition = {
    ...{ type: 'dataset', dataset: 'air', title, cadenceMs: HOUR, properties: { pm25: property, pm10: property } },
    quality: { properties: { pm25 }, ...more },
  };
  assert.deepEqual(checkDatasetDefinition(definition).ok, true);
  return definition;
}

/** Deterministic: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Journal {
  readonly registry = new DatasetRegistry();
  readonly events: JournalEvent[] = [];

  constructor(definition: DatasetDefinition) {
    this.#add('sys.datasets', 'test', definition);
  }

  station(producer: string, lat: number, lon: number): void {
    this.#add('sys.devices', 'test', { ...stationRecord(producer), location: { lat, lon } });
  }

  reading(producer: string, t: number, m: { readonly [property: string]: unknown }): number {
    return this.#add('air', producer, { t, m }, t);
  }

  #add(dataset: string, producer: string, payload: unknown, receivedAt = T0): number {
    const position = this.events.length;
    const header = { v: 1, agency: 'a', dataset, producer, receivedAt, door: 'mqtt', contentType: 'application/json' } as const;
    const record = encodeRecord(header, Buffer.from(JSON.stringify(payload)));
    this.events.push(decodeFrame({ position, body: Buffer.concat([Uint8Array.of(0), record]) }, this.registry));
    return position;
  }
}

/** The verdicts that count, `position ordinal` → text; and all of them in order. @param restartAt before these events the stage is revived */
function judged({ events }: Journal, restartAt: (position: number) => boolean = () => false) {
  let stage = new QualityStage();
  const all: string[] = [];
  const counting = new Map<string, string>();
  for (const event of events) {
    if (restartAt(event.position)) stage = new QualityStage(JSON.parse(JSON.stringify(stage.state())) as QualityState);
    for (const verdict of stage.take(event)) {
      counting.set(`${verdict.judged} ${verdict.judgedOrdinal}`, testsText(verdict.bits));
      all.push(`${event.position} ${JSON.stringify(verdict)}`);
    }
  }
  return { counting, all, state: JSON.stringify(stage.state()) };
}

const one = (values: readonly (number | null)[], rules: PropertyQuality, more: Partial<QualityRules> = {}): (string | undefined)[] => {
  const journal = new Journal(definitionOf(rules, more));
  const positions = values.map((value, hour) => (value === null ? null : journal.reading('s', T0 + hour * HOUR, { pm25: value })));
  const { counting } = judged(journal);
  return positions.map((position) => (position === null ? undefined : counting.get(`${position} 0`)));
};

test('each test at its threshold', () => {
  assert.deepEqual(one([1000, 1000.5, -100.5, 500.5, 500], { expected: [0, 500] }), [
    ...['gross_range=3', 'gross_range=4', 'gross_range=4', 'gross_range=3', undefined],
  ]);
  assert.deepEqual(one([0, -0.1], { negative: true }), [undefined, 'negative=4']);
  assert.deepEqual(one([1, 11, 22, 52.5], { ratePerHour: { suspect: 10, fail: 30 } }), [undefined, undefined, 'rate=3', 'rate=4']);
  assert.deepEqual(one([1, 12, 1, 1, 22, 1], { spike: { suspect: 11, fail: 20 } }), [
    ...[undefined, undefined, undefined, undefined, 'spike=4', undefined],
  ]);
  const flat = { flatLine: { tolerance: 0.1, suspectMs: 2 * HOUR, failMs: 4 * HOUR } };
  assert.deepEqual(one([5, 5, 5.05, 5, 5, 5.1, 5], flat), [
    undefined,
    undefined,
    'flat_line=3',
    'flat_line=3',
    'flat_line=4',
    undefined,
    undefined,
  ]);
  const low = { flatLine: { ...flat.flatLine, above: 4 } };
  assert.deepEqual(one([4, 4, 4, 4, 4.05, 4.05], low), [undefined, undefined, undefined, undefined, 'flat_line=4', 'flat_line=4']);
});

test('after a gap a value is suspect and compared with none before; a late value changes nothing', () => {
  const rules = { ratePerHour: { suspect: 10 }, spike: { suspect: 10 } };
  assert.deepEqual(one([1, null, null, 90, 1], rules, { gapMs: 2 * HOUR }), [undefined, undefined, undefined, 'gap=3', 'rate=3']);
  const journal = new Journal(definitionOf({ ...rules, expected: [0, 500] }));
  journal.reading('s', T0, { pm25: 1 });
  journal.reading('s', T0 + 2 * HOUR, { pm25: 2 });
  const before = judged(journal).state;
  const late = journal.reading('s', T0 + HOUR, { pm25: 600 });
  const { counting, state } = judged(journal);
  assert.deepEqual([...counting], [[`${late} 0`, 'gross_range=3']]);
  assert.equal(state, before);
});

test('a part above its whole, a mark of HJ 212 and a value outside the physical range', () => {
  const journal = new Journal(definitionOf({ notAbove: { property: 'pm10', by: 2 } }));
  const above = journal.reading('s', T0, { pm10: 10, pm25: 12.1 });
  journal.reading('s', T0 + HOUR / 2, { pm10: 10, pm25: 12 });
  journal.reading('s', T0 + HOUR, { pm25: 10, pm10: 10 });
  const marked = journal.reading('s', T0 + 2 * HOUR, { pm25: { v: 2000, q: 'D' }, pm10: { v: 3000, q: 'S' } });
  assert.deepEqual(
    [...judged(journal).counting],
    [
      [`${above} 1`, 'not_above=3'],
      [`${marked} 0`, 'gross_range=4 mark=4'],
      [`${marked} 1`, 'gross_range=4 mark=3'],
    ],
  );
});

test('far from the median of enough neighbours of the same hour', () => {
  const journal = new Journal(definitionOf({ neighbours: { withinKm: 20, least: 2, suspect: 50, fail: 100 } }));
  // 0.1° of latitude are 11.1 km; the last one stands too far away.
  ['a', 'b', 'c'].forEach((producer, at) => {
    journal.station(producer, 39.9 + at / 20, 116.4);
  });
  journal.station('far', 41, 116.4);
  journal.reading('far', T0, { pm25: 300 });
  journal.reading('a', T0, { pm25: 20 });
  journal.reading('b', T0, { pm25: 30 });
  const suspect = journal.reading('c', T0 + 1000, { pm25: 75.5 });
  const fail = journal.reading('c', T0 + HOUR, { pm25: 126 });
  journal.reading('c', T0 + 3 * HOUR, { pm25: 500 });
  assert.deepEqual(
    [...judged(journal).counting],
    [
      [`${suspect} 0`, 'neighbours=3'],
      [`${fail} 0`, 'neighbours=4'],
    ],
  );
});

const RULES: PropertyQuality = {
  ...{ expected: [0, 60], negative: true, spike: { suspect: 4, fail: 8 }, ratePerHour: { suspect: 5, fail: 9 } },
  flatLine: { tolerance: 0.5, above: 3, suspectMs: 2 * HOUR, failMs: 4 * HOUR },
};
const GAP = 3 * HOUR;

interface Sent {
  readonly at: number;
  readonly value: number;
  readonly position: number;
}

/** All of a series at once, by the tests of the standard themselves. */
function naive(sent: readonly Sent[]): Map<string, string> {
  const inTime: Sent[] = [];
  for (const one of sent) if (one.at > (inTime.at(-1)?.at ?? -Infinity)) inTime.push(one);
  const verdicts = new Map<string, string>();
  for (const { at, value, position } of sent) {
    const texts: string[] = [];
    const tell = (name: string, flag: number): void => void (flag >= 3 && flag < 9 && texts.push(`${name}=${flag}`));
    tell('gross_range', value < -100 || value > 1000 ? 4 : value < 0 || value > 60 ? 3 : 1);
    tell('negative', value < 0 ? 4 : 1);
    const i = inTime.findIndex((one) => one.position === position);
    if (i >= 0) {
      const joined = (k: number): boolean => k > 0 && k < inTime.length && (inTime[k] as Sent).at - (inTime[k - 1] as Sent).at <= GAP;
      tell('gap', i > 0 && !joined(i) ? 3 : 1);
      const before = joined(i) ? (inTime[i - 1] as Sent) : undefined;
      if (before !== undefined)
        tell('rate', rateOfChange({ at: 0, value: before.value }, { at: (at - before.at) / 3600, value }, { suspect: 5, fail: 9 }));
      let from = i;
      while (joined(from)) from--;
      const window = inTime.slice(from, i + 1).map((one) => one.value);
      if (value > 3) tell('flat_line', flatFlag(inTime.slice(from, i + 1), window));
      if (joined(i + 1)) tell('spike', spike(before?.value, value, inTime[i + 1]?.value, { suspect: 4, fail: 8 }));
    }
    if (texts.length > 0) verdicts.set(`${position} 0`, texts.join(' '));
  }
  return verdicts;
}

/** The standard's test, and of a stretch that is long in time too: these series come every half cadence. */
function flatFlag(sent: readonly Sent[], values: readonly number[]): number {
  const flag = flatLine(values, { tolerance: 0.5, suspectS: 7200, failS: 14_400, intervalS: 3600 });
  let first = values.length - 1;
  while (first > 0 && Math.max(...values.slice(first - 1)) - Math.min(...values.slice(first - 1)) < 0.5) first--;
  const hours = ((sent.at(-1) as Sent).at - (sent[first] as Sent).at) / HOUR;
  return hours >= 3.9 ? flag : hours >= 1.9 ? Math.min(flag, 3) : 1;
}

test('a device that reports far more often than the cadence is flat after as long a time as any other', () => {
  const rules = { flatLine: { tolerance: 0.1, suspectMs: 2 * HOUR, failMs: 4 * HOUR } };
  const minutesOf = (value: (minute: number) => number): readonly (readonly [minute: number, text: string | undefined])[] => {
    const journal = new Journal(definitionOf(rules));
    const positions = Array.from({ length: 300 }, (_, minute) => journal.reading('s', T0 + (minute * HOUR) / 60, { pm25: value(minute) }));
    const { counting } = judged(journal);
    const texts = positions.map((position) => counting.get(`${position} 0`));
    return texts.flatMap((text, minute) => (minute === 0 || text !== texts[minute - 1] ? [[minute, text] as const] : []));
  };
  const stuck = [
    [0, undefined],
    [114, 'flat_line=3'],
    [234, 'flat_line=4'],
  ] as const;
  assert.deepEqual(
    minutesOf(() => 5),
    stuck,
  );
  assert.deepEqual(
    minutesOf((minute) => 5 + (minute % 9) / 100),
    stuck,
    'noise within the tolerance',
  );
  assert.deepEqual(
    minutesOf((minute) => 5 + (minute % 7) / 10),
    [[0, undefined]],
  );
  const twitch = minutesOf((minute) => (minute === 100 ? 6 : 5));
  assert.deepEqual(twitch, [
    [0, undefined],
    [215, 'flat_line=3'],
  ]);
});

test('random series: what counts is what the whole series gives, and restarts change no byte', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomOf(seed);
    const journal = new Journal(definitionOf(RULES, { gapMs: GAP }));
    const sent = new Map<string, Sent[]>([
      ['p', []],
      ['q', []],
    ]);
    const clocks = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const producer = random() < 0.5 ? 'p' : 'q';
      const clock = (clocks.get(producer) ?? T0) + (random() < 0.1 ? 5 : random() < 0.3 ? 2 : 1) * (HOUR / 2);
      clocks.set(producer, clock);
      const at = random() < 0.1 ? clock - Math.floor(random() * 8) * (HOUR / 2) : clock;
      const own = sent.get(producer) as Sent[];
      const value = random() < 0.4 ? (own.at(-1)?.value ?? 10) : Math.round(random() * 140 - 20) / 2;
      own.push({ at, value, position: journal.reading(producer, at, { pm25: value }) });
    }
    const straight = judged(journal);
    const expected = new Map([...sent.values()].flatMap((own) => [...naive(own)]));
    const inOrder = (verdicts: Map<string, string>): [string, string][] =>
      [...verdicts].sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    assert.deepEqual(inOrder(straight.counting), inOrder(expected), `seed ${seed}`);
    const restarted = judged(journal, () => random() < 0.05);
    assert.deepEqual([restarted.all, restarted.state], [straight.all, straight.state], `seed ${seed}`);
  }
});

test('what is not a number, has no unit or a clock ahead is not compared with others', () => {
  const journal = new Journal(definitionOf({ ratePerHour: { suspect: 1 } }));
  journal.reading('s', T0, { pm25: 1 });
  journal.reading('s', T0 + HOUR, { pm25: 'high', other: 5 });
  const events = journal.events.at(-1) as { readonly observations?: readonly Observation[] };
  assert.equal(events.observations?.length, 2);
  assert.deepEqual(judged(journal).all, []);
});
