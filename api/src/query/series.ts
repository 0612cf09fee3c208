/** A series in buckets for a chart: mean, least, greatest, count, how many were expected, worst quality flag. */
import { AirtightError, CONVERTED_FLAG, type DatasetDefinition, type FlagRecord, hasTests, type Series } from '@airtight/protocol';
import { NOT_EVALUATED, PASS, SUSPECT } from '@airtight/standards/qartod.ts';
import { KIND_TEXT } from '../project/rows.ts';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { quoteText, wholeLiteral } from './literal.ts';
import { seriesVerdicts } from './quality.ts';

export interface SeriesQuery {
  readonly producer: string;
  readonly dataset: string;
  /** A property of the dataset, or `aqi` for its index. */
  readonly observedProperty: string;
  /** phenomenonTime, epoch ms: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly maxPoints: number;
  /** Without values that are suspect or failed; of an index nothing is left out. */
  readonly good?: boolean | undefined;
}

export interface SeriesContext {
  readonly definition: DatasetDefinition | undefined;
  readonly flags: readonly FlagRecord[];
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
 * @param definition of the dataset as it stands: unit, cadence, tests; and the manual flags in force, the newest first
 * @param offsetMs what that zone is ahead of UTC
 * @throws AirtightError REQUEST_INVALID, QUERY_TOO_SLOW, OVERLOADED
 */
export async function readSeries(
  store: Pick<Store, 'query'>,
  query: SeriesQuery,
  { definition, flags }: SeriesContext,
  offsetMs: number,
): Promise<Series> {
  const { producer, dataset, observedProperty, from, to, maxPoints } = query;
  if (from >= to) throw new AirtightError('REQUEST_INVALID', 'from lies before to');
  // One bucket more than the span holds may be touched at the edges.
  const bucketMs = bucketWidthMs(to - from, Math.max(1, maxPoints - 1));
  const shift = wholeLiteral(offsetMs);
  const width = wholeLiteral(bucketMs);
  const bucket = `intDiv(phenomenonTime + ${shift}, ${width}) * ${width} - ${shift}`;
  const manual = flags.filter((flag) => flag.from < to && flag.to > from);
  const isGood = query.good === true && observedProperty !== INDEX_PROPERTY ? goodOf(query, manual) : '1';
  const rows = await store.query(
    `SELECT ${bucket} AS start, avg(value), min(value), max(value), count(), countIf(flagged)
     FROM (${valuesOf(query)}) WHERE isNotNull(value) AND ${isGood} GROUP BY start ORDER BY start`,
  );
  const isTested = hasTests(definition, observedProperty);
  const passed = isTested ? PASS : NOT_EVALUATED;
  const asksWorst = query.good !== true && (isTested || manual.length > 0);
  const worst = asksWorst ? await readWorst(store, query, { bucket, manual, passed }) : new Map<number, number>();
  const unit = observedProperty === INDEX_PROPERTY ? '1' : (definition?.properties[observedProperty]?.unit ?? '');
  return {
    producer,
    dataset,
    observedProperty,
    unit,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    bucketMs,
    points: rows.map((row) => {
      const point = row as [start: number, mean: number, min: number, max: number, count: number, flagged: number];
      const [start] = point;
      const expected = expectedCount(Math.max(start, from), Math.min(start + bucketMs, to), definition?.cadenceMs);
      return [...point, expected, worst.get(start) ?? passed];
    }),
  };
}

/** Readings that a healthy producer makes in [from, to); without a cadence 0: nobody knows. */
function expectedCount(from: number, to: number, cadenceMs: number | undefined): number {
  return cadenceMs === undefined ? 0 : Math.ceil((to - from) / cadenceMs);
}

/** Condition: neither suspect nor failed, by a person's word where there is one, else by the tests. */
function goodOf(query: SeriesQuery, manual: readonly FlagRecord[]): string {
  // Verdicts in the table are suspect or failed.
  const passed = `(position, ordinal) NOT IN (SELECT judged, judgedOrdinal FROM (${seriesVerdicts(query, windowOf(query))}))`;
  if (manual.length === 0) return passed;
  const cases = manual.flatMap(({ from, to, flag }) => [covers(from, to), (flag as number) < SUSPECT ? '1' : '0']);
  return `multiIf(${[...cases, passed].join(', ')})`;
}

function covers(from: number, to: number): string {
  return `phenomenonTime >= ${wholeLiteral(from)} AND phenomenonTime < ${wholeLiteral(to)}`;
}

interface WorstQuery {
  readonly bucket: string;
  readonly manual: readonly FlagRecord[];
  /** Flag of a value without a verdict. */
  readonly passed: number;
}

/** Worst flag of each bucket, of the values that count, by its start. One without verdicts and manual flags is left out. */
async function readWorst(
  store: Pick<Store, 'query'>,
  query: SeriesQuery,
  { bucket, manual, passed }: WorstQuery,
): Promise<Map<number, number>> {
  const verdicts = seriesVerdicts(query, windowOf(query));
  if (manual.length === 0) {
    const rows = await store.query(
      `SELECT ${bucket} AS start, max(worst) FROM (${verdicts})
       WHERE (phenomenonTime, judged, judgedOrdinal) IN (SELECT phenomenonTime, position, ordinal FROM (${valuesOf(query)}))
       GROUP BY start`,
    );
    return new Map(rows as [number, number][]);
  }
  const cases = manual.map(({ from, to, flag }) => `${covers(from, to)}, ${wholeLiteral(flag as number)}`);
  // QARTOD: 2 < 1 < 3 < 4.
  const flag = `multiIf(${cases.join(', ')}, worst > 0, worst, ${wholeLiteral(passed)})`;
  const rows = await store.query(
    `SELECT ${bucket} AS start, argMax(found, if(found = ${NOT_EVALUATED}, 0, found)) FROM (
       SELECT phenomenonTime, ${flag} AS found FROM (${valuesOf(query)}) AS held
       LEFT JOIN (SELECT judged, judgedOrdinal, worst FROM (${verdicts})) AS said ON held.position = said.judged AND held.ordinal = said.judgedOrdinal)
     GROUP BY start`,
  );
  return new Map(rows as [number, number][]);
}

function windowOf({ from, to }: SeriesQuery): string {
  return covers(from, to);
}

/** One row per moment, the one in the latest record: phenomenonTime, value (a boolean counts as 0 or 1, a text not at all), flagged. */
function valuesOf(query: SeriesQuery): string {
  const { producer, dataset, observedProperty } = query;
  const window = windowOf(query);
  const subject = `dataset = ${quoteText(dataset)} AND producer = ${quoteText(producer)}`;
  if (observedProperty === INDEX_PROPERTY) {
    return `SELECT phenomenonTime, aqi AS value, 0 AS flagged FROM ${DATABASE}.indices WHERE ${subject} AND ${window}
            ORDER BY dataset, producer, phenomenonTime, position DESC, ordinal DESC LIMIT 1 BY phenomenonTime`;
  }
  return `SELECT phenomenonTime, if(kind = ${KIND_TEXT}, NULL, result) AS value, flags NOT IN ('', '["${CONVERTED_FLAG}"]') AS flagged, position, ordinal
          FROM ${DATABASE}.observations WHERE ${subject} AND observedProperty = ${quoteText(observedProperty)} AND ${window}
          ORDER BY dataset, producer, observedProperty, phenomenonTime, position DESC, ordinal DESC LIMIT 1 BY phenomenonTime`;
}
