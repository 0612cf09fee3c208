import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithin, type Schedule } from './calendar.ts';
import { seeded } from './test-random.ts';
import { DAY_MS, FIXED_ZONES, localDay, localTimeOfDay, offsetAt, startOfDay, type TimeZone, weekday } from './time-zone.ts';

const HOUR_MS = 3_600_000;
const BERLIN: TimeZone = {
  offsetMs: HOUR_MS,
  summer: {
    offsetMs: 2 * HOUR_MS,
    from: { month: 3, week: -1, day: 0, timeMs: HOUR_MS },
    to: { month: 10, week: -1, day: 0, timeMs: HOUR_MS },
  },
};
/** Summer lies over the turn of the year. First Sunday of October 02:00 standard to first Sunday of April 03:00 summer time. */
const SYDNEY: TimeZone = {
  offsetMs: 10 * HOUR_MS,
  summer: {
    offsetMs: 11 * HOUR_MS,
    from: { month: 10, week: 1, day: 6, timeMs: 16 * HOUR_MS },
    to: { month: 4, week: 1, day: 6, timeMs: 16 * HOUR_MS },
  },
};

/** What the machine's own time zone database says, for years in which it has long been settled. */
function ownOffsetMs(name: string, at: number): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: name, dateStyle: 'short', timeStyle: 'medium' }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((candidate) => candidate.type === type)?.value);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - at;
}

test('offsets agree with the time zone database of this machine, for the years 2000 to 2024', () => {
  const random = seeded(1);
  for (let i = 0; i < 1500; i++) {
    const at = Math.floor((Date.UTC(2000, 0, 1) + random() * 25 * 365.25 * DAY_MS) / 60_000) * 60_000;
    assert.equal(offsetAt(BERLIN, at), ownOffsetMs('Europe/Berlin', at), new Date(at).toISOString());
    if (i < 300) for (const [name, zone] of FIXED_ZONES) assert.equal(offsetAt(zone, at), ownOffsetMs(name, at), `${name} ${at}`);
  }
});

test('days on which the clocks change have 23 and 25 hours', () => {
  const lengthOf = (zone: TimeZone, date: string): number => {
    const day = Date.parse(`${date}T00:00:00Z`) / DAY_MS;
    return (startOfDay(zone, day + 1) - startOfDay(zone, day)) / HOUR_MS;
  };
  assert.deepEqual(
    ['2026-03-28', '2026-03-29', '2026-10-25'].map((date) => lengthOf(BERLIN, date)),
    [24, 23, 25],
  );
  assert.equal(offsetAt(SYDNEY, Date.UTC(2026, 0, 1)), 11 * HOUR_MS);
  assert.equal(offsetAt(SYDNEY, Date.UTC(2026, 6, 1)), 10 * HOUR_MS);
  const midnight = startOfDay(BERLIN, localDay(BERLIN, Date.UTC(2026, 5, 1)));
  assert.deepEqual([localTimeOfDay(BERLIN, midnight), weekday(localDay(BERLIN, midnight))], [0, 1], '2026-06-01 is a Monday');
});

test('schedules over midnight belong to the day on which they began; holidays and working days go before the week', () => {
  const zone = FIXED_ZONES.get('Asia/Shanghai') as TimeZone;
  const day = (date: string): number => Date.parse(`${date}T00:00:00Z`) / DAY_MS;
  const calendar = {
    workdays: new Set([1, 2, 3, 4, 5]),
    holidays: [{ first: day('2026-10-01'), last: day('2026-10-07') }],
    workingDays: [{ first: day('2026-10-10'), last: day('2026-10-10') }],
  };
  const night: Schedule = { zone, calendar, fromMs: 22 * HOUR_MS, toMs: 6 * HOUR_MS, days: null, dayKind: 'workday' };
  const at = (text: string): boolean => isWithin(night, Date.parse(`${text}:00+08:00`));
  assert.deepEqual(
    ['2026-09-30T22:00', '2026-10-01T05:59', '2026-10-01T06:00', '2026-10-01T22:00', '2026-10-08T05:59', '2026-10-08T22:00'].map(at),
    [true, true, false, false, false, true],
  );
  assert.deepEqual(['2026-10-10T23:00', '2026-10-11T05:00', '2026-10-11T23:00'].map(at), [true, true, false], 'a Saturday that is worked');
  const sundays: Schedule = { ...night, fromMs: 0, toMs: DAY_MS, days: new Set([0]), dayKind: 'any' };
  assert.deepEqual(
    ['2026-10-10T23:59', '2026-10-11T00:00', '2026-10-11T23:59'].map((text) => isWithin(sundays, Date.parse(`${text}:00+08:00`))),
    [false, true, true],
  );
});
