/** Channels: who is told of alerts and how, what became of each message, the test button, and the CAP feed. */
import { AirtightError, CHANNEL_KINDS, type ChannelRecord, Page, SEVERITIES } from '@airtight/protocol';
import { CAP_MEDIA_TYPE } from '@airtight/standards/cap.ts';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Identity } from '../accounts/identity.ts';
import { atomFeed, feedMessages } from '../channels/cap-feed.ts';
import { channelFault } from '../channels/channel-fault.ts';
import type { Message } from '../channels/outbox.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { buildProof } from '../query/proof.ts';
import { AlertParameters } from './alert-routes.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const strict = { additionalProperties: false } as const;
/** Part of file names, message ids and topics. */
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' });
const Parameters = Type.Object({ name: Name });
const Text = Type.String({ minLength: 1, maxLength: 200 });
const Names = Type.Array(Text, { minItems: 1, maxItems: 200 });
const Degrees = Type.Tuple([Type.Number({ minimum: -90, maximum: 90 }), Type.Number({ minimum: -180, maximum: 180 })]);
const Area = Type.Object(
  {
    geocode: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{5}$' })),
    polygon: Type.Optional(Type.Array(Degrees, { minItems: 4, maxItems: 1000 })),
  },
  strict,
);
const Filter = Type.Object(
  {
    severities: Type.Optional(Type.Array(Type.Enum([...SEVERITIES]), { minItems: 1, maxItems: 4 })),
    contracts: Type.Optional(Names),
    agencies: Type.Optional(Names),
    datasets: Type.Optional(Names),
    regions: Type.Optional(Names),
  },
  strict,
);
const settings = {
  kind: Type.Enum([...CHANNEL_KINDS]),
  title: Type.Object({ zh: Text, en: Text }, strict),
  url: Type.Optional(Type.String({ maxLength: 2000 })),
  to: Type.Optional(Type.Array(Type.String({ maxLength: 254 }), { minItems: 1, maxItems: 50 })),
  region: Type.Optional(Name),
  sender: Type.Optional(Type.String({ pattern: '^[^\\s,<&]{1,128}$' })),
  areas: Type.Optional(Type.Record(Text, Area)),
  languages: Type.Array(Type.Enum(['zh', 'en']), { minItems: 1, maxItems: 2, uniqueItems: true, default: ['zh', 'en'] }),
  filter: Type.Optional(Filter),
  namedOnly: Type.Boolean({ default: false }),
  confidential: Type.Boolean({ default: false }),
};
const NewChannel = Type.Object(settings, strict);
const Attempt = Type.Object({ n: Type.Integer(), at: Type.String(), outcome: Type.String(), detail: Type.String() });
const Health = Type.Object({
  waiting: Type.Integer(),
  dead: Type.Integer(),
  delivered: Type.Integer(),
  lastDelivered: Type.Union([Attempt, Type.Null()]),
  lastFailed: Type.Union([Attempt, Type.Null()]),
});
const ChannelItem = Type.Object({
  channel: Type.String(),
  ...settings,
  filter: Filter,
  disabled: Type.Boolean(),
  reason: Type.Optional(Type.String()),
  by: Type.String(),
  health: Health,
  /** Told once: when it is made. */
  secret: Type.Optional(Type.String()),
});
const DeliveryItem = Type.Object({
  id: Type.Integer(),
  channel: Type.String(),
  alert: Type.Union([Type.String(), Type.Null()]),
  record: Type.Union([Type.String(), Type.Null()]),
  kind: Type.String(),
  message: Type.String(),
  createdAt: Type.String(),
  state: Type.String(),
  nextAt: Type.Union([Type.String(), Type.Null()]),
  attempts: Type.Array(Attempt),
});
const LogQuery = Type.Object({
  state: Type.Optional(Type.Enum(['waiting', 'delivered', 'dead'])),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
});
const DeliveryParameters = Type.Object({ name: Name, id: Type.Integer({ minimum: 1 }) });
/** Without removed ones. */
const CHANNELS_MAX = 100;

export function channelRoutes(app: FastifyInstance, context: RouteContext): void {
  settingRoutes(app, context);
  actRoutes(app, context);
  logRoutes(app, context);
}

function settingRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control, secrets, regions } = context;
  const list = { config: { access: 'operator' }, schema: { response: { 200: Page(ChannelItem) } } } as const;
  app.get('/channels', list, async (request) => ({
    items: [...control.channels.values()]
      .filter(({ removed }) => !removed)
      .map((channel) => shownTo(request.identity, itemOf(context, channel))),
    next: null,
  }));
  const schema = { params: Parameters, body: NewChannel, response: { 200: ChannelItem } };
  app.put<{ Params: Static<typeof Parameters>; Body: Static<typeof NewChannel> }>('/channels/:name', { schema }, async (request) => {
    const { name } = request.params;
    const known = control.channels.get(name);
    const present = [...control.channels.values()].filter(({ removed }) => !removed);
    const record: ChannelRecord = {
      ...{ type: 'channel', channel: name, ...request.body, filter: request.body.filter ?? {} },
      ...{ disabled: known?.removed === false && known.disabled, removed: false, by: request.identity.name as string },
    } as ChannelRecord;
    const fault =
      channelFault(record, known, new Set(regions.known.all().keys())) ??
      (present.length >= CHANNELS_MAX && known === undefined ? 'too many channels' : undefined);
    if (fault !== undefined) throw new AirtightError('CHANNEL_INVALID', fault);
    const secret = record.kind === 'webhook' && secrets.of(name).length === 0 ? secrets.rotate(name) : undefined;
    await put(context, record);
    return { ...itemOf(context, record), ...(secret === undefined ? {} : { secret }) };
  });
  const removal = { schema: { params: Parameters, response: { 200: ChannelItem } } };
  app.delete<{ Params: Static<typeof Parameters> }>('/channels/:name', removal, async (request) => {
    const record = { ...channelOf(context, request.params.name), removed: true, by: request.identity.name as string };
    await put(context, record);
    return itemOf(context, record);
  });
}

function actRoutes(app: FastifyInstance, context: RouteContext): void {
  const { channels, secrets } = context;
  const schema = { params: Parameters, response: { 200: ChannelItem } };
  for (const [path, disabled] of [
    ['disable', true],
    ['enable', false],
  ] as const)
    app.post<{ Params: Static<typeof Parameters> }>(`/channels/:name/${path}`, { schema }, async (request) => {
      const { reason: _reason, ...known } = channelOf(context, request.params.name);
      const record = { ...known, disabled, by: request.identity.name as string };
      await put(context, record);
      return itemOf(context, record);
    });
  app.post<{ Params: Static<typeof Parameters> }>('/channels/:name/secret', { schema }, async (request) => {
    const channel = channelOf(context, request.params.name);
    if (channel.kind !== 'webhook') throw new AirtightError('CHANNEL_INVALID', 'only a webhook has a secret');
    return { ...itemOf(context, channel), secret: secrets.rotate(channel.channel) };
  });
  const sent = { schema: { params: Parameters, response: { 202: DeliveryItem } } };
  app.post<{ Params: Static<typeof Parameters> }>('/channels/:name/test', sent, async (request, reply) => {
    const channel = channelOf(context, request.params.name);
    if (channel.disabled) throw new AirtightError('CHANNEL_INVALID', 'it is disabled');
    const id = channels.test(channel);
    return reply.code(202).send(deliveryOf(context, channels.outbox.message(channel.channel, id) as Message));
  });
}

function logRoutes(app: FastifyInstance, context: RouteContext): void {
  const { outbox } = context.channels;
  const config = { access: 'operator' } as const;
  const schema = { params: Parameters, querystring: LogQuery, response: { 200: Page(DeliveryItem) } };
  type Log = { Params: Static<typeof Parameters>; Querystring: Static<typeof LogQuery> };
  app.get<Log>('/channels/:name/deliveries', { config, schema }, async (request) => {
    const { state, cursor, limit } = request.query;
    const before = cursor === undefined ? undefined : (decodeCursor(cursor, 1)[0] as number);
    const messages = outbox.log(channelOf(context, request.params.name).channel, state, before, limit);
    const last = messages.length === limit ? messages.at(-1) : undefined;
    return { items: messages.map((message) => deliveryOf(context, message)), next: last === undefined ? null : encodeCursor([last.id]) };
  });
  const again = { config, schema: { params: DeliveryParameters, response: { 202: DeliveryItem } } };
  app.post<{ Params: Static<typeof DeliveryParameters> }>('/channels/:name/deliveries/:id/resend', again, async (request, reply) => {
    const { channel } = channelOf(context, request.params.name);
    if (!outbox.resend(channel, request.params.id, Date.now())) throw new AirtightError('NOT_FOUND', `message ${request.params.id}`);
    context.channels.pump();
    return reply.code(202).send(deliveryOf(context, outbox.message(channel, request.params.id) as Message));
  });
  const ofAlert = { config, schema: { params: AlertParameters, response: { 200: Page(DeliveryItem) } } };
  app.get<{ Params: Static<typeof AlertParameters> }>('/alerts/:id/deliveries', ofAlert, async (request) => ({
    items: [...context.control.channels.keys()]
      .flatMap((channel) => outbox.ofAlert(request.params.id, channel))
      .sort((a, b) => a.id - b.id)
      .map((message) => deliveryOf(context, message)),
    next: null,
  }));
}

