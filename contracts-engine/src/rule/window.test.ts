/** Windows of many readings, held against a reference that goes through all readings each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_GAP_CADENCES, MAX_GAP_MIN_MS, type Window } from '../contract.ts';
import type { Input } from '../expr/expression.ts';
import { parseContract } from '../parse-contract.ts';
import { NO_FLAGS } from '../reading.ts';
import { contractText, DATASETS, HOUR_MS, MINUTE_MS, START } from '../test-journal.ts';
import { seeded } from '../test-random.ts';
import { UTC } from '../time-zone.ts';
import { type Reading, SERIES_READINGS_MAX, Series } from './series.ts';
import { windowValue } from './window.ts';

const OVER_MS = 12 * HOUR_MS;
const WINDOWS = {
  smallest: 'min: pm25, require: 3 of 12',
  largest: 'max: pm25',
  total: 'sum: pm25',
  mean: 'mean: pm25, require: 50%',
  middle: 'median: pm25',
  ninth: 'quantile: pm25, at: 0.9',
  newest: 'last: pm25',
  rising: 'rate: pm25, per: PT1H',
  there: 'coverage: pm25',
  many: 'count: "pm25 > 20.0"',
  part: 'share: "pm25 > 20.0"',
  held: 'duration: "pm25 > 20.0"',
};
const LATENESS_MS = 6 * HOUR_MS;

function windows(): readonly Window[] {
  const head = `windows:\n${Object.entries(WINDOWS)
    .map(([name, text]) => `  ${name}: { ${text}, over: PT12H }\n`)
    .join('')}`;
  const known = Object.keys(WINDOWS).map((name) => `${name} == ${name}`);
  const text = contractText(`raise: { when: "${known.join(' && ')}" }, clear: { when: "pm25 < 0.0" }`, { head });
  const outcome = parseContract(text, DATASETS);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  const [rule] = outcome.contract.rules;
  assert.ok(rule?.kind === 'series');
  return rule.frame.windows.map(({ window }) => window);
}

function readingAt(at: number, value: number | null, lateByMs: number): Reading {
  return {
    ...{ agency: 'a', dataset: 'air', producer: 's', at, position: at, receivedAt: at, live: true },
    ...{ values: value === null ? { co: 1 } : { pm25: value }, flags: NO_FLAGS, judged: null, manual: null, lateByMs },
  };
}

/** As the definition says it, one reading after another. */
function reference(window: Window, readings: readonly Reading[], at: number): Input {
  const from = at - OVER_MS + 1;
  const seen = readings.flatMap(({ at: time, values, lateByMs }): [number, number][] => {
    const value = values['pm25'];
    return time < from || time > at || lateByMs > LATENESS_MS || typeof value !== 'number' ? [] : [[time, value]];
  });
  const intervals = new Set(seen.map(([time]) => Math.floor((time - from) / HOUR_MS))).size;
  if (window.aggregate === 'coverage') return Math.min(1, intervals / 12);
  if (intervals < window.leastCount) return null;
  const values = seen.map(([, value]) => value);
  const above = values.filter((value) => value > 20).length;
  const rank = (p: number): number => {
    const sorted = values.toSorted((a, b) => a - b);
    const place = (sorted.length - 1) * p;
    const [low, high] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number];
    return low + (high - low) * (place - Math.floor(place));
  };
  const total = values.reduce((sum, value) => sum + value, 0);
  const [first, last] = [seen[0] as [number, number], seen.at(-1) as [number, number]];
  switch (window.aggregate) {
    case 'min':
      return Math.min(...values);
    case 'max':
      return Math.max(...values);
    case 'sum':
      return total;
    case 'mean':
      return total / values.length;
    case 'median':
      return rank(0.5);
    case 'quantile':
      return rank(0.9);
    case 'last':
      return last[1];
    case 'rate':
      return last[0] === first[0] ? null : ((last[1] - first[1]) * HOUR_MS) / (last[0] - first[0]);
    case 'count':
      return above;
    case 'share':
      return above / values.length;
    case 'duration':
      return durationMs(seen) / HOUR_MS;
    default:
      assert.fail(window.aggregate);
  }
}

function durationMs(seen: readonly (readonly [number, number])[]): number {
  const gapMs = Math.max(MAX_GAP_CADENCES * HOUR_MS, MAX_GAP_MIN_MS);
  return seen.slice(1).reduce((sum, [time], i) => {
    const [before, value] = seen[i] as readonly [number, number];
    return sum + (value > 20 && time - before <= gapMs ? time - before : 0);
  }, 0);
}

/** @param paceMs between two readings, about */
function check(paceMs: number, seed: number): number {
  const random = seeded(seed);
  const series = new Series();
  const all = windows();
  const context = { zone: UTC, latenessMs: LATENESS_MS };
  let [at, checked] = [START, 0];
  const valueNow = (): number | null => (random() < 0.1 ? null : random() < 0.05 ? -0 : Math.round(random() * 400 - 20) / 10);
  for (let i = 0; i < 1500; i++) {
    at += 1 + Math.floor(random() * paceMs * (random() < 0.01 ? 300 : 2));
    series.append(readingAt(at, valueNow(), 0));
    const chance = random();
    // What comes late or again, what is told otherwise, what is forgotten.
    if (chance < 0.02) {
      const back = Math.floor(random() * LATENESS_MS * 1.2);
      if (at - back > START) series.insert(readingAt(at - back, valueNow(), back));
    } else if (chance < 0.03) {
      const index = Math.floor(random() * series.readings.length);
      series.replace(index, { ...(series.readings[index] as Reading), values: { pm25: 77 } });
    } else if (chance < 0.035) series.forgetBefore(at - OVER_MS * 2);
    else if (chance < 0.036) series.forgetBeyond(100);
    else if (chance < 0.037) series.forgetAll();
    // A late reading has what follows it judged anew: an earlier instant, after the newest was.
    const instant = random() < 0.05 ? at - Math.floor(random() * 2 * HOUR_MS) : at;
    for (const window of all) {
      assert.ok(
        Object.is(windowValue(window, series, instant, context), reference(window, series.readings, instant)),
        `${window.name} ${i}`,
      );
      checked++;
    }
  }
  return checked;
}

test('a window is worth the same bits as its readings gone through anew, whatever came late, was told otherwise or forgotten', () => {
  for (const [paceMs, seed] of [
    [1000, 1],
    [MINUTE_MS, 2],
    [20 * MINUTE_MS, 3],
    [HOUR_MS, 4],
  ] as const)
    assert.equal(check(paceMs, seed), 1500 * Object.keys(WINDOWS).length);
});

test('of a device that reports every second a reading costs about the same, however many its windows hold', () => {
  const [smallest] = windows() as [Window];
  const series = new Series();
  const context = { zone: UTC, latenessMs: LATENESS_MS };
  let looked = 0;
  for (let i = 0; i < SERIES_READINGS_MAX; i++) {
    const reading = readingAt(START + i * 1000, i % 50, 0);
    const { values } = reading;
    // Counts how often the value of a reading is asked for.
    Object.defineProperty(reading, 'values', {
      get: () => {
        looked++;
        return values;
      },
    });
    series.append(reading);
    windowValue(smallest, series, reading.at, context);
  }
  assert.ok(looked < 10 * SERIES_READINGS_MAX, `${looked} looks at ${SERIES_READINGS_MAX} readings`);
});
