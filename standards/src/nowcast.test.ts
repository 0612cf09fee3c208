import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowCast } from './nowcast.ts';

test('a constant is its own NowCast, even where doubles would fall short of the last place', () => {
  for (let tenths = 0; tenths <= 600; tenths++) {
    const c = tenths / 10;
    assert.deepEqual(
      nowCast(
        'pm25',
        Array.from({ length: 12 }, () => c),
      ),
      { value: c, raw: c },
    );
  }
});

test('between the smallest and the largest hour; a dirtier newest hour shows', () => {
  const hours = [20, 21, 22, 20, 19, 20, 21, 22, 20, 19, 20, 21];
  const { raw } = nowCast('pm25', hours) as { raw: number };
  assert.ok(raw > 19 && raw < 22);
  const more = nowCast(
    'pm25',
    hours.map((c, i) => (i === 0 ? 22 : c)),
  ) as { raw: number };
  assert.ok(more.raw > raw);
});

test('two of the newest three hours, whichever; missing hours are in neither sum', () => {
  assert.equal(nowCast('pm25', [null, 8, 8])?.value, 8);
  assert.equal(nowCast('pm25', [8, undefined, 8])?.value, 8);
  assert.equal(nowCast('pm25', [Number.NaN, null, 8, 8, 8, 8]), null);
  assert.equal(nowCast('pm25', [8]), null);
  // w = ½: (8 + ¼·16) / (1 + ¼)
  assert.equal(nowCast('pm25', [8, null, 16])?.raw, 9.6);
});

test('the thirteenth hour does not count; PM10 is whole; nothing but zero and below has w = 1', () => {
  const twelve = Array.from({ length: 12 }, () => 10.97);
  assert.deepEqual(nowCast('pm10', [...twelve, 1000]), { value: 10, raw: 10.97 });
  assert.deepEqual(nowCast('pm25', [0, 0, 0]), { value: 0, raw: 0 });
  assert.deepEqual(nowCast('pm25', [-1, -2.1]), { value: -1.5, raw: -1.55 });
});

test('the same as the formula in doubles, to what doubles can tell, with gaps anywhere', () => {
  // A small generator of its own, so that every run sees the same hours.
  let seed = 11;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 2000; round++) {
    const hours = Array.from({ length: 12 }, (_, i) => (i > 1 && next(4) === 0 ? null : (1 + next(3000)) / 10));
    const present = hours.filter((c) => c !== null);
    const w = Math.max(0.5, Math.min(...present) / Math.max(...present));
    const [sum, weights] = hours.reduce(([s, t], c, i) => (c === null ? [s, t] : [s + w ** i * c, t + w ** i]), [0, 0] as [number, number]);
    const found = nowCast('pm25', hours);
    assert.ok(found !== null && Math.abs(found.raw - sum / weights) < 1e-10, `${hours}`);
    assert.ok(found.value <= found.raw && found.raw - found.value < 0.1 + 1e-10, `${hours}`);
  }
});
