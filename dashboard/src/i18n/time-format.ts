/** Times as the reader sees them: always in the deployment's zone, never the browser's, and the zone is named. */

export interface TimeFormat {
  /** 15:42:08 */
  readonly clock: (ms: number) => string;
  /** 15:42 */
  readonly minute: (ms: number) => string;
  /** 11-22 15:42 */
  readonly dayMinute: (ms: number) => string;
  /** 2026-11-22 15:42:08 */
  readonly full: (ms: number) => string;
  /** 2026-11-22 */
  readonly day: (ms: number) => string;
  /** UTC+8 */
  readonly offset: (ms: number) => string;
  /** IANA name */
  readonly zone: string;
}

/** @param zone IANA name */
export function timeFormat(zone: string): TimeFormat {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const offset = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'shortOffset' });
  const written = (ms: number, write: (t: WallTime) => string): string => (Number.isFinite(ms) ? write(wallTimeOf(parts, ms)) : '–');
  return {
    zone,
    clock: (ms) => written(ms, (t) => `${t.hour}:${t.minute}:${t.second}`),
    minute: (ms) => written(ms, (t) => `${t.hour}:${t.minute}`),
    dayMinute: (ms) => written(ms, (t) => `${t.month}-${t.day} ${t.hour}:${t.minute}`),
    full: (ms) => written(ms, (t) => `${t.year}-${t.month}-${t.day} ${t.hour}:${t.minute}:${t.second}`),
    day: (ms) => written(ms, (t) => `${t.year}-${t.month}-${t.day}`),
    offset: (ms) => offsetOf(offset, ms),
  };
}

type WallTime = { readonly [part in 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second']: string };

function wallTimeOf(format: Intl.DateTimeFormat, ms: number): WallTime {
  const found: Record<string, string> = {};
  for (const part of format.formatToParts(ms)) found[part.type] = part.value;
  const { year = '', month = '', day = '', hour = '', minute = '', second = '' } = found;
  return { year, month, day, hour, minute, second };
}

function offsetOf(format: Intl.DateTimeFormat, ms: number): string {
  const name = format.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? '';
  return name === 'GMT' || name === 'GMT+0' ? 'UTC' : name.replace('GMT', 'UTC').replace('-', '−');
}

/**
 * Epoch ms of a wall-clock time `YYYY-MM-DDTHH:mm` in a zone; NaN when the text is none. A time that a change of the
 * clocks skips or repeats gets the offset before the change.
 */
export function zonedTime(text: string, zone: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})$/.exec(text);
  if (match === null) return Number.NaN;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
  const wall = Date.UTC(year, month - 1, day, hour, minute);
  const first = wall - offsetMs(wall, zone);
  return wall - offsetMs(first, zone);
}

/** `YYYY-MM-DDTHH:mm` in a zone: what `<input type="datetime-local">` takes. */
export function wallTime(ms: number, zone: string): string {
  return timeFormat(zone).full(ms).slice(0, 16).replace(' ', 'T');
}

function offsetMs(ms: number, zone: string): number {
  const wall = timeFormat(zone).full(ms);
  return Date.parse(`${wall.replace(' ', 'T')}Z`) - Math.floor(ms / 1000) * 1000;
}
