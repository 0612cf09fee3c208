import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflate } from './conflate.ts';
import type { StreamItem } from './stream-items.ts';

const item = (position: number, producer: string, newest: number | null | undefined): StreamItem => ({
  ...{ position, dataset: 'air', producer, isConfidential: false, text: () => '' },
  ...(newest !== undefined && { newest }),
});
const positions = (items: readonly StreamItem[]) => items.map(({ position }) => position);

test('of each producer the newest by its own time stays, whatever came last', () => {
  const { kept, skipped, end } = conflate([item(1, 'a', 10), item(2, 'b', 5), item(3, 'a', 30), item(4, 'a', 20), item(5, 'b', 6)]);
  assert.deepEqual(positions(kept), [3, 5]);
  assert.deepEqual(Object.fromEntries(skipped), { 'air/a': 2, 'air/b': 1 });
  assert.equal(end, undefined);
});

test('records for the same moment stay together: one may correct or complete the other', () => {
  const { kept, skipped } = conflate([item(1, 'a', 10), item(2, 'a', 20), item(3, 'a', 20)]);
  assert.deepEqual(positions(kept), [2, 3]);
  assert.deepEqual([...skipped.values()], [1]);
});

test('history and clocks that run ahead are counted and not kept; what is no reading stays, in order', () => {
  const { kept, skipped } = conflate([item(1, 'a', null), item(2, 'sys', undefined), item(3, 'b', 1), item(4, 'sys', undefined)]);
  assert.deepEqual(positions(kept), [2, 3, 4]);
  assert.deepEqual(Object.fromEntries(skipped), { 'air/a': 1 });
});

test('it ends before the item that would be one too many', () => {
  const { kept, end } = conflate([item(1, 'a', 1), item(2, 'a', 2), item(4, 'b', 1), item(7, 'c', 1)], 2);
  assert.deepEqual([positions(kept), end], [[2, 4], 7]);
});

test('against a plain reference: what a screen shows is the same as with every reading', () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const items = Array.from({ length: 1 + random(60) }, (_, at) => item(at, `p${random(5)}`, random(9) === 0 ? null : random(20)));
    const shown = (some: readonly StreamItem[]) => {
      const latest = new Map<string, { time: number; records: number[] }>();
      for (const { producer, position, newest } of some) {
        const known = latest.get(producer);
        if (typeof newest !== 'number' || (known !== undefined && newest < known.time)) continue;
        if (known?.time === newest) known.records.push(position);
        else latest.set(producer, { time: newest, records: [position] });
      }
      return new Map([...latest].sort());
    };
    const { kept, skipped } = conflate(items);
    assert.deepEqual(shown(kept), shown(items));
    const left = [...skipped.values()].reduce((sum, one) => sum + one, 0);
    assert.equal(kept.length + left, items.length);
  }
});
