/** CSV of exactly what a chart shows: RFC 4180, UTF-8 with byte order mark (Excel in China reads it as UTF-8 only so). */
import type { SeriesPoint } from './series-points.ts';

export interface CsvSeries {
  readonly property: string;
  /** UCUM. */
  readonly unit: string;
  readonly points: readonly SeriesPoint[];
}

const BOM = '\ufeff';
/** Of one property. */
const COLUMNS = 7;
const NEWLINE = '\r\n';

/**
 * One line per bucket start. Columns: `time` (RFC 3339 UTC), `local_time`, then per property mean, min, max, count and
 * flagged count, expected count and worst quality flag, the unit in the heading. A bucket without values stays empty.
 * @param localTime writes a time in the deployment's zone
 */
export function seriesCsv(series: readonly CsvSeries[], localTime: (ms: number) => string, zone: string): string {
  const heading = ['time', `local_time ${zone}`];
  const rows = new Map<number, string[]>();
  series.forEach(({ property, unit, points }, index) => {
    heading.push(
      ...['mean', 'min', 'max'].map((what) => `${property} ${what} [${unit}]`),
      ...['count', 'flagged', 'expected', 'worst quality'].map((what) => `${property} ${what}`),
    );
    for (const [time, ...values] of points) {
      const row = rows.get(time) ?? Array.from({ length: series.length * COLUMNS }, () => '');
      values.forEach((value, at) => {
        row[index * COLUMNS + at] = String(value);
      });
      rows.set(time, row);
    }
  });
  const lines = [...rows].sort(([a], [b]) => a - b).map(([time, row]) => [new Date(time).toISOString(), localTime(time), ...row]);
  return BOM + [heading, ...lines].map((line) => line.map(field).join(',')).join(NEWLINE) + NEWLINE;
}

/** Quotes where RFC 4180 asks for it; a text that a spreadsheet would take for a formula is disarmed. */
function field(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) || (text.startsWith('-') && Number.isNaN(Number(text))) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
