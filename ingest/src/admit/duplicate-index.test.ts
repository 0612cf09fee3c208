import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANDIDATES_MAX, DuplicateIndex, GENERATION_RECORDS, GENERATIONS, indexedFrom } from './duplicate-index.ts';

test('finds what was added and nothing else, colliding fingerprints included', () => {
  const index = new DuplicateIndex();
  for (let i = 0; i < 100_000; i++) index.add(i % 50_000, i);
  for (let i = 0; i < 50_000; i++) {
    const seen: number[] = [];
    assert.equal(
      index.find(i, (position) => seen.push(position) > 0 && position === i + 50_000),
      i + 50_000,
    );
    assert.deepEqual(seen, [i, i + 50_000]);
  }
  assert.equal(
    index.find(50_000, () => true),
    -1,
  );
});

test('a flood of one fingerprint costs a bounded number of comparisons', () => {
  const index = new DuplicateIndex();
  for (let i = 0; i < 1000; i++) index.add(7, i);
  let compared = 0;
  assert.equal(
    index.find(7, () => ++compared < 0),
    -1,
  );
  assert.equal(compared, CANDIDATES_MAX);
});

test('memory is bounded: the oldest generation is forgotten, the promised horizon is kept', () => {
  const index = new DuplicateIndex();
  const total = GENERATION_RECORDS * GENERATIONS + 1;
  for (let i = 0; i < total; i++) index.add(i, i);
  const holds = (i: number): boolean => index.find(i, (position) => position === i) === i;
  assert.equal(holds(0), false);
  for (let i = indexedFrom(total); i < total; i += 4999) assert.ok(holds(i), `${i}`);
  assert.ok(holds(total - 1));
});
