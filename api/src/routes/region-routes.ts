/** Other regions: what they send, their alerts, and what people here do with them. */
import {
  ACT_TEXT_MAX_LENGTH,
  AirtightError,
  Page,
  REGION_NOTE_MAX_LENGTH,
  REGION_PROOF_MAX_LENGTH,
  RegionAlertItem,
  RegionsDetail,
} from '@airtight/protocol';
import { formatVkey } from '@airtight/tlog';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { ActTurns } from '../alerts/act-turns.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { acknowledge, isAcknowledged } from '../regions/region-acts.ts';
import type { ReceivedAlert } from '../regions/region-book.ts';
import { regionAlertItem } from '../regions/region-items.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

/** Of one address: a region has some channels with four messages under way each. */
const MESSAGES_PER_MINUTE = 600;
/** A note, a proof, and what JSON adds to them. */
const BODY_MAX_BYTES = 2 * (REGION_NOTE_MAX_LENGTH + REGION_PROOF_MAX_LENGTH);
const strict = { additionalProperties: false } as const;
const Note = Type.String({ minLength: 1, maxLength: REGION_NOTE_MAX_LENGTH });
const SentAlert = Type.Object({ note: Note, proof: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()]) }, strict);
const SentAct = Type.Object({ note: Note }, strict);
const ListQuery = Type.Object({
  state: Type.Enum(['open', 'all'], { default: 'open' }),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
});
const Parameters = Type.Object({
  region: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
  id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
});
const Acknowledge = Type.Object({ comment: Type.Optional(Type.String({ maxLength: ACT_TEXT_MAX_LENGTH })) }, strict);

export function regionRoutes(app: FastifyInstance, context: RouteContext): void {
  exchangeRoutes(app, context);
  listRoutes(app, context);
  acknowledgeRoute(app, context);
}

/** Open to everybody: a request is worth what the signature in it is. */
function exchangeRoutes(app: FastifyInstance, { receiver }: RouteContext): void {
  const config = { access: 'anyone', rateLimit: { max: MESSAGES_PER_MINUTE, timeWindow: '1 minute' } } as const;
  const alert = {
    config,
    bodyLimit: BODY_MAX_BYTES,
    schema: { body: SentAlert, response: { 200: Type.Object({ receipt: Type.String() }) } },
  };
  app.post<{ Body: Static<typeof SentAlert> }>('/region-exchange/alerts', alert, async ({ body: { note, proof } }) => {
    if (JSON.stringify(proof).length > REGION_PROOF_MAX_LENGTH) throw new AirtightError('REGION_MESSAGE_INVALID', 'proof too large');
    return { receipt: await receiver.receiveAlert(note, proof) };
  });
  const act = { config, bodyLimit: BODY_MAX_BYTES, schema: { body: SentAct, response: { 200: Type.Object({ repeat: Type.Boolean() }) } } };
  app.post<{ Body: Static<typeof SentAct> }>('/region-exchange/acts', act, async ({ body: { note } }) => ({
    repeat: await receiver.receiveAct(note),
  }));
}

function listRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control, regions } = context;
  const config = { access: 'viewer' } as const;
  app.get('/regions', { config, schema: { response: { 200: RegionsDetail } } }, async (): Promise<RegionsDetail> => {
    const { key, known } = regions;
    return {
      own: key === undefined ? null : { keyName: key.vkey.name, vkey: formatVkey(key.vkey) },
      items: [...known.all().values()].map(({ name, title, url, vkey }) => ({ region: name, title, url, keyName: vkey.name })),
    };
  });
  const schema = { querystring: ListQuery, response: { 200: Page(RegionAlertItem) } };
  app.get<{ Querystring: Static<typeof ListQuery> }>('/region-alerts', { config, schema }, async (request) => {
    const { state, cursor, limit } = request.query;
    const before = cursor === undefined ? Number.POSITIVE_INFINITY : (decodeCursor(cursor, 1)[0] as number);
    const page = control.regionBook
      .received()
      .filter((alert) => lastPosition(alert) < before && (state === 'all' || isOpen(alert)))
      .slice(0, limit);
    const last = page.length === limit ? page.at(-1) : undefined;
    return { items: page.map((alert) => itemOf(context, alert)), next: last === undefined ? null : encodeCursor([lastPosition(last)]) };
  });
  const one = { params: Parameters, response: { 200: RegionAlertItem } };
  app.get<{ Params: Static<typeof Parameters> }>('/region-alerts/:region/:id', { config, schema: one }, async ({ params }) =>
    itemOf(context, alertOf(context, params)),
  );
}

function acknowledgeRoute(app: FastifyInstance, context: RouteContext): void {
  const { regions, ingest, fold } = context;
  const turns = new ActTurns();
  const schema = { params: Parameters, body: Type.Optional(Acknowledge), response: { 200: RegionAlertItem } };
  app.post<{ Params: Static<typeof Parameters>; Body: Static<typeof Acknowledge> | undefined }>(
    '/region-alerts/:region/:id/ack',
    { config: { access: 'operator' }, schema },
    async ({ params, body, identity }) =>
      turns.run(`${params.region}/${params.id}`, async () => {
        const alert = alertOf(context, params);
        // Twice is once.
        if (!isAcknowledged(alert)) {
          const order = { identity, comment: body?.comment ?? '' };
          await whenFolded(fold, await acknowledge(alert, order, { key: regions.key, ingest }));
        }
        return itemOf(context, alert);
      }),
  );
}

/** @throws AirtightError NOT_FOUND */
function alertOf({ control }: RouteContext, { region, id }: Static<typeof Parameters>): ReceivedAlert {
  const alert = control.regionBook.receivedAlert(region, id);
  if (alert === undefined) throw new AirtightError('NOT_FOUND', `alert ${id} of ${region}`);
  return alert;
}

function itemOf({ channels, regions }: RouteContext, alert: ReceivedAlert): RegionAlertItem {
  return regionAlertItem(alert, { region: regions.known.all().get(alert.region), stateOf: (act) => channels.outbox.byName(act)?.state });
}

function isOpen(alert: ReceivedAlert): boolean {
  return alert.messages.at(-1)?.value.message.type !== 'alert.cancelled';
}

function lastPosition({ messages }: ReceivedAlert): number {
  return messages.at(-1)?.position ?? -1;
}
