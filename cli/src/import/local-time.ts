/** Times as files write them, by a pattern; and offsets from UTC. */
import { TIME_MAX } from '@airtight/protocol';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** UTC-12:00 to UTC+14:00. */
const OFFSET_MAX_MS = 14 * HOUR_MS;

/** `Z`, `UTC`, `+08:00`, `+0200`, `-3` as ms east of Greenwich; undefined when it is none. */
export function zoneOffset(text: string): number | undefined {
  if (text === 'Z' || text === 'UTC' || text === 'GMT') return 0;
  const [, sign, hours, minutes = '0'] = /^(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const offset = (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS) * (sign === '-' ? -1 : 1);
  return Number(minutes) < 60 && Math.abs(offset) <= OFFSET_MAX_MS ? offset : undefined;
}

/**
 * @param localMs a time of the calendar, as if it were UTC
 * @returns epoch ms, or undefined for what no record can have: before 1970 or after 9999
 */
export function recordableTime(localMs: number, offsetMs: number): number | undefined {
  const time = localMs - offsetMs;
  return Number.isSafeInteger(time) && time >= 0 && time <= TIME_MAX ? time : undefined;
}

const TOKENS: { readonly [token: string]: string } = {
  YYYY: '(?<year>\\d{4})',
  YY: '(?<year>\\d{2})',
  MM: '(?<month>\\d{2})',
  M: '(?<month>\\d{1,2})',
  DD: '(?<day>\\d{2})',
  D: '(?<day>\\d{1,2})',
  HH: '(?<hour>\\d{2})',
  H: '(?<hour>\\d{1,2})',
  mm: '(?<minute>\\d{2})',
  ss: '(?<second>\\d{2})',
  SSS: '(?<ms>\\d{3})',
  ZZ: '(?<zone>\\S+)',
};
const TOKEN = /YYYY|YY|MM|DD|HH|mm|ss|SSS|ZZ|[MDH]/g;

export type TimeReader = (text: string) => number | undefined;

/**
 * @param pattern of YYYY YY MM M DD D HH H mm ss SSS ZZ and whatever stands between them; or `epoch-s`, `epoch-ms`
 * @param offsetMs of local time, where the pattern has no ZZ
 * @returns epoch ms of a text, or undefined when it does not fit or is no time
 */
export function timeReader(pattern: string, offsetMs: number): TimeReader {
  if (pattern === 'epoch-ms') return (text) => (/^\d{1,15}$/.test(text) ? recordableTime(Number(text), 0) : undefined);
  if (pattern === 'epoch-s')
    return (text) => (/^\d{1,12}(\.\d+)?$/.test(text) ? recordableTime(Math.round(Number(text) * 1000), 0) : undefined);
  const escaped = pattern.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const expression = new RegExp(`^${escaped.replace(TOKEN, (token) => TOKENS[token] as string)}$`);
  return (text) => {
    const parts = expression.exec(text)?.groups;
    if (parts === undefined) return undefined;
    const part = (name: string, otherwise: number): number => (parts[name] === undefined ? otherwise : Number(parts[name]));
    const offset = parts['zone'] === undefined ? offsetMs : zoneOffset(parts['zone']);
    const year = part('year', 0);
    return offset === undefined
      ? undefined
      : utcOf(
          [year < 100 ? 2000 + year : year, part('month', 1), part('day', 1), part('hour', 0), part('minute', 0), part('second', 0)],
          part('ms', 0),
          offset,
        );
  };
}

/** Undefined for a date that no calendar has: 30 February, 25 o'clock. */
function utcOf(parts: readonly [number, number, number, number, number, number], ms: number, offsetMs: number): number | undefined {
  const [year, month, day, hour, minute, second] = parts;
  const time = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const date = new Date(time);
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour && minute < 60 && second < 60;
  return isReal ? recordableTime(time, offsetMs) : undefined;
}
