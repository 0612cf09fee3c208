import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, ProgressBar } from './progress-bar.ts';

test('rate and time left are those of the last seconds', () => {
  const bar = new ProgressBar(10_000);
  bar.line(0, 0);
  bar.line(1000, 1000);
  assert.match(bar.line(2000, 2000).en, /20\.0 % {2}2,000\/10,000 {2}1,000\/s {2}8 s left/);
  for (let second = 3; second <= 20; second++) bar.line(2000, second * 1000);
  assert.match(bar.line(2000, 21_000).en, / 0\/s {2}– left/);
});

test('nothing to do is done', () => {
  assert.match(new ProgressBar(0).line(0, 0).zh, /100\.0 %/);
});

test('spans of time for people', () => {
  assert.deepEqual([0, 41.2, 60, 185, 7385].map(duration), ['0 s', '42 s', '1:00', '3:05', '2:03:05']);
});
