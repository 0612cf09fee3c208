/** Raw observations, page by page, in the order (phenomenonTime, position, ordinal). */
import type { ObservationItem, ObservationQuality } from '@airtight/protocol';
import { OBSERVATION_COLUMNS, observationOf } from '../project/rows.ts';
import { DATABASE } from '../project/schema.ts';
import type { Row, Store } from '../project/store.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { quoteText, wholeLiteral } from './literal.ts';
import { type QualityContext, readVerdicts } from './quality.ts';

export interface ObservationsQuery {
  /** Of one record alone. */
  readonly position?: number | undefined;
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly observedProperty?: string | undefined;
  /** phenomenonTime, epoch ms: [from, to). */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly cursor?: string | undefined;
  /** Datasets that are left out. */
  readonly hidden?: ReadonlySet<string> | undefined;
  readonly limit: number;
}

/**
 * A page. Values written after a page was read appear on later pages when their time lies behind the cursor, and never
 * shift what a cursor points at.
 * @throws AirtightError CURSOR_INVALID, QUERY_TOO_SLOW, OVERLOADED
 */
export async function readObservations(
  store: Pick<Store, 'query'>,
  query: ObservationsQuery,
  context: QualityContext,
): Promise<{ readonly items: ObservationItem[]; readonly next: string | null }> {
  const rows = await store.query(
    `SELECT ${OBSERVATION_COLUMNS}, ordinal FROM ${DATABASE}.observations ${whereOf(query)}
     ORDER BY phenomenonTime, position, ordinal LIMIT ${wholeLiteral(query.limit)}`,
    'bulk',
  );
  const last = rows.length === query.limit ? rows.at(-1) : undefined;
  if (rows.length === 0) return { items: [], next: null };
  const tellings = await readTellings(store, query, rows);
  const verdicts = await readVerdicts(store, { ...query, from: timeOf(rows[0]), until: timeOf(rows.at(-1)) }, context);
  return {
    items: rows.map((row) => itemOf(row, verdicts.of(observationOf(row), row.at(-1) as number), tellings.get(momentOf(row)))),
    next: last === undefined ? null : cursorAfter(last),
  };
}

/**
 * Positions of the records that hold such values, ascending, at most `limit`: every telling, the revised ones too.
 * @throws AirtightError QUERY_TOO_SLOW, OVERLOADED
 */
export async function readPositions(store: Pick<Store, 'query'>, query: ObservationsQuery): Promise<number[]> {
  const rows = await store.query(
    `SELECT DISTINCT position FROM ${DATABASE}.observations ${whereOf(query)} ORDER BY position LIMIT ${wholeLiteral(query.limit)}`,
    'bulk',
  );
  return rows.map(([position]) => position as number);
}

/** Where a moment that was told more than once is told, in the order of the journal. */
type Telling = readonly [position: number, ordinal: number];
type Tellings = ReadonlyMap<string, readonly Telling[]>;

/** Of the moments on a page, those that were told more than once; the last telling is the one that counts. */
async function readTellings(
  store: Pick<Store, 'query'>,
  { producer, dataset, observedProperty }: ObservationsQuery,
  page: readonly Row[],
): Promise<Tellings> {
  const [from, until] = [timeOf(page[0]), timeOf(page.at(-1))];
  // A record may hold many producers' worth of times: only the page's own series are looked at.
  const series = new Set(
    page.map(
      (row) =>
        `(${row
          .slice(1, 4)
          .map((name) => quoteText(name as string))
          .join(', ')})`,
    ),
  );
  const conditions = [`phenomenonTime >= ${wholeLiteral(from)} AND phenomenonTime <= ${wholeLiteral(until)}`];
  for (const [name, value] of Object.entries({ dataset, producer, observedProperty }))
    if (value !== undefined) conditions.push(`${name} = ${quoteText(value)}`);
  if (series.size <= SERIES_NAMED_MAX) conditions.push(`(dataset, producer, observedProperty) IN (${[...series].join(', ')})`);
  const rows = await store.query(
    `SELECT dataset, producer, observedProperty, phenomenonTime, arraySort(groupArray((position, ordinal))) AS tellings
     FROM ${DATABASE}.observations WHERE ${conditions.join(' AND ')}
     GROUP BY dataset, producer, observedProperty, phenomenonTime HAVING count() > 1`,
    'bulk',
  );
  return new Map(rows.map((row) => [row.slice(0, 4).join(' '), row[4] as readonly Telling[]]));
}

