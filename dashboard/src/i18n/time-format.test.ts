import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationParts } from './duration.ts';
import { numberFormat } from './number-format.ts';
import { timeFormat, wallTime, zonedTime } from './time-format.ts';
import { unitText } from './unit-format.ts';

const AT = Date.UTC(2026, 10, 22, 16, 5, 9);

test('times stand in the zone of the deployment', () => {
  const beijing = timeFormat('Asia/Shanghai');
  assert.equal(beijing.full(AT), '2026-11-23 00:05:09');
  assert.equal(beijing.clock(AT), '00:05:09');
  assert.equal(beijing.minute(AT), '00:05');
  assert.equal(beijing.dayMinute(AT), '11-23 00:05');
  assert.equal(beijing.day(AT), '2026-11-23');
  assert.equal(beijing.offset(AT), 'UTC+8');
  assert.equal(timeFormat('America/New_York').offset(AT), 'UTC−5');
  assert.equal(timeFormat('UTC').offset(AT), 'UTC');
  assert.equal(beijing.full(Number.NaN), '–');
});

test('a wall-clock time of a zone and back', () => {
  assert.equal(zonedTime('2026-11-23T00:05', 'Asia/Shanghai'), Date.UTC(2026, 10, 22, 16, 5));
  assert.equal(wallTime(Date.UTC(2026, 10, 22, 16, 5), 'Asia/Shanghai'), '2026-11-23T00:05');
  assert.equal(zonedTime('2026-07-01T12:00', 'America/New_York'), Date.UTC(2026, 6, 1, 16));
  assert.equal(zonedTime('2026-12-01T12:00', 'America/New_York'), Date.UTC(2026, 11, 1, 17));
  assert.ok(Number.isNaN(zonedTime('yesterday', 'Asia/Shanghai')));
});

test('durations in at most two units', () => {
  assert.deepEqual(durationParts(38_900), [['second', 38]]);
  assert.deepEqual(durationParts(59 * 60_000), [['minute', 59]]);
  assert.deepEqual(durationParts((6 * 60 + 12) * 60_000), [
    ['hour', 6],
    ['minute', 12],
  ]);
  assert.deepEqual(durationParts(10 * 3_600_000), [['hour', 10]]);
  assert.deepEqual(durationParts(50 * 3_600_000), [
    ['day', 2],
    ['hour', 2],
  ]);
  assert.deepEqual(durationParts(-5), [['second', 0]]);
});

test('numbers and units', () => {
  assert.equal(numberFormat('en')(-0.5), '−0.5');
  assert.equal(numberFormat('zh-CN')(1020.6), '1,020.6');
  assert.equal(numberFormat('en')(Number.NaN), '–');
  assert.equal(unitText('ug/m3'), 'µg/m³');
  assert.equal(unitText('hPa'), 'hPa');
});
