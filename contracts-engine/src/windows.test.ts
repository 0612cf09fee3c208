/** Values of windows at their edges, told by the alert that reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from './engine.ts';
import { AIR, contractRecord, contractText, HOUR_MS, START, TestJournal } from './test-journal.ts';

/** What a window is worth at the last reading; undefined where it is unknown. Readings: [hour, value]. */
function windowValueOf(window: string, readings: readonly (readonly [hour: number, pm25: number])[], zone = 'UTC'): unknown {
  const isList = window.includes('values');
  const [known, never] = isList ? ['w.exists(x, x >= 0.0)', 'w.all(x, x < 0.0)'] : ['w == w', 'w != w'];
  const head = `zone: ${zone}\nwindows: { w: ${window} }\n`;
  const text = contractText(`raise: { when: "${known} && co > 0.0" }, clear: { when: "${never}" }`, { head });
  const journal = new TestJournal();
  const engine = new Engine();
  for (const event of [journal.dataset(AIR), journal.contract(contractRecord(text))]) engine.apply(event);
  assert.equal(engine.status().contracts[0]?.state, 'running', window);
  const effects = readings.flatMap(([hour, pm25], i) => {
    const isLast = i === readings.length - 1;
    return engine.apply(journal.readings('s1', [[START + hour * HOUR_MS, isLast ? { pm25, co: 1 } : { pm25 }]]));
  });
  return effects[0]?.type === 'raise' ? effects[0].values['w'] : undefined;
}

const DAY = Array.from({ length: 24 }, (_, hour) => [hour, hour] as const);

test('sliding: (t − over, t], with completeness by intervals of the cadence', () => {
  assert.equal(
    windowValueOf('{ sum: pm25, over: PT3H }', [
      [0, 1],
      [1, 2],
      [2, 4],
      [3, 8],
    ]),
    14,
  );
  assert.equal(
    windowValueOf('{ mean: pm25, over: PT4H, require: 3 of 4 }', [
      [0, 1],
      [1, 3],
    ]),
    undefined,
  );
  assert.equal(
    windowValueOf('{ mean: pm25, over: PT4H, require: 75% }', [
      [0, 1],
      [1, 3],
      [2, 5],
    ]),
    3,
  );
  // Many readings within one hour are one hour.
  assert.equal(
    windowValueOf('{ mean: pm25, over: PT4H, require: "2" }', [
      [0, 1],
      [0.1, 1],
      [0.2, 1],
    ]),
    undefined,
  );
  assert.equal(
    windowValueOf('{ coverage: pm25, over: PT4H }', [
      [0, 1],
      [1, 3],
      [1.5, 3],
    ]),
    0.5,
  );
});

test('tumbling: the last whole span, from local midnight', () => {
  const readings = [...DAY, [24, 0] as const];
  assert.equal(windowValueOf('{ mean: pm25, over: P1D, shape: tumbling, require: 20 of 24 }', readings), 11.5);
  // In Shanghai that day ended at 16:00 UTC: its first eight hours are missing.
  assert.equal(windowValueOf('{ max: pm25, over: P1D, shape: tumbling }', readings, 'Asia/Shanghai'), 15);
  assert.equal(windowValueOf('{ mean: pm25, over: P1D, shape: tumbling, require: 20 of 24 }', readings, 'Asia/Shanghai'), undefined);
  assert.equal(windowValueOf('{ sum: pm25, over: PT8H, shape: tumbling }', [...DAY.slice(0, 18)]), 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15);
});

test('session: since the last pause, at most so long', () => {
  const readings = [
    [0, 1],
    [1, 1],
    [5, 1],
    [6, 1],
    [7, 1],
  ] as const;
  assert.equal(windowValueOf('{ count: pm25, over: P1D, shape: session, gap: PT2H }', readings), 3);
  assert.equal(windowValueOf('{ count: pm25, over: PT2H, shape: session, gap: PT2H }', readings), 2);
});

test('aggregates', () => {
  const readings = [
    [0, 4],
    [1, 1],
    [2, 3],
    [3, 2],
  ] as const;
  for (const [window, expected] of [
    ['{ median: pm25, over: PT4H }', 2.5],
    ['{ quantile: pm25, at: "0.9", over: PT4H }', 3.7],
    ['{ min: pm25, over: PT4H }', 1],
    ['{ last: pm25, over: PT4H }', 2],
    ['{ rate: pm25, over: PT3H, per: PT1H }', 0.5],
    ['{ count: "pm25 >= 3.0", over: PT4H }', 2],
    ['{ share: "pm25 >= 3.0", over: PT4H }', 0.5],
    ['{ values: pm25, over: PT6H }', '[null,null,4,1,3,2]'],
  ] as const)
    assert.equal(windowValueOf(window, readings), expected, window);
});
