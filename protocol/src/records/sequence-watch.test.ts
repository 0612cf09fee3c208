import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageIdOf, parseReadings } from './reading.ts';
import { sequenceOf } from './sequence-number.ts';
import { countOf, HOLES_MAX, JUMP_MAX, SequenceWatch } from './sequence-watch.ts';

/** What is missing after these numbers came in this order. */
function missingAfter(numbers: readonly number[], session = ''): [number, number][] {
  const watch = new SequenceWatch();
  for (const [position, n] of numbers.entries()) watch.take({ session, first: n, last: n }, { position, receivedAt: position });
  return watch.holes.flatMap(({ missing }) => missing);
}
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('numbers are read from the identity of a message', () => {
  assert.deepEqual(sequenceOf('seq:17'), { session: '', first: 17, last: 17 });
  assert.deepEqual(sequenceOf('seq:17-19'), { session: '', first: 17, last: 19 });
  assert.deepEqual(sequenceOf('fcnt:01ab23cd-4'), { session: '01ab23cd', first: 4, last: 4 });
  for (const none of [undefined, 'id:17', 'seq:', 'seq:19-17', 'seq:1e3', 'seq:9999999999999999'])
    assert.equal(sequenceOf(none), undefined);
});

test('readings of one message that are numbered one after the other give it their numbers', () => {
  const idOf = (...numbers: (number | undefined)[]): string | undefined => {
    const readings = parseReadings(JSON.stringify(numbers.map((seq, i) => ({ seq, t: i, m: { x: i } }))), 0);
    return readings.ok ? messageIdOf(readings.value) : readings.code;
  };
  assert.deepEqual(
    [idOf(17, 18, 19), idOf(17), idOf(17, 19), idOf(17, undefined), idOf(undefined, undefined)],
    ['seq:17-19', 'seq:17', undefined, undefined, undefined],
  );
});

test('a step forward leaves a hole, and what arrives late fills it', () => {
  assert.deepEqual(missingAfter([100, 101, 105, 106]), [[102, 104]]);
  assert.deepEqual(missingAfter([100, 101, 105, 103, 106]), [
    [102, 102],
    [104, 104],
  ]);
  assert.deepEqual(missingAfter([100, 105, 104, 101, 103, 102]), []);
  assert.deepEqual(missingAfter([7]), [], 'what was before the first is not known');
});

test('corrections, a device that counts anew, history, a counter that was set', () => {
  assert.deepEqual(missingAfter([...range(1, 50), 20, 51, 20, 21, 52]), []);
  assert.deepEqual(missingAfter([...range(100, 150), 0, 1, 2, 3, 5]), [[4, 4]]);
  assert.deepEqual(missingAfter([...range(100, 150), ...range(10, 40), 151, 152, 154]), [[153, 153]]);
  assert.deepEqual(missingAfter([1, 2, 3 + JUMP_MAX]), []);
  assert.deepEqual(
    missingAfter([...range(100, 110), 115, 0, 1, 2, 3, ...range(4, 112)]),
    [[111, 114]],
    'a hole of before is not filled by the new counting',
  );
});

test('over random losses and delays exactly the lost numbers are missing', () => {
  let state = 4711;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 50; round++) {
    const numbers = range(0, 200);
    const lost = new Set(numbers.slice(1, -1).filter(() => random(20) === 0));
    // Each comes up to two places later than it was sent; the first and the last in their place.
    const sent = numbers.filter((n) => !lost.has(n)).map((n) => ({ n, at: n === 0 || n === 200 ? n : n + random(3) * 1.1 }));
    const missing = missingAfter([...sent].sort((a, b) => a.at - b.at).map(({ n }) => n));
    assert.deepEqual(
      missing.flatMap(([first, last]) => range(first, last)),
      [...lost],
      `round ${round}`,
    );
  }
});

test('whatever comes, the state stays small', () => {
  const watch = new SequenceWatch();
  for (let position = 0; position < 5000; position++) {
    const n = position * 1000;
    watch.take({ session: '', first: n, last: n }, { position, receivedAt: position });
  }
  assert.equal(watch.holes.length, HOLES_MAX);
  assert.equal(watch.state?.givenUp, 5000 - 1 - HOLES_MAX);
  for (let n = 4_999_001; n < 4_999_999; n += 2)
    watch.take({ session: '', first: n - 1000, last: n - 1000 }, { position: n, receivedAt: n });
  assert.ok(JSON.stringify(watch.state).length < 20_000);
  assert.ok(countOf(watch.holes.at(-1)?.missing ?? []) > 0);
});
