/** What was not admitted, and its release once the dataset is mended. */
import { AirtightError, QuarantineItem, QuarantinePage, ReplayAnswer, ReplayRequest } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { QuarantineEntry } from '../upstream/ingest-client.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const Name = Type.String({ minLength: 1, maxLength: 64 });
const MessageParameters = Type.Object({ id: Type.String({ pattern: '^[0-9]{1,15}$' }) });
const ListParameters = Type.Object({
  code: Type.Optional(Name),
  producer: Type.Optional(Name),
  dataset: Type.Optional(Name),
  door: Type.Optional(Name),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

export function quarantineRoutes(app: FastifyInstance, context: RouteContext): void {
  const { ingest } = context;
  const config = { access: 'operator' } as const;
  const listSchema = { querystring: ListParameters, response: { 200: QuarantinePage } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/quarantine', { config, schema: listSchema }, async (request) => {
    const { cursor, ...rest } = request.query;
    if (cursor !== undefined && !/^[0-9]{1,15}$/.test(cursor)) throw new AirtightError('CURSOR_INVALID', cursor.slice(0, 64));
    const { items, next, counts } = await ingest.quarantine({ ...rest, before: cursor });
    return { items: items.map(itemOf), next: next === null ? null : String(next), counts };
  });
  const itemSchema = { params: MessageParameters, response: { 200: QuarantineItem } };
  app.get<{ Params: Static<typeof MessageParameters> }>('/quarantine/:id', { config, schema: itemSchema }, async (request) =>
    itemOf(await ingest.quarantined(Number(request.params.id))),
  );
  replayRoute(app, context);
}

function replayRoute(app: FastifyInstance, { ingest, fold }: RouteContext): void {
  const schema = { body: ReplayRequest, response: { 200: ReplayAnswer } };
  app.post<{ Body: ReplayRequest }>('/quarantine/replay', { config: { access: 'administrator' }, schema }, async (request) => {
    const { ids, from, ...rest } = request.body;
    const answer = await ingest.replayQuarantine({
      ...rest,
      ...(ids === undefined ? {} : { ids: ids.map(Number) }),
      ...(from === undefined ? {} : { from: Number(from) }),
      by: request.identity.name as string,
    });
    await whenFolded(fold, Math.max(-1, ...answer.results.map(({ position }) => position ?? -1)));
    return {
      results: answer.results.map(({ id, position, ...result }) => ({
        id: String(id),
        ...result,
        ...(position === undefined ? {} : { record: String(position) }),
      })),
      next: answer.next === null ? null : String(answer.next),
    };
  });
}

function itemOf(item: QuarantineEntry): QuarantineItem {
  return {
    ...item,
    id: String(item.id),
    receivedAt: new Date(item.receivedAt).toISOString(),
    released: item.released === null ? null : String(item.released),
  };
}
