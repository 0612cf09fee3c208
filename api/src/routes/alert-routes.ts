/** Alerts and the contracts that raise them. */
import contractSchema from '@airtight/contracts-engine/contract.schema.json' with { type: 'json' };
import { AirtightError, ALERTS_DATASET, type AlertAcknowledged, AlertItem, Page, transitionMessageId } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { hiddenDatasets, requireReadable } from '../accounts/confidential.ts';
import { type Alert, alertById, alertItemOf, alertsBefore, stateOf } from '../project/alert-book.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const AlertParameters = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) });
const ListParameters = Type.Object({
  state: Type.Union([Type.Literal('open'), Type.Literal('all')], { default: 'open' }),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
});
const COMMENT_MAX_LENGTH = 1000;
const Acknowledgement = Type.Object({ comment: Type.Optional(Type.String({ maxLength: COMMENT_MAX_LENGTH })) });
/** A contract in force. */
const ContractItem = Type.Object({
  contract: Type.String(),
  version: Type.String(),
  text: Type.String(),
  author: Type.String(),
  approver: Type.String(),
  since: Type.String({ format: 'date-time' }),
  record: Type.String(),
});

export function alertRoutes(app: FastifyInstance, context: RouteContext): void {
  listRoutes(app, context);
  acknowledgeRoute(app, context);
  app.get('/contracts', { config: { access: 'viewer' }, schema: { response: { 200: Page(ContractItem) } } }, async () => ({
    items: [...context.control.contracts.values()].map(({ position, since, record: { contract, version, text, author, approver } }) => ({
      ...{ contract, version, text, author, approver },
      since: new Date(since).toISOString(),
      record: String(position),
    })),
    next: null,
  }));
  // Editors ask for it without a token.
  app.get('/contracts/schema', { config: { access: 'anyone' } }, async (_, reply) =>
    reply.type('application/schema+json').send(JSON.stringify(contractSchema)),
  );
}

function listRoutes(app: FastifyInstance, { alerts, store, control }: RouteContext): void {
  const config = { access: 'viewer' } as const;
  const schema = { querystring: ListParameters, response: { 200: Page(AlertItem) } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/alerts', { config, schema }, async (request) => {
    const { state, cursor, limit } = request.query;
    const before = cursor === undefined ? undefined : (decodeCursor(cursor, 1)[0] as number);
    const page =
      state === 'all'
        ? (await alertsBefore(store, before, limit)).map((alert) => alerts.find(alert.raise.alert) ?? alert)
        : alerts
            .open()
            .filter((alert) => before === undefined || alert.raisedPosition < before)
            .slice(0, limit);
    const last = page.length === limit ? page.at(-1) : undefined;
    const hidden = hiddenDatasets(request.identity, control.datasets);
    const shown = page.filter(({ raise }) => !hidden.has(raise.dataset));
    return { items: shown.map(alertItemOf), next: last === undefined ? null : encodeCursor([last.raisedPosition]) };
  });
  const itemSchema = { params: AlertParameters, response: { 200: AlertItem } };
  app.get<{ Params: Static<typeof AlertParameters> }>('/alerts/:id', { config, schema: itemSchema }, async (request) => {
    const alert = await findAlert({ alerts, store }, request.params.id);
    requireReadable(request.identity, alert.raise.dataset, control.datasets);
    return alertItemOf(alert);
  });
}

function acknowledgeRoute(app: FastifyInstance, context: RouteContext): void {
  const { ingest, fold } = context;
  const schema = { params: AlertParameters, body: Type.Optional(Acknowledgement), response: { 200: AlertItem } };
  app.post<{ Params: Static<typeof AlertParameters>; Body?: Static<typeof Acknowledgement> }>(
    '/alerts/:id/ack',
    { config: { access: 'operator' }, schema },
    async (request) => {
      const alert = await findAlert(context, request.params.id);
      const state = stateOf(alert);
      if (state === 'acknowledged' || state === 'closed') throw new AirtightError('ALERT_NOT_OPEN', state);
      const by = request.identity.name as string;
      const transition: AlertAcknowledged = {
        v: 1,
        type: 'acknowledge',
        alert: alert.raise.alert,
        at: Date.now(),
        by,
        comment: request.body?.comment ?? '',
      };
      const { agency, contract } = alert.raise;
      const messageId = transitionMessageId(transition);
      const [written] = await ingest.writeRecords([
        { agency, dataset: ALERTS_DATASET, producer: contract, messageId, payload: transition },
      ]);
      // The first of two people was faster, by moments: their acknowledgement is the one on record.
      if (written === undefined || written.repeat) throw new AirtightError('ALERT_NOT_OPEN', 'acknowledged');
      await whenFolded(fold, written.position);
      return alertItemOf(withTransition(await findAlert(context, request.params.id), written.position, transition));
    },
  );
}

/** The alert with the acknowledgement in it, when the fold has not come to it yet. */
function withTransition(alert: Alert, position: number, transition: AlertAcknowledged): Alert {
  if (alert.transitions.some((known) => known.position === position)) return alert;
  return { ...alert, transitions: [...alert.transitions, { position, transition }] };
}

async function findAlert({ alerts, store }: Pick<RouteContext, 'alerts' | 'store'>, id: string): Promise<Alert> {
  const alert = alerts.find(id) ?? (await alertById(store, id));
  if (alert === undefined) throw new AirtightError('NOT_FOUND', `alert ${id}`);
  return alert;
}
