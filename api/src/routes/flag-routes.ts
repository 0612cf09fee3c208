/** A person's word on the quality of values: each flag, and each withdrawal, is one record with its person and reason. */
import { randomBytes } from 'node:crypto';
import { AirtightError, FLAGS_DATASET, FlagItem, type FlagRecord, Page, type PersonalSignature } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireReadable } from '../accounts/confidential.ts';
import { personOf, recordOfAct, Signature } from '../accounts/person.ts';
import type { FlagOnRecord } from '../control/manual-flags.ts';
import { Reason } from './alert-act-routes.ts';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

/** Flags in force on one series: every query about it weighs them all. */
const FLAGS_IN_FORCE_MAX = 200;
const only = { additionalProperties: false } as const;
const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const series = { dataset: Name, producer: Name, observedProperty: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' }) };
const SeriesParameters = Type.Object(series);
const Time = Type.String({ format: 'date-time', maxLength: 40 });
const Flag = Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3), Type.Literal(4)]);
const signature = Type.Optional(Signature);
const FlagRequest = Type.Object({ ...series, from: Time, to: Time, flag: Flag, reason: Reason, signature }, only);
const Withdrawal = Type.Object({ ...series, reason: Reason, signature }, only);
const FlagParameters = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) });

export function flagRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control } = context;
  const list = { config: { access: 'viewer' }, schema: { querystring: SeriesParameters, response: { 200: Page(FlagItem) } } } as const;
  app.get<{ Querystring: Static<typeof SeriesParameters> }>('/observations/flags', list, async ({ query, identity }) => {
    requireReadable(identity, query.dataset, control.datasets);
    return { items: control.flags.of(query).map(itemOf), next: null };
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
    return itemOf(find(context, body, id));
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
      return itemOf(find(context, body, params.id));
    },
  );
}

async function write(context: RouteContext, payload: FlagRecord, signature: PersonalSignature | undefined): Promise<void> {
  const { ingest, fold } = context;
  const messageId = `id:${payload.id}.${payload.flag ?? 'withdrawn'}`;
  const act = { person: payload.by, dataset: FLAGS_DATASET, messageId, payload };
  const [written] = await ingest.writeRecords([recordOfAct(act, signature, context)]);
  if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
  await whenFolded(fold, written.position);
}

function find({ control }: RouteContext, ofSeries: Static<typeof SeriesParameters>, id: string): FlagOnRecord {
  const known = control.flags.of(ofSeries).find(({ record }) => record.id === id);
  if (known === undefined) throw new AirtightError('NOT_FOUND', `flag ${id}`);
  return known;
}

function itemOf({ position, record, key, withdrawn }: FlagOnRecord): FlagItem {
  const { id, dataset, producer, observedProperty, from, to, flag, reason, by, at } = record;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ id, dataset, producer, observedProperty, from: time(from), to: time(to) },
    ...{ flag: flag as number, reason, by, key, at: time(at), record: String(position) },
    ...(withdrawn === undefined
      ? {}
      : {
          withdrawn: {
            ...{ by: withdrawn.record.by, at: time(withdrawn.record.at) },
            ...{ reason: withdrawn.record.reason, record: String(withdrawn.position) },
          },
        }),
  };
}
