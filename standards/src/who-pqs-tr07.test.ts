import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHIPPING_LIMITS, type ShippingIndicatorType, type ShippingSample, shippingAlarms, shippingBudgets } from './who-pqs-tr07.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Samples every 10 min, each stretch for so many minutes. */
function journey(...stretches: readonly (readonly [celsius: number, minutes: number])[]): ShippingSample[] {
  const samples: ShippingSample[] = [];
  let at = 0;
  for (const [celsius, minutes] of stretches) {
    for (const end = at + minutes * MINUTE; at < end; at += 10 * MINUTE) samples.push({ at, celsius });
  }
  return [...samples, { at, celsius: 5 }];
}

test('each limit at its threshold and duration, not one step before', () => {
  for (const type of [1, 2] as const satisfies readonly ShippingIndicatorType[]) {
    for (const limit of SHIPPING_LIMITS[type]) {
      const minutes = limit.durationMs / MINUTE;
      const inside = limit.side === 'atOrAbove' ? limit.cel - 0.01 : limit.cel + 0.01;
      const alarmsOf = (samples: readonly ShippingSample[]) => shippingAlarms(type, samples).filter((alarm) => alarm.limit === limit);
      assert.deepEqual(alarmsOf(journey([5, 30], [limit.cel, minutes])), [{ limit, since: 30 * MINUTE, at: (30 + minutes) * MINUTE }]);
      assert.deepEqual(alarmsOf(journey([limit.cel, minutes - 10])), []);
      assert.deepEqual(alarmsOf(journey([inside, minutes * 3])), []);
      const broken = alarmsOf(journey([limit.cel, minutes / 2], [5, 60], [limit.cel, minutes / 2]));
      assert.deepEqual(
        broken.map(({ at }) => at),
        limit.kind === 'cumulative' ? [minutes * MINUTE + HOUR] : [],
      );
    }
  }
});

test('type 2 has no freeze alarm, type 1 none at 10 °C', () => {
  assert.deepEqual(shippingAlarms(2, journey([-20, 6000])), []);
  assert.deepEqual(shippingAlarms(1, journey([10, 6000])), []);
});

test('what is used never falls, goes on beyond the alarm, and the alarm is in the middle of a sample where the time was full', () => {
  let before = 0;
  for (let minutes = 10; minutes <= 1200; minutes += 10) {
    const used = shippingBudgets(1, journey([31, minutes], [5, 100]))[1]?.usedMs as number;
    assert.ok(used > before);
    before = used;
  }
  assert.equal(before, 20 * HOUR);
  const samples = [0, 7, 14, 21].map((hours) => ({ at: hours * HOUR, celsius: 35 }));
  assert.equal(shippingAlarms(2, samples).find(({ limit }) => limit.cel === 30)?.at, 10 * HOUR);
  assert.deepEqual(shippingAlarms(1, []), []);
});
