/**
 * Local time without a time zone database: what a database says of a named zone changes with its edition, and a contract
 * must mean the same on every machine for ever. So a zone is an offset from UTC, with the rule for summer time written
 * into the contract where there is one; a few names stand for zones whose offset has long been fixed.
 */

export interface TimeZone {
  readonly offsetMs: number;
  readonly summer: SummerTime | null;
}

export interface SummerTime {
  readonly offsetMs: number;
  readonly from: Changeover;
  readonly to: Changeover;
}

/** A moment of every year, e.g. the last Sunday of March at 01:00 UTC. */
export interface Changeover {
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 4, or -1 for the last. */
  readonly week: number;
  /** 0 is Sunday. */
  readonly day: number;
  /** Since midnight UTC of that day. */
  readonly timeMs: number;
}

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
export const UTC: TimeZone = { offsetMs: 0, summer: null };

/** Offsets that have not changed since the year given: instants before that year have the same offset here. */
export const FIXED_ZONES: ReadonlyMap<string, TimeZone> = new Map(
  [
    ['UTC', 0],
    ['Asia/Shanghai', 8], // since 1991
    ['Asia/Urumqi', 6], // since 1980
    ['Asia/Hong_Kong', 8], // since 1979
    ['Asia/Macau', 8], // since 1979
    ['Asia/Taipei', 8], // since 1979
    ['Asia/Singapore', 8], // since 1982
    ['Asia/Tokyo', 9], // since 1951
    ['Asia/Seoul', 9], // since 1988
    ['Asia/Kolkata', 5.5], // since 1945
  ].map(([name, hours]) => [name as string, { offsetMs: (hours as number) * HOUR_MS, summer: null }]),
);

/** @returns ms that local time is ahead of UTC at an instant */
export function offsetAt(zone: TimeZone, at: number): number {
  if (zone.summer === null) return zone.offsetMs;
  const year = new Date(at).getUTCFullYear();
  const [from, to] = [instantOf(zone.summer.from, year), instantOf(zone.summer.to, year)];
  const isSummer = from < to ? at >= from && at < to : at >= from || at < to;
  return isSummer ? zone.summer.offsetMs : zone.offsetMs;
}

/** Days since 1970-01-01 by the local calendar. */
export function localDay(zone: TimeZone, at: number): number {
  return Math.floor((at + offsetAt(zone, at)) / DAY_MS);
}

/** The instant at which a local day begins. A day on which the clocks change is shorter or longer than 24 h. */
export function startOfDay(zone: TimeZone, day: number): number {
  const guess = day * DAY_MS - zone.offsetMs;
  return day * DAY_MS - offsetAt(zone, day * DAY_MS - offsetAt(zone, guess));
}

/** Ms since local midnight by the clock on the wall. */
export function localTimeOfDay(zone: TimeZone, at: number): number {
  const local = at + offsetAt(zone, at);
  return local - Math.floor(local / DAY_MS) * DAY_MS;
}

/** 0 is Sunday: 1970-01-01 was a Thursday. */
export function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

function instantOf({ month, week, day, timeMs }: Changeover, year: number): number {
  const first = Date.UTC(year, month - 1, 1) / DAY_MS;
  if (week > 0) return (first + ((day - weekday(first) + 7) % 7) + (week - 1) * 7) * DAY_MS + timeMs;
  const last = Date.UTC(year, month, 1) / DAY_MS - 1;
  return (last - ((weekday(last) - day + 7) % 7)) * DAY_MS + timeMs;
}
