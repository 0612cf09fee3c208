/** Alerts. */
import { ALERT_STATES, AlertItem, EscalationItem, Page } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { hiddenDatasets, requireReadable } from '../accounts/confidential.ts';
import { findAlert } from '../alerts/alert-acts.ts';
import { escalationOf } from '../alerts/escalation.ts';
import { withDeliveries } from '../channels/alert-deliveries.ts';
import { alertsBefore, raisedPosition } from '../project/alert-book.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { withAnswers } from '../regions/alert-answers.ts';
import type { RouteContext } from './context.ts';

export const AlertParameters = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) });
const ListParameters = Type.Object({
  state: Type.Enum(['open', 'all', ...ALERT_STATES.filter((state) => state !== 'closed')], { default: 'open' }),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
});
export function alertRoutes(app: FastifyInstance, context: RouteContext): void {
  listRoutes(app, context);
}

function listRoutes(app: FastifyInstance, { alerts, store, control, channels }: RouteContext): void {
  const config = { access: 'viewer' } as const;
  const schema = { querystring: ListParameters, response: { 200: Page(AlertItem) } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/alerts', { config, schema }, async (request) => {
    const { state, cursor, limit } = request.query;
    const before = cursor === undefined ? undefined : (decodeCursor(cursor, 1)[0] as number);
    if (state !== 'all') await alerts.recover(store);
    const page =
      state === 'all'
        ? (await alertsBefore(store, before, limit)).map((item) => alerts.find(item.alert) ?? item)
        : alerts
            .open()
            .filter((item) => (state === 'open' || item.state === state) && (before === undefined || raisedPosition(item) < before))
            .slice(0, limit);
    const last = page.length === limit ? page.at(-1) : undefined;
    const hidden = hiddenDatasets(request.identity, control.datasets);
    const items = page.filter(({ dataset }) => !hidden.has(dataset));
    return { items, next: last === undefined ? null : encodeCursor([raisedPosition(last)]) };
  });
  const itemSchema = { params: AlertParameters, response: { 200: AlertItem } };
  app.get<{ Params: Static<typeof AlertParameters> }>('/alerts/:id', { config, schema: itemSchema }, async (request) => {
    const item = await findAlert({ alerts, store }, request.params.id);
    requireReadable(request.identity, item.dataset, control.datasets);
    return withAnswers(await withDeliveries(item, { store, control, outbox: channels.outbox }), { store, control });
  });
  const escalationSchema = { params: AlertParameters, response: { 200: EscalationItem } };
  app.get<{ Params: Static<typeof AlertParameters> }>('/alerts/:id/escalation', { config, schema: escalationSchema }, async (request) => {
    const item = await findAlert({ alerts, store }, request.params.id);
    requireReadable(request.identity, item.dataset, control.datasets);
    return escalationOf(item, { control, store });
  });
}