/** Files of the feed: a message, and the proof of the record that it tells. */
const CAP_FILE = /^([a-z0-9_-]{1,128})\.(xml|airtight-proof\.json)$/;
const PROOF_FILE = 'airtight-proof.json';
/** Whoever reads the feed may ask: each proof has ingest and the ledger read. */
const CAP_PROOFS_AT_ONCE_MAX = 4;

/** Everybody may read what a CAP channel publishes, and check it: that is what it is for. */
export function capRoutes(app: FastifyInstance, { control, channels, config, ingest, ledger }: RouteContext): void {
  const options = { config: { access: 'anyone' }, schema: { hide: true } } as const;
  const isPublished = (message: Message | undefined): message is Message =>
    message?.state === 'delivered' && control.channels.get(message.channel)?.kind === 'cap';
  app.get('/cap/feed.atom', options, async (_, reply) => {
    const names = [...control.channels.values()].filter(({ kind, removed }) => kind === 'cap' && !removed);
    const messages = feedMessages(
      names.map(({ channel }) => channel),
      channels.outbox,
    );
    reply.header('access-control-allow-origin', '*').header('cache-control', 'no-cache').type('application/atom+xml; charset=utf-8');
    return reply.send(atomFeed(messages, config.publicUrl));
  });
  let proving = 0;
  app.get<{ Params: { file: string } }>('/cap/:file', options, async (request, reply) => {
    const [, name, kind] = CAP_FILE.exec(request.params.file) ?? [];
    const message = name === undefined ? undefined : channels.outbox.byName(name);
    if (!isPublished(message)) throw new AirtightError('NOT_FOUND', request.params.file.slice(0, 200));
    if (kind === PROOF_FILE) {
      // Alerts of confidential datasets never get into the feed; of a test there is no record.
      if (message.position === null) throw new AirtightError('NOT_FOUND', 'a test');
      if (proving >= CAP_PROOFS_AT_ONCE_MAX) throw new AirtightError('OVERLOADED', `${CAP_PROOFS_AT_ONCE_MAX} proofs are being made`);
      proving++;
      const proof = await buildProof(message.position, { ingest, ledger }).finally(() => proving--);
      return reply.header('access-control-allow-origin', '*').type('application/json; charset=utf-8').serializer(String).send(proof);
    }
    reply
      .header('access-control-allow-origin', '*')
      .header('cache-control', 'public, max-age=3600')
      .type(`${CAP_MEDIA_TYPE}; charset=utf-8`);
    return reply.send(message.body);
  });
}

async function put({ channels, fold }: RouteContext, record: ChannelRecord): Promise<void> {
  await whenFolded(fold, await channels.write(record));
}

/** @throws AirtightError NOT_FOUND */
function channelOf({ control }: RouteContext, name: string): ChannelRecord {
  const channel = control.channels.get(name);
  if (channel === undefined || channel.removed) throw new AirtightError('NOT_FOUND', `channel ${name}`);
  return channel;
}

function itemOf({ channels }: RouteContext, { type: _type, removed: _removed, ...channel }: ChannelRecord) {
  const { lastDelivered, lastFailed, ...counts } = channels.outbox.health(channel.channel);
  const told = (last: typeof lastFailed) => (last === undefined ? null : attemptOf(last));
  return { ...channel, health: { ...counts, lastDelivered: told(lastDelivered), lastFailed: told(lastFailed) } };
}

/** Many receivers take a secret in their address: whoever may not change it sees whose it is, not where it leads. */
function shownTo<T extends { readonly url?: string }>({ role }: Identity, item: T): T {
  return role === 'administrator' || item.url === undefined ? item : { ...item, url: `${URL.parse(item.url)?.origin ?? ''}/…` };
}

function deliveryOf({ channels }: RouteContext, message: Message) {
  const { id, channel, alert, position, kind, name, createdAt, state, nextAt } = message;
  return {
    ...{ id, channel, alert: alert === '' ? null : alert, record: position === null ? null : String(position), kind, message: name, state },
    createdAt: new Date(createdAt).toISOString(),
    nextAt: state === 'waiting' ? new Date(nextAt).toISOString() : null,
    attempts: channels.outbox.attempts(id).map(attemptOf),
  };
}

function attemptOf({
  n,
  at,
  outcome,
  detail,
}: {
  readonly n: number;
  readonly at: number;
  readonly outcome: string;
  readonly detail: string;
}) {
  return { n, at: new Date(at).toISOString(), outcome, detail };
}
