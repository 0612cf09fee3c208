/** A person's word on the quality of values: each flag, and each withdrawal, is one record with its person and reason. */
import { randomBytes } from 'node:crypto';
import { AirtightError, FLAGS_DATASET, FlagItem, type FlagRecord, Page, type PersonalSignature } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { hiddenDatasets, requireReadable } from '../accounts/confidential.ts';
import { personOf, recordOfAct, Signature } from '../accounts/person.ts';
import type { ControlState } from '../control/control-state.ts';
import { flagItemOf } from '../control/flag-item.ts';
import type { FlaggedSeries, FlagOnRecord } from '../control/manual-flags.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { Reason } from './alert-act-routes.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

/** Flags in force on one series: every query about it weighs them all. */
const FLAGS_IN_FORCE_MAX = 200;
const LIST_DEFAULT = 100;
const LIST_MAX = 1000;
const only = { additionalProperties: false } as const;
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const series = { dataset: Name, producer: Name, observedProperty: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' }) };
const ListParameters = Type.Object({
  dataset: Type.Optional(series.dataset),
  producer: Type.Optional(series.producer),
  observedProperty: Type.Optional(series.observedProperty),
  cursor: Type.Optional(Type.String({ maxLength: 100 })),
  limit: Type.Integer({ minimum: 1, maximum: LIST_MAX, default: LIST_DEFAULT }),
});
const Time = Type.String({ format: 'date-time', maxLength: 40 });
const Flag = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4)]);
const signature = Type.Optional(Signature);
const FlagRequest = Type.Object({ ...series, from: Time, to: Time, flag: Flag, reason: Reason, signature }, only);
const Withdrawal = Type.Object({ ...series, reason: Reason, signature }, only);
const FlagParameters = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) });

export function flagRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const list = { config: { access: 'viewer' }, schema: { querystring: ListParameters, response: { 200: Page(FlagItem) } } } as const;
  app.get<{ Querystring: Static<typeof ListParameters> }>('/observations/flags', list, async ({ query, identity }) => {
    if (query.dataset !== undefined) requireReadable(identity, query.dataset, control.datasets);
    return flagsPage(control, query, hiddenDatasets(identity, control.datasets));
  });
  const add = { config: { access: 'operator' }, schema: { body: FlagRequest, response: { 200: FlagItem } } } as const;
  app.post<{ Body: Static<typeof FlagRequest> }>('/observations/flags', add, async ({ body, identity }) => {
    requireReadable(identity, body.dataset, control.datasets);
    const [from, to] = [Date.parse(body.from), Date.parse(body.to)];
    if (!(from < to)) throw new AirtightError('REQUEST_INVALID', 'from lies before to');
    if (control.flags.inForce(body).length >= FLAGS_IN_FORCE_MAX)
      throw new AirtightError('REQUEST_INVALID', `at most ${FLAGS_IN_FORCE_MAX} flags in force on one series`);
    const { signature, ...said } = body;
    const [id, at] = [signature?.id ?? randomBytes(8).toString('hex'), signature?.at ?? Date.now()];
    if (control.flags.of(body).some(({ record }) => record.id === id))
      throw new AirtightError('REQUEST_INVALID', `flag ${id} is on record already`);
    await write(context, { ...said, type: 'flag', id, from, to, at, by: personOf(identity, control) }, signature);
    return flagItemOf(find(context, body, id));
  });
  const withdraw = {
    config: { access: 'operator' },
    schema: { params: FlagParameters, body: Withdrawal, response: { 200: FlagItem } },
  } as const;
  app.post<{ Params: Static<typeof FlagParameters>; Body: Static<typeof Withdrawal> }>(
    '/observations/flags/:id/withdraw',
    withdraw,
    async ({ params, body, identity }) => {
      requireReadable(identity, body.dataset, control.datasets);
      const known = find(context, body, params.id);
      if (known.withdrawn === undefined) {
        const { reason, signature } = body;
        const at = signature?.at ?? Date.now();
        await write(context, { ...known.record, flag: null, reason, at, by: personOf(identity, control) }, signature);
      }
      return flagItemOf(find(context, body, params.id));
    },
  );
}

/** The newest first: positions of the records that set them. */
function flagsPage({ flags }: Pick<ControlState, 'flags'>, query: Static<typeof ListParameters>, hidden: ReadonlySet<string>) {
  const { dataset, producer, observedProperty, cursor, limit } = query;
  const [before] = cursor === undefined ? [Number.POSITIVE_INFINITY] : (decodeCursor(cursor, 1) as [number]);
  const wanted = flags
    .all()
    .filter(
      ({ position, record }) =>
        position < before &&
        !hidden.has(record.dataset) &&
        (dataset === undefined || record.dataset === dataset) &&
        (producer === undefined || record.producer === producer) &&
        (observedProperty === undefined || record.observedProperty === observedProperty),
    );
  const page = wanted.reverse().slice(0, limit);
  const last = page.length < wanted.length ? page.at(-1) : undefined;
  return { items: page.map(flagItemOf), next: last === undefined ? null : encodeCursor([last.position]) };
}

async function write(context: RouteContext, payload: FlagRecord, signature: PersonalSignature | undefined): Promise<void> {
  const { ingest, fold } = context;
  const messageId = `id:${payload.id}.${payload.flag ?? 'withdrawn'}`;
  const act = { person: payload.by, dataset: FLAGS_DATASET, messageId, payload };
  const [written] = await ingest.writeRecords([recordOfAct(act, signature, context)]);
  if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
  await whenFolded(fold, written.position);
}

function find({ control }: RouteContext, ofSeries: FlaggedSeries, id: string): FlagOnRecord {
  const known = control.flags.of(ofSeries).find(({ record }) => record.id === id);
  if (known === undefined) throw new AirtightError('NOT_FOUND', `flag ${id}`);
  return known;
}
