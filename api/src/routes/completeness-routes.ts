/** Whether all of a producer's readings are there: the proof of it, and the numbers that are missing. */
import { AirtightError, COMPLETENESS_MAX_BATCHES, CONTROL_PREFIX, GapItem, Page } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireReadable } from '../accounts/confidential.ts';
import { requireRole } from '../accounts/identity.ts';
import { buildCompleteness } from '../query/completeness.ts';
import { readGaps } from '../query/gaps.ts';
import type { RouteContext } from './context.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Time = Type.String({ format: 'date-time', maxLength: 40 });
const RangeParameters = Type.Object({
  producer: Name,
  dataset: Name,
  from: Time,
  to: Time,
  until: Type.Optional(
    Type.String({ format: 'date-time', maxLength: 40, description: 'As received until then; absent: an hour after `to`, or now.' }),
  ),
  batch: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Part of a longer range: `next` of the part before.' }),
  ),
  batches: Type.Integer({
    minimum: 1,
    maximum: COMPLETENESS_MAX_BATCHES,
    default: COMPLETENESS_MAX_BATCHES,
    description: 'Of a part, at most.',
  }),
});
/** The format, `airtight-completeness@1`, is described in docs/reference/completeness.md. */
const CompletenessDocument = Type.Object({}, { additionalProperties: true, description: 'A completeness proof, airtight-completeness@1.' });
/** Late readings come within the hour as a rule; who looks for later ones says so. */
const LATENESS_MS = 3_600_000;
/** Proofs that are made at a time: each has ingest read whole batches. */
const AT_ONCE_MAX = 1;

const GapParameters = Type.Object({
  producer: Type.Optional(Name),
  dataset: Type.Optional(Name),
  state: Type.Union([Type.Literal('open'), Type.Literal('all')], { default: 'all' }),
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

export function completenessRoutes(app: FastifyInstance, context: RouteContext): void {
  proofRoute(app, context);
  const schema = { querystring: GapParameters, response: { 200: Page(GapItem) } };
  app.get<{ Querystring: Static<typeof GapParameters> }>('/gaps', { config: { access: 'viewer' }, schema }, (request) =>
    readGaps(context.store, request.query),
  );
}

function proofRoute(app: FastifyInstance, { ingest, ledger, control, store }: RouteContext): void {
  let making = 0;
  const config = { access: 'viewer' } as const;
  const schema = { querystring: RangeParameters, response: { 200: CompletenessDocument } };
  app.get<{ Querystring: Static<typeof RangeParameters> }>('/completeness', { config, schema }, async (request, reply) => {
    const { producer, dataset, batch, batches, ...times } = request.query;
    const agency = control.producers.get(producer)?.agency;
    if (agency === undefined) throw new AirtightError('NOT_FOUND', `producer ${producer}`);
    if (dataset.startsWith(CONTROL_PREFIX)) requireRole(request.identity, 'administrator');
    requireReadable(request.identity, dataset, control.datasets);
    const [from, to] = [Date.parse(times.from), Date.parse(times.to)];
    const until = times.until === undefined ? Math.min(to + LATENESS_MS, Date.now()) : Date.parse(times.until);
    if (!(from >= 0 && from < to && from <= until)) throw new AirtightError('REQUEST_INVALID', 'from lies before to and until');
    if (making >= AT_ONCE_MAX) throw new AirtightError('OVERLOADED', `${AT_ONCE_MAX} completeness proof is being made`);
    making++;
    try {
      const text = await buildCompleteness(
        { agency, dataset, producer, from, to, until, batch, batches },
        { ingest, ledger, control, store },
      );
      reply.header('content-disposition', `attachment; filename="${producer}-${dataset}.airtight-complete.json"`);
      return await reply.type('application/json; charset=utf-8').serializer(String).send(text);
    } finally {
      making--;
    }
  });
}
