/** The file with which anybody comes to an alert again. */
import { AirtightError, isGuardedDataset, type RecordHeader } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireOpen } from '../accounts/confidential.ts';
import { requireRole } from '../accounts/identity.ts';
import { buildAlertEvidence } from '../query/alert-evidence.ts';
import { AlertParameters } from './alert-routes.ts';
import type { RouteContext } from './context.ts';

/** Each holds a proof set of up to 10,000 records, several times over. */
const AT_ONCE_MAX = 1;
/** Described in docs/reference/contract-deployment.md. */
const EvidenceDocument = Type.Object({}, { additionalProperties: true, description: 'Evidence of an alert, airtight-alert@1.' });

export function alertEvidenceRoute(app: FastifyInstance, { store, ingest, ledger, control }: RouteContext): void {
  let making = 0;
  const schema = { params: AlertParameters, response: { 200: EvidenceDocument } };
  app.get<{ Params: Static<typeof AlertParameters> }>(
    '/alerts/:id/evidence',
    { config: { access: 'viewer' }, schema },
    async (request, reply) => {
      if (making >= AT_ONCE_MAX) throw new AirtightError('OVERLOADED', 'evidence of another alert is being made');
      making++;
      try {
        const permit = (header: RecordHeader) => {
          if (isGuardedDataset(header.dataset)) requireRole(request.identity, 'administrator');
          requireOpen(request.identity, header);
        };
        const text = await buildAlertEvidence(request.params.id, { store, ingest, ledger, control, permit });
        reply.header('content-disposition', `attachment; filename="${request.params.id}.airtight-alert.json"`);
        return await reply.type('application/json; charset=utf-8').serializer(String).send(text);
      } finally {
        making--;
      }
    },
  );
}
