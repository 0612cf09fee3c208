import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FAIL,
  flagOfHj212,
  flatLine,
  flatLineReach,
  grossRange,
  MISSING,
  NOT_EVALUATED,
  PASS,
  type QartodFlag,
  rateOfChange,
  rollUp,
  SUSPECT,
  spike,
  timeGap,
} from './qartod.ts';

test('roll-up: 9 < 2 < 1 < 3 < 4, in any order', () => {
  const order: readonly QartodFlag[] = [9, 2, 1, 3, 4];
  for (const [i, a] of order.entries()) {
    for (const [j, b] of order.entries()) assert.equal(rollUp([a, b]), order[Math.max(i, j)]);
  }
  assert.equal(rollUp([1, 2, 3, 1]), 3);
  assert.equal(rollUp([]), 9);
});

test('gross range: both ends belong to the span', () => {
  const flagOf = (value: number | null): QartodFlag => grossRange(value, [0, 500], [1, 300]);
  assert.deepEqual(
    [-0.1, 0, 1, 300, 300.1, 500, 500.1, null, Number.NaN].map((v) => flagOf(v)),
    [4, 3, 1, 1, 3, 3, 4, 9, 9],
  );
  assert.equal(grossRange(9, undefined), PASS);
});

test('a value exactly at its threshold is not above it, where doubles say it is', () => {
  assert.ok(0.4 - 0.1 > 0.3);
  assert.equal(spike(0.1, 0.4, 0.1, { suspect: 0.3 }), PASS);
  assert.equal(spike(0.1, 0.4000001, 0.1, { suspect: 0.3, fail: 0.4 }), SUSPECT);
  for (let tenths = 0; tenths < 2000; tenths++) {
    const [from, to] = [tenths / 10, (tenths + 3) / 10];
    assert.equal(rateOfChange({ at: 0, value: from }, { at: 1000, value: to }, { suspect: 0.3 }), PASS, `${from}`);
    assert.equal(spike(from, to, from, { suspect: 0.3 }), PASS, `${from}`);
    assert.equal(spike(to, from, to, { suspect: 0.299999999 }), SUSPECT, `${from}`);
    assert.equal(flatLine([from, to], { tolerance: 0.3, failS: 1, intervalS: 1 }), PASS, `${from}`);
    assert.equal(flatLine([from, to], { tolerance: 0.300000001, failS: 1, intervalS: 1 }), FAIL, `${from}`);
  }
});

test('a higher peak never gets a weaker flag', () => {
  let before = 0;
  for (let peak = 10; peak < 200; peak += 0.1) {
    const flag = spike(10, peak, 12, { suspect: 25, fail: 50 });
    assert.ok(flag >= before, `${peak}`);
    before = flag;
  }
  assert.equal(before, FAIL);
});

test('what is not there', () => {
  assert.equal(spike(null, 1, 2, { fail: 0 }), NOT_EVALUATED);
  assert.equal(spike(1, 1, undefined, { fail: 0 }), NOT_EVALUATED);
  assert.equal(spike(1, Number.NaN, 1, { fail: 0 }), MISSING);
  assert.equal(rateOfChange(undefined, { at: 0, value: 1 }, { fail: 0 }), PASS);
  assert.equal(rateOfChange({ at: 5, value: 1 }, { at: 5, value: 9 }, { fail: 0 }), NOT_EVALUATED);
  assert.equal(rateOfChange({ at: 0, value: 1 }, { at: 5, value: null }, { fail: 0 }), MISSING);
  assert.equal(flatLine([], { tolerance: 1, failS: 0, intervalS: 1 }), MISSING);
  assert.equal(flatLine([5, null, 5], { tolerance: 1, failS: 2, intervalS: 1 }), PASS);
});

test('flat line: three hours suspect, six hours fail; its reach', () => {
  const rule = { tolerance: 1, suspectS: 3 * 3600, failS: 6 * 3600, intervalS: 3600 };
  assert.equal(flatLineReach(rule), 6);
  const flat = Array.from({ length: 9 }, () => 42);
  assert.deepEqual(
    flat.map((_, i) => flatLine(flat.slice(0, i + 1), rule)),
    [1, 1, 1, 3, 3, 3, 4, 4, 4],
  );
  assert.equal(flatLine([41, ...flat.slice(0, 6)], rule), SUSPECT);
});

test('time gap', () => {
  assert.equal(timeGap(0, 1000, 1000), PASS);
  assert.equal(timeGap(0, 1001, 1000), FAIL);
  assert.equal(timeGap(undefined, 0, 1000), MISSING);
});

test('HJ 212: N passes, S is suspect, the rest fails, anything else says nothing', () => {
  assert.deepEqual([...'NSFMDCTB'].map(flagOfHj212), [1, 3, 4, 4, 4, 4, 4, 4]);
  assert.deepEqual([undefined, '', 'n', 'toString'].map(flagOfHj212), [2, 2, 2, 2]);
});

test('what the instrument says of its value is one test among the others in the roll-up', () => {
  const inRange = grossRange(35, [0, 1000]);
  assert.equal(rollUp([flagOfHj212('N'), inRange]), 1);
  assert.equal(rollUp([flagOfHj212('S'), inRange]), 3);
  assert.equal(rollUp([flagOfHj212('D'), inRange]), 4);
  assert.equal(rollUp([flagOfHj212(undefined), inRange]), 1);
  assert.equal(rollUp([flagOfHj212(undefined), grossRange(null, [0, 1000])]), 2);
});
