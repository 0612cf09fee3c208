/** Which files were imported: the `sys.imports` records, newest first. */
import { IMPORTS_DATASET, ImportItem, type ImportRecord, Page } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { DATABASE } from '../project/schema.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import type { RouteContext } from './context.ts';

const ListParameters = Type.Object({
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

export function importRoutes(app: FastifyInstance, { store }: RouteContext): void {
  const schema = { querystring: ListParameters, response: { 200: Page(ImportItem) } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/imports', { config: { access: 'operator' }, schema }, async (request) => {
    const { cursor, limit } = request.query;
    const below = cursor === undefined ? '' : `AND position < ${wholeLiteral(decodeCursor(cursor, 1)[0] as number)}`;
    const rows = await store.query(
      `SELECT position, payload FROM ${DATABASE}.control WHERE dataset = ${quoteText(IMPORTS_DATASET)} ${below}
       ORDER BY position DESC LIMIT ${wholeLiteral(limit)}`,
    );
    const found = rows as unknown as [number, string][];
    const last = found.length === limit ? found.at(-1) : undefined;
    return {
      items: found.map(([position, payload]) => importItemOf(position, JSON.parse(payload) as ImportRecord)),
      next: last === undefined ? null : encodeCursor([last[0]]),
    };
  });
}

function importItemOf(position: number, record: ImportRecord): ImportItem {
  const { type: _, truncatedAtLine, firstTime, lastTime, firstPosition, lastPosition, startedAt, finishedAt, ...rest } = record;
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  const id = (at: number | undefined): string | null => (at === undefined ? null : String(at));
  return {
    ...rest,
    record: String(position),
    truncatedAtLine: truncatedAtLine ?? null,
    firstTime: time(firstTime),
    lastTime: time(lastTime),
    first: id(firstPosition),
    last: id(lastPosition),
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
  };
}
