/** Time zone, calendar and schedules of a contract. */
import { NAME_MAX_LENGTH } from '@airtight/protocol';
import { isScalar, type Node } from 'yaml';
import type { Calendar, DayRange, Schedule } from './calendar.ts';
import { LIST_MAX, NAMED_VALUES_MAX } from './contract.ts';
import type { ContractYaml } from './contract-yaml.ts';
import { readChoice, readNumber } from './read-fields.ts';
import { type Changeover, DAY_MS, FIXED_ZONES, type TimeZone, UTC } from './time-zone.ts';

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const MINUTE_MS = 60_000;
const RANGE_MAX_LENGTH = 21;
/** Days that one calendar may name: some years of public holidays. */
const DAYS_MAX = 512;

/** A name with a fixed offset, `+08:00`, or `{offset, summer: {offset, from, to}}`. UTC when there is none. */
export function readZone(yaml: ContractYaml, node: Node | undefined): TimeZone {
  if (node === undefined) return UTC;
  if (isScalar(node)) return zoneNamed(yaml, node);
  const members = yaml.members(node, ['offset'], ['summer']);
  const offsetMs = zoneNamed(yaml, members?.get('offset')).offsetMs;
  const summer = members?.get('summer');
  const parts = summer && yaml.members(summer, ['offset', 'from', 'to']);
  const from = readChangeover(yaml, parts?.get('from'));
  const to = readChangeover(yaml, parts?.get('to'));
  if (from === null || to === null) return { offsetMs, summer: null };
  return { offsetMs, summer: { offsetMs: zoneNamed(yaml, parts?.get('offset')).offsetMs, from, to } };
}

function zoneNamed(yaml: ContractYaml, node: Node | undefined): TimeZone {
  const text = yaml.text(node, NAME_MAX_LENGTH);
  if (text === null) return UTC;
  const named = FIXED_ZONES.get(text);
  if (named !== undefined) return named;
  const parts = /^([+-])(\d\d):(\d\d)$/.exec(text);
  const offsetMs = parts === null ? Number.NaN : (Number(parts[2]) * 60 + Number(parts[3])) * MINUTE_MS * (parts[1] === '-' ? -1 : 1);
  if (Math.abs(offsetMs) <= DAY_MS) return { offsetMs, summer: null };
  yaml.faultAt('zone', text, node as Node);
  return UTC;
}

function readChangeover(yaml: ContractYaml, node: Node | undefined): Changeover | null {
  const members = node && yaml.members(node, ['month', 'week', 'day', 'utc']);
  if (!members) return null;
  const month = readNumber(yaml, members.get('month'), 1, 12, true);
  const week = readChoice(yaml, members.get('week'), ['1', '2', '3', '4', 'last']);
  const day = readChoice(yaml, members.get('day'), WEEKDAYS);
  const timeMs = readTimeOfDay(yaml, members.get('utc'));
  if (month === null || week === null || day === null || timeMs === null) return null;
  return { month, week: week === 'last' ? -1 : Number(week), day: WEEKDAYS.indexOf(day), timeMs };
}

/** Days on which people work, and those on which they do not. */
export function readCalendar(yaml: ContractYaml, node: Node | undefined): Calendar {
  const members = node && yaml.members(node, [], ['workdays', 'holidays', 'workingDays']);
  const workdays = members?.get('workdays');
  return {
    workdays: workdays === undefined ? new Set([1, 2, 3, 4, 5]) : readWeekdays(yaml, workdays),
    holidays: readDays(yaml, members?.get('holidays')),
    workingDays: readDays(yaml, members?.get('workingDays')),
  };
}

function readWeekdays(yaml: ContractYaml, node: Node): ReadonlySet<number> {
  const days = yaml.items(node, WEEKDAYS.length).flatMap((item) => readChoice(yaml, item, WEEKDAYS) ?? []);
  return new Set(days.map((day) => WEEKDAYS.indexOf(day)));
}

function readDays(yaml: ContractYaml, node: Node | undefined): readonly DayRange[] {
  return yaml.items(node, DAYS_MAX).flatMap((item) => {
    const text = yaml.text(item, RANGE_MAX_LENGTH);
    if (text === null) return [];
    const [first, last = first] = text.split('/').map(dayOf);
    if (first !== undefined && last !== undefined && last >= first) return [{ first, last }];
    yaml.faultAt('day-of-year', text, item);
    return [];
  });
}

/** Days since 1970-01-01; NaN for what is no date. */
function dayOf(text: string): number {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return new Date(at).getTime() === at && new Date(at).toISOString().startsWith(text) ? at / DAY_MS : Number.NaN;
}

/** Schedules by name. */
export function readSchedules(
  yaml: ContractYaml,
  node: Node | undefined,
  zone: TimeZone,
  calendar: Calendar,
): ReadonlyMap<string, Schedule> {
  const schedules = new Map<string, Schedule>();
  if (node === undefined) return schedules;
  for (const { name, value } of yaml.entries(node, NAMED_VALUES_MAX)) {
    const members = yaml.members(value, [], ['from', 'to', 'days']);
    const from = members?.get('from');
    const to = members?.get('to');
    const fromMs = from === undefined ? 0 : readTimeOfDay(yaml, from);
    const toMs = to === undefined ? DAY_MS : readTimeOfDay(yaml, to);
    if (members === null || fromMs === null || toMs === null) continue;
    schedules.set(name, { zone, calendar, fromMs, toMs, ...readScheduleDays(yaml, members.get('days')) });
  }
  return schedules;
}

function readScheduleDays(yaml: ContractYaml, node: Node | undefined): Pick<Schedule, 'days' | 'dayKind'> {
  if (node === undefined) return { days: null, dayKind: 'any' };
  if (isScalar(node)) return { days: null, dayKind: readChoice(yaml, node, ['workday', 'holiday', 'any']) ?? 'any' };
  return { days: readWeekdays(yaml, node), dayKind: 'any' };
}

function readTimeOfDay(yaml: ContractYaml, node: Node | undefined): number | null {
  const text = yaml.text(node, LIST_MAX);
  if (text === null) return null;
  const parts = /^(\d\d):(\d\d)$/.exec(text);
  const ms = parts === null || Number(parts[2]) > 59 ? Number.NaN : (Number(parts[1]) * 60 + Number(parts[2])) * MINUTE_MS;
  if (ms <= DAY_MS) return ms;
  yaml.faultAt('time-of-day', text, node as Node);
  return null;
}
