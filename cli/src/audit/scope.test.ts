/** The sample of an audit: anybody draws the same, and what it is said to miss is what it misses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawSample, missProbability, sampleStatement } from './scope.ts';

test('the same seed draws the same batches, another one others; ascending, without repetition', () => {
  const drawn = drawSample({ count: 50, seed: 'a' }, 1000);
  assert.deepEqual(drawn, drawSample({ count: 50, seed: 'a' }, 1000));
  assert.notDeepEqual(drawn, drawSample({ count: 50, seed: 'b' }, 1000));
  assert.equal(new Set(drawn).size, 50);
  assert.deepEqual(
    drawn,
    drawn.toSorted((a, b) => a - b),
  );
  assert.ok(drawn.every((i) => i >= 0 && i < 1000));
});

test('asked for more than there are, all are drawn', () => {
  assert.deepEqual(drawSample({ count: 9, seed: '' }, 4), [0, 1, 2, 3]);
  assert.deepEqual(drawSample({ count: 9, seed: '' }, 0), []);
});

test('every batch is drawn about as often as every other', () => {
  const times = new Array<number>(20).fill(0);
  const seeds = 4000;
  for (let seed = 0; seed < seeds; seed++) for (const i of drawSample({ count: 5, seed: String(seed) }, 20)) times[i] = (times[i] ?? 0) + 1;
  // Binomial(4000, 1/4): six standard deviations are 165.
  for (const [i, count] of times.entries()) assert.ok(Math.abs(count - seeds / 4) < 165, `batch ${i}: ${count}`);
});

test('the probability of missing a change: by hand, and by trying', () => {
  // None of the 2 changed among 3 of 10: C(8,3)/C(10,3) = 56/120.
  assert.equal(missProbability(3, 10, 2), 0.466667);
  assert.equal(missProbability(10, 10, 1), 0);
  assert.equal(missProbability(0, 10, 5), 1);
  let missed = 0;
  for (let seed = 0; seed < 4000; seed++) if (!drawSample({ count: 3, seed: `t${seed}` }, 10).some((i) => i === 2 || i === 7)) missed++;
  assert.ok(Math.abs(missed / 4000 - 0.4667) < 0.05, String(missed));
});

test('the share that would have been found is the smallest with 95 %', () => {
  const { foundWith95, missed } = sampleStatement('s', 59, 100_000);
  assert.ok(foundWith95 !== null);
  const changed = Math.round(foundWith95 * 100_000);
  assert.ok(missProbability(59, 100_000, changed) <= 0.05);
  assert.ok(missProbability(59, 100_000, changed - 1) > 0.05);
  assert.deepEqual(
    missed.map(({ changedShare }) => changedShare),
    [0.001, 0.01, 0.05],
  );
  assert.equal(sampleStatement('s', 0, 10).foundWith95, null);
});
