/** One file that proves many records: those of a series, or those that are named. */
import { AirtightError, isGuardedDataset, type RecordHeader } from '@airtight/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireOpen } from '../accounts/confidential.ts';
import { requireRole } from '../accounts/identity.ts';
import { anchoredPositions } from '../query/anchored-positions.ts';
import { readPositions } from '../query/observations.ts';
import { buildProofSet, PROOF_SET_ASKED_MAX } from '../query/proof-set.ts';
import type { RouteContext } from './context.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Time = Type.String({ format: 'date-time', maxLength: 40 });
/** What is to happen with records whose batch is not in the ledger yet. */
const Pending = Type.Union([Type.Literal('refuse'), Type.Literal('skip')], {
  default: 'refuse',
  description: 'skip: leaves records out that are not anchored yet; the header airtight-pending says how many.',
});
const RangeParameters = Type.Object({
  producer: Name,
  dataset: Name,
  observedProperty: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,63}$' })),
  from: Time,
  to: Time,
  pending: Pending,
});
const NamedRecords = Type.Object({
  records: Type.Array(Type.String({ pattern: '^[0-9]{1,15}$' }), { minItems: 1, maxItems: PROOF_SET_ASKED_MAX }),
  pending: Type.Optional(Pending),
});
/** 10,000 ids of 15 digits. */
const NAMED_MAX_BYTES = 256 * 1024;
/** Sets that are made at a time: each holds some tens of megabytes, and has ingest read whole batches. */
const AT_ONCE_MAX = 2;
const PENDING_HEADER = 'airtight-pending';
/** The format, `airtight-proof-set@1`, is described in docs/reference/record-format.md. */
const ProofSetDocument = Type.Object({}, { additionalProperties: true, description: 'A proof set, airtight-proof-set@1.' });

export function proofRoutes(app: FastifyInstance, context: RouteContext): void {
  const send = proofSetSender(context);
  const config = { access: 'viewer' } as const;
  const response = { 200: ProofSetDocument };
  const rangeSchema = { querystring: RangeParameters, response };
  app.get<{ Querystring: Static<typeof RangeParameters> }>('/proofs', { config, schema: rangeSchema }, async (request, reply) => {
    const { from, to, pending, ...series } = request.query;
    const range = { from: Date.parse(from), to: Date.parse(to) };
    if (!(range.from < range.to)) throw new AirtightError('REQUEST_INVALID', 'from lies before to');
    return send(request, reply, () => readPositions(context.store, { ...series, ...range, limit: PROOF_SET_ASKED_MAX + 1 }), pending);
  });
  const namedSchema = { body: NamedRecords, response };
  app.post<{ Body: Static<typeof NamedRecords> }>(
    '/proofs',
    { config, schema: namedSchema, bodyLimit: NAMED_MAX_BYTES },
    async (request, reply) => {
      const { records, pending = 'refuse' } = request.body;
      const positions = [...new Set(records.map(Number))].sort((a, b) => a - b);
      return send(request, reply, async () => positions, pending);
    },
  );
}

function proofSetSender({ ingest, ledger, control }: RouteContext) {
  let making = 0;
  return async (
    request: FastifyRequest,
    reply: FastifyReply,
    find: () => Promise<readonly number[]>,
    pending: Static<typeof Pending>,
  ): Promise<FastifyReply> => {
    if (making >= AT_ONCE_MAX) throw new AirtightError('OVERLOADED', `${AT_ONCE_MAX} proof sets are being made`);
    making++;
    try {
      const found = await find();
      const asked = pending === 'skip' ? await anchoredPositions(found, ingest) : found;
      reply.header(PENDING_HEADER, found.length - asked.length);
      if (asked.length === 0) throw new AirtightError(found.length === 0 ? 'NOT_FOUND' : 'RECORD_NOT_ANCHORED', `${found.length} records`);
      const permit = (header: RecordHeader) => {
        if (isGuardedDataset(header.dataset)) requireRole(request.identity, 'administrator');
        requireOpen(request.identity, header);
      };
      const text = await buildProofSet(asked, { ingest, ledger, control, permit });
      reply.header('content-disposition', `attachment; filename="${asked[0]}-${asked.at(-1)}.airtight-proofs.json"`);
      return await reply.type('application/json; charset=utf-8').serializer(String).send(text);
    } finally {
      making--;
    }
  };
}
