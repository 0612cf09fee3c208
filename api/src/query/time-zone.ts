/** What an IANA zone is ahead of UTC. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds the zone's clocks are ahead of UTC at a moment, e.g. 28,800,000 in Asia/Shanghai. */
export function zoneOffsetMs(timeZone: string, epochMs: number): number {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(epochMs).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name) ?? [];
  const ms = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000;
  return sign === '-' ? -ms : ms;
}
