/** Gaps in the numbers of devices, as the journal has them on record. */
import { GAPS_DATASET, type GapItem, type GapRecord } from '@airtight/protocol';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { quoteText, wholeLiteral } from './literal.ts';

export interface GapsQuery {
  readonly producer?: string;
  readonly dataset?: string;
  /** `open`: only those of which something is missing. */
  readonly state: 'open' | 'all';
  readonly cursor?: string;
  readonly limit: number;
}

/** One page, newest first. @throws AirtightError CURSOR_INVALID */
export async function readGaps(store: Pick<Store, 'query'>, { producer, dataset, state, cursor, limit }: GapsQuery) {
  const conditions = [`dataset = ${quoteText(GAPS_DATASET)}`];
  for (const [member, value] of Object.entries({ producer, dataset })) {
    if (value !== undefined) conditions.push(`JSONExtractString(payload, ${quoteText(member)}) = ${quoteText(value)}`);
  }
  const having = [
    ...(state === 'open' ? ["JSONLength(newest, 'missing') > 0"] : []),
    ...(cursor === undefined ? [] : [`noticed < ${wholeLiteral(decodeCursor(cursor, 1)[0] as number)}`]),
  ];
  const sql = `SELECT min(position) AS noticed, max(position), argMax(payload, position) AS newest FROM ${DATABASE}.control
    WHERE ${conditions.join(' AND ')} GROUP BY JSONExtractString(payload, 'gap')
    ${having.length === 0 ? '' : `HAVING ${having.join(' AND ')}`} ORDER BY noticed DESC LIMIT ${wholeLiteral(limit + 1)}`;
  const rows = (await store.query(sql)).slice(0, limit + 1) as unknown as readonly (readonly [number, number, string])[];
  const items = rows.slice(0, limit).map(([, position, payload]) => itemOf(position, JSON.parse(payload) as GapRecord));
  const last = rows[limit - 1];
  return { items, next: rows.length > limit && last !== undefined ? encodeCursor([last[0]]) : null };
}

function itemOf(position: number, { type: _type, missing, after, before, noticedAt, filledBy, ...same }: GapRecord): GapItem {
  return {
    ...same,
    ...{ after: String(after), before: String(before), noticedAt: new Date(noticedAt).toISOString() },
    state: missing.length === 0 ? 'closed' : 'open',
    missing: missing.map(([first, last]): [number, number] => [first, last]),
    ...(filledBy === undefined ? {} : { filledBy: String(filledBy) }),
    record: String(position),
  };
}
