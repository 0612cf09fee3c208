/** A series in buckets for a chart: mean, least, greatest, count. */
import { AirtightError, CONVERTED_FLAG, type Series } from '@airtight/protocol';
import { KIND_TEXT } from '../project/rows.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from './literal.ts';

export interface SeriesQuery {
  readonly producer: string;
  readonly dataset: string;
  /** A property of the dataset, or `aqi` for its index. */
  readonly observedProperty: string;
  /** phenomenonTime, epoch ms: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly maxPoints: number;
}

/** observedProperty under which the index is asked for. */
export const INDEX_PROPERTY = 'aqi';
export const SERIES_MAX_POINTS = 5000;

/** Widths that divide a day, so that buckets of a chart begin at whole minutes, hours and days. */
const WIDTHS_MS = [
  1, 10, 100, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
  10_800_000, 21_600_000, 43_200_000, 86_400_000,
];
const DAY_MS = 86_400_000;

/** The narrowest bucket that needs at most `maxPoints` for the span; whole days beyond the longest listed. */
export function bucketWidthMs(spanMs: number, maxPoints: number): number {
  const wanted = spanMs / maxPoints;
  return WIDTHS_MS.find((width) => width >= wanted) ?? Math.ceil(wanted / DAY_MS) * DAY_MS;
}

/**
 * Reads a series. Of values for the same moment the one in the latest record counts. Buckets begin at multiples of their
 * width from 1970-01-01T00:00 in the deployment's zone as it stands today.
 * @param offsetMs what that zone is ahead of UTC
 * @throws AirtightError REQUEST_INVALID, QUERY_TOO_SLOW, OVERLOADED
 */
export async function readSeries(store: Pick<Store, 'query'>, query: SeriesQuery, unit: string, offsetMs: number): Promise<Series> {
  const { producer, dataset, observedProperty, from, to, maxPoints } = query;
  if (from >= to) throw new AirtightError('REQUEST_INVALID', 'from lies before to');
  // One bucket more than the span holds may be touched at the edges.
  const bucketMs = bucketWidthMs(to - from, Math.max(1, maxPoints - 1));
  const shift = wholeLiteral(offsetMs);
  const width = wholeLiteral(bucketMs);
  const bucket = `intDiv(phenomenonTime + ${shift}, ${width}) * ${width} - ${shift}`;
  const rows = await store.query(
    `SELECT ${bucket} AS start, avg(value), min(value), max(value), count(), countIf(flagged)
     FROM (${valuesOf(query)}) WHERE isNotNull(value) GROUP BY start ORDER BY start`,
  );
  return {
    producer,
    dataset,
    observedProperty,
    unit,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    bucketMs,
    points: rows as Series['points'],
  };
}

/** One row per moment, the one in the latest record: phenomenonTime, value (a boolean counts as 0 or 1, a text not at all), flagged. */
function valuesOf({ producer, dataset, observedProperty, from, to }: SeriesQuery): string {
  const window = `phenomenonTime >= ${wholeLiteral(from)} AND phenomenonTime < ${wholeLiteral(to)}`;
  const subject = `dataset = ${quoteText(dataset)} AND producer = ${quoteText(producer)}`;
  if (observedProperty === INDEX_PROPERTY) {
    return `SELECT phenomenonTime, aqi AS value, 0 AS flagged FROM ${DATABASE}.indices WHERE ${subject} AND ${window}
            ORDER BY dataset, producer, phenomenonTime, position DESC, ordinal DESC LIMIT 1 BY phenomenonTime`;
  }
  return `SELECT phenomenonTime, if(kind = ${KIND_TEXT}, NULL, result) AS value, flags NOT IN ('', '["${CONVERTED_FLAG}"]') AS flagged
          FROM ${DATABASE}.observations WHERE ${subject} AND observedProperty = ${quoteText(observedProperty)} AND ${window}
          ORDER BY dataset, producer, observedProperty, phenomenonTime, position DESC, ordinal DESC LIMIT 1 BY phenomenonTime`;
}
