/** Schedules and holidays: yes or no for an instant, from the contract's own calendar alone. */
import { localDay, localTimeOfDay, type TimeZone, weekday } from './time-zone.ts';

export interface Calendar {
  /** Days of the week on which people work, 0 is Sunday. */
  readonly workdays: ReadonlySet<number>;
  /** Local days since 1970-01-01, on which they do not, … */
  readonly holidays: readonly DayRange[];
  /** … and on which they do although the week says otherwise. */
  readonly workingDays: readonly DayRange[];
}

export interface DayRange {
  readonly first: number;
  readonly last: number;
}

export interface Schedule {
  readonly zone: TimeZone;
  readonly calendar: Calendar;
  /** Ms since local midnight; from after to: over midnight, and then the day counts on which it began. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Days of the week; null: `dayKind` decides. */
  readonly days: ReadonlySet<number> | null;
  readonly dayKind: 'any' | 'workday' | 'holiday';
}

/** True when an instant lies within the schedule: `from` is in it, `to` is not. */
export function isWithin(schedule: Schedule, at: number): boolean {
  const { zone, fromMs, toMs } = schedule;
  const time = localTimeOfDay(zone, at);
  const day = localDay(zone, at);
  if (fromMs < toMs) return time >= fromMs && time < toMs && isDay(schedule, day);
  return (time >= fromMs && isDay(schedule, day)) || (time < toMs && isDay(schedule, day - 1));
}

function isDay({ calendar, days, dayKind }: Schedule, day: number): boolean {
  if (days !== null) return days.has(weekday(day));
  return dayKind === 'any' || (dayKind === 'workday') === isWorkday(calendar, day);
}

function isWorkday({ workdays, holidays, workingDays }: Calendar, day: number): boolean {
  if (isIn(workingDays, day)) return true;
  return workdays.has(weekday(day)) && !isIn(holidays, day);
}

function isIn(ranges: readonly DayRange[], day: number): boolean {
  return ranges.some(({ first, last }) => day >= first && day <= last);
}
