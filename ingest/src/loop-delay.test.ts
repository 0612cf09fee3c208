import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchLoopDelay } from './loop-delay.ts';

test('a loop that stands still shows, and after the end nothing is observed', async () => {
  const delays: number[] = [];
  const stop = watchLoopDelay((seconds) => delays.push(seconds));
  await sleep(100);
  const until = performance.now() + 300;
  while (performance.now() < until);
  await sleep(100);
  stop();
  assert.ok(delays.length >= 2);
  assert.ok(Math.max(...delays) >= 0.25, `${Math.max(...delays)} s`);
  const observed = delays.length;
  await sleep(60);
  assert.equal(delays.length, observed);
});
