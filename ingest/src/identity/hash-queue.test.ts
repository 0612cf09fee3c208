import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HASHES_IN_FLIGHT_MAX, HASHES_WAITING_MAX, HashQueue } from './hash-queue.ts';

test('a few checks run at a time, the others in their order; too many are refused; a failure gives its place back', async () => {
  const queue = new HashQueue();
  const ended: number[] = [];
  let running = 0;
  let most = 0;
  const check = (i: number) => async (): Promise<void> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    ended.push(i);
    if (i % 3 === 0) throw new Error(`check ${i}`);
  };
  const total = HASHES_IN_FLIGHT_MAX + HASHES_WAITING_MAX;
  const runs = Promise.allSettled(Array.from({ length: total }, (_, i) => queue.run(check(i))));
  await assert.rejects(queue.run(check(total)), { code: 'OVERLOADED' });
  const outcomes = await runs;
  assert.equal(most, HASHES_IN_FLIGHT_MAX);
  assert.deepEqual(
    ended,
    Array.from({ length: total }, (_, i) => i),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, Math.ceil(total / 3));
  assert.equal(await queue.run(async () => 'again'), 'again');
});
