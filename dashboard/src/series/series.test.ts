import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seriesCsv } from './series-csv.ts';
import { appendValue, type LiveValue, pointAt, type SeriesPoint, summaryOf, toColumns, worsened } from './series-points.ts';
import { customQuery, readRange } from './series-range.ts';

const MINUTE = 60_000;
const live = (time: number, value: number, more: Partial<LiveValue> = {}): LiveValue => ({
  time,
  value,
  flagged: false,
  quality: 1,
  ...more,
});
const point = (time: number, mean: number, flagged = 0): SeriesPoint => [time, mean, mean, mean, 1, flagged, 1, 1];

test('a live value joins the last bucket or begins one', () => {
  const joined = appendValue([[0, 10, 10, 10, 1, 0, 1, 1]], MINUTE, live(30_000, 20, { flagged: true, quality: 3 }), -MINUTE);
  assert.deepEqual(joined, [[0, 15, 10, 20, 2, 1, 1, 3]]);
  const next = appendValue(joined, MINUTE, live(MINUTE, 5), -MINUTE);
  assert.deepEqual(next.at(-1), [MINUTE, 5, 5, 5, 1, 0, 1, 1]);
});

test('buckets go on where those of the server began', () => {
  const offset = 16 * 3_600_000;
  const day = 86_400_000;
  const points = appendValue([[offset, 1, 1, 1, 1, 0, 24, 1]], day, live(offset + day - 1, 3), 0);
  assert.deepEqual(points, [[offset, 2, 1, 3, 2, 0, 24, 1]]);
  assert.equal(appendValue(points, day, live(offset + day, 3), 0).at(-1)?.[0], offset + day);
});

test('a late value is the server’s to place; what left the window is dropped', () => {
  const points = [point(0, 1), point(MINUTE, 2)];
  assert.equal(appendValue(points, MINUTE, live(1000, 9), 0), points);
  assert.deepEqual(
    appendValue(points, MINUTE, live(2 * MINUTE, 3), MINUTE + 1).map(([time]) => time),
    [MINUTE, 2 * MINUTE],
  );
});

test('gaps stay gaps, flagged points are known', () => {
  const columns = toColumns([point(0, 1), point(MINUTE, 2, 1), point(5 * MINUTE, 3)], MINUTE, MINUTE);
  assert.deepEqual(columns.x, [0, 60, 120, 300]);
  assert.deepEqual(columns.mean, [1, 2, null, 3]);
  assert.deepEqual(columns.flagged, [1]);
  assert.deepEqual(columns.gaps, [[60, 300]]);
});

test('suspect and failed points, and those with fewer values than expected, but for the one that is not over', () => {
  const points: SeriesPoint[] = [
    [0, 1, 1, 1, 6, 0, 6, 1],
    [MINUTE, 2, 2, 2, 3, 0, 6, 3],
    [2 * MINUTE, 3, 3, 3, 6, 0, 6, 4],
    [3 * MINUTE, 3, 3, 3, 1, 0, 6, 1],
  ];
  const { suspect, failed, thin } = toColumns(points, MINUTE, MINUTE);
  assert.deepEqual({ suspect, failed, thin }, { suspect: [1], failed: [2], thin: [[60, 120, 0.5]] });
  const { suspect: many, failed: bad } = summaryOf(points) ?? {};
  assert.deepEqual([many, bad], [1, 1]);
});

test('a value judged worse later worsens its point, and no other', () => {
  const points = [point(0, 1), point(MINUTE, 2)];
  assert.equal(worsened(points, MINUTE, 1000, 3)[0]?.[7], 3);
  assert.deepEqual(worsened(points, MINUTE, MINUTE, 4)[1]?.[7], 4);
  assert.equal(worsened(points, MINUTE, 5 * MINUTE, 4), points);
  assert.equal(worsened(points, MINUTE, -1, 4), points);
  assert.equal(worsened(worsened(points, MINUTE, 0, 4), MINUTE, 0, 3)[0]?.[7], 4);
});

test('hourly values in narrow buckets have no gaps; one missing hour is one', () => {
  const hour = 60 * MINUTE;
  assert.deepEqual(toColumns([point(0, 1), point(hour, 2)], MINUTE, hour).gaps, []);
  assert.equal(toColumns([point(0, 1), point(2 * hour, 2)], MINUTE, hour).gaps.length, 1);
});

test('summary and nearest point', () => {
  const points: SeriesPoint[] = [
    [0, 5, 1, 9, 3, 0, 3, 1],
    [MINUTE, 6, 5, 7, 3, 2, 3, 1],
  ];
  assert.deepEqual(summaryOf(points), { min: 1, minAt: 0, max: 9, maxAt: 0, last: 6, lastAt: MINUTE, flagged: 2, suspect: 0, failed: 0 });
  assert.equal(summaryOf([]), undefined);
  assert.equal(pointAt(points, 50_000, MINUTE), 0);
  assert.equal(pointAt(points, MINUTE + 1, MINUTE), 1);
  assert.equal(pointAt(points, 10 * MINUTE, MINUTE), -1);
  assert.equal(pointAt([], 0, MINUTE), -1);
});

test('the range in the address', () => {
  const now = Date.UTC(2026, 10, 22, 8);
  const named = readRange({ range: '7d', bucket: '1h' }, now, 'Asia/Shanghai');
  assert.deepEqual([named.name, named.to - named.from, named.maxPoints], ['7d', 7 * 86_400_000, 169]);
  const custom = readRange({ from: '2026-11-22T15:00', to: '2026-11-22T16:00', range: '7d' }, now, 'Asia/Shanghai');
  assert.deepEqual([custom.name, custom.from, custom.to], [null, Date.UTC(2026, 10, 22, 7), now]);
  assert.equal(readRange({ from: '2026-11-22T16:00', to: '2026-11-22T15:00' }, now, 'Asia/Shanghai').name, '24h', 'backwards is none');
  assert.equal(readRange({ range: '30d', bucket: '1m' }, now, 'UTC').maxPoints, 600, 'a bucket too narrow for the range falls back');
  assert.deepEqual(customQuery(now + 1, now + 2, 'Asia/Shanghai'), { from: '2026-11-22T16:00', to: '2026-11-22T16:05' });
});

test('CSV of what is seen: every bucket of every series, units named, formulas disarmed', () => {
  const csv = seriesCsv(
    [
      { property: 'pm25', unit: 'ug/m3', points: [[0, 1.5, 1, 2, 2, 1, 3, 4]] },
      { property: 'temp', unit: 'Cel', points: [[MINUTE, -4, -5, -3, 1, 0, 1, 2]] },
    ],
    (ms) => (ms === 0 ? '=evil,"x"' : 'later'),
    'Asia/Shanghai',
  );
  const lines = csv.split('\r\n');
  assert.ok(csv.startsWith('\ufeff'));
  assert.equal(lines.length, 4);
  assert.match(lines[0] ?? '', /^\ufefftime,local_time Asia\/Shanghai,pm25 mean \[ug\/m3\],/);
  assert.equal(lines[1], '1970-01-01T00:00:00.000Z,"\'=evil,""x""",1.5,1,2,2,1,3,4,,,,,,,');
  assert.equal(lines[2], '1970-01-01T00:01:00.000Z,later,,,,,,,,-4,-5,-3,1,0,1,2');
});
