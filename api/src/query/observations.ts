/** Raw observations, page by page, in the order (phenomenonTime, position, ordinal). */
import type { ObservationItem } from '@airtight/protocol';
import { OBSERVATION_COLUMNS, observationOf } from '../project/rows.ts';
import { DATABASE } from '../project/schema.ts';
import type { Row, Store } from '../project/store.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { quoteText, wholeLiteral } from './literal.ts';

export interface ObservationsQuery {
  readonly producer?: string | undefined;
  readonly dataset?: string | undefined;
  readonly observedProperty?: string | undefined;
  /** phenomenonTime, epoch ms: [from, to). */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly cursor?: string | undefined;
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
): Promise<{ readonly items: ObservationItem[]; readonly next: string | null }> {
  const rows = await store.query(
    `SELECT ${OBSERVATION_COLUMNS}, ordinal FROM ${DATABASE}.observations ${whereOf(query)}
     ORDER BY phenomenonTime, position, ordinal LIMIT ${wholeLiteral(query.limit)}`,
    'bulk',
  );
  const last = rows.length === query.limit ? rows.at(-1) : undefined;
  return {
    items: rows.map(itemOf),
    next: last === undefined ? null : cursorAfter(last),
  };
}

function cursorAfter(row: Row): string {
  const { phenomenonTime, position } = observationOf(row);
  return encodeCursor([phenomenonTime, position, row.at(-1) as number]);
}

function whereOf(query: ObservationsQuery): string {
  const conditions: string[] = [];
  for (const name of ['dataset', 'producer', 'observedProperty'] as const) {
    const value = query[name];
    if (value !== undefined) conditions.push(`${name} = ${quoteText(value)}`);
  }
  if (query.from !== undefined) conditions.push(`phenomenonTime >= ${wholeLiteral(query.from)}`);
  if (query.to !== undefined) conditions.push(`phenomenonTime < ${wholeLiteral(query.to)}`);
  if (query.cursor !== undefined) {
    const [time, position, ordinal] = decodeCursor(query.cursor, 3) as [number, number, number];
    // The first condition alone lets the primary key skip; the second is exact.
    conditions.push(`phenomenonTime >= ${wholeLiteral(time)}`);
    conditions.push(`(phenomenonTime, position, ordinal) > (${wholeLiteral(time)}, ${wholeLiteral(position)}, ${wholeLiteral(ordinal)})`);
  }
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

function itemOf(row: Row): ObservationItem {
  const { phenomenonTime, receivedAt, position, flags, ...same } = observationOf(row);
  return {
    ...same,
    phenomenonTime: new Date(phenomenonTime).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    flags: [...flags],
    record: String(position),
  };
}

const CSV_HEADER = 'agency,dataset,producer,observedProperty,phenomenonTime,receivedAt,result,unit,flags,record\r\n';

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