/** Names have no spaces. */
function momentOf(row: Row): string {
  return row.slice(1, 5).join(' ');
}

function cursorAfter(row: Row): string {
  const { phenomenonTime, position } = observationOf(row);
  return encodeCursor([phenomenonTime, position, row.at(-1) as number]);
}

function whereOf(query: ObservationsQuery): string {
  const conditions: string[] = query.position === undefined ? [] : [`position = ${wholeLiteral(query.position)}`];
  for (const name of ['dataset', 'producer', 'observedProperty'] as const) {
    const value = query[name];
    if (value !== undefined) conditions.push(`${name} = ${quoteText(value)}`);
  }
  if (query.from !== undefined) conditions.push(`phenomenonTime >= ${wholeLiteral(query.from)}`);
  if (query.to !== undefined) conditions.push(`phenomenonTime < ${wholeLiteral(query.to)}`);
  const hidden = [...(query.hidden ?? [])];
  if (hidden.length > 0) conditions.push(`dataset NOT IN (${hidden.map(quoteText).join(', ')})`);
  if (query.cursor !== undefined) {
    const [time, position, ordinal] = decodeCursor(query.cursor, 3) as [number, number, number];
    // The first condition alone lets the primary key skip; the second is exact.
    conditions.push(`phenomenonTime >= ${wholeLiteral(time)}`);
    conditions.push(`(phenomenonTime, position, ordinal) > (${wholeLiteral(time)}, ${wholeLiteral(position)}, ${wholeLiteral(ordinal)})`);
  }
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

/** Pages are in order of time. */
function timeOf(row: Row | undefined): number {
  return observationOf(row as Row).phenomenonTime;
}

function itemOf(row: Row, quality: ObservationQuality, tellings: readonly Telling[] | undefined): ObservationItem {
  const { phenomenonTime, receivedAt, position, flags, ...same } = observationOf(row);
  return {
    ...same,
    phenomenonTime: new Date(phenomenonTime).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    flags: [...flags],
    quality,
    record: String(position),
    ...(tellings === undefined ? {} : { revision: revisionOf(tellings, position, row.at(-1) as number) }),
  };
}

function revisionOf(tellings: readonly Telling[], position: number, ordinal: number): NonNullable<ObservationItem['revision']> {
  const number = 1 + tellings.findIndex(([at, place]) => at === position && place === ordinal);
  return { number, of: tellings.length, newest: String(tellings.at(-1)?.[0]) };
}

/** More series on a page than this: the whole span is looked at. */
const SERIES_NAMED_MAX = 200;

const CSV_HEADER =
  'agency,dataset,producer,observedProperty,phenomenonTime,receivedAt,result,unit,flags,record,revision,revisions,quality,tests\r\n';

/** The page as CSV, RFC 4180; flags are joined by spaces. */
export function observationsCsv(items: readonly ObservationItem[]): string {
  const lines = items.map((item) =>
    [
      item.agency,
      item.dataset,
      item.producer,
      item.observedProperty,
      item.phenomenonTime,
      item.receivedAt,
      String(item.result),
      item.unit,
      item.flags.join(' '),
      item.record,
      String(item.revision?.number ?? 1),
      String(item.revision?.of ?? 1),
      String(item.quality.flag),
      Object.entries(item.quality.tests)
        .map(([test, flag]) => `${test}=${flag}`)
        .join(' '),
    ]
      .map(csvField)
      .join(','),
  );
  return CSV_HEADER + lines.map((line) => `${line}\r\n`).join('');
}

/** A field that begins like a formula is marked as text: spreadsheets would run it. A negative number stays a number. */
function csvField(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) || (text.startsWith('-') && Number.isNaN(Number(text))) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
