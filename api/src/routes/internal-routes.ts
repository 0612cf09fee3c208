/** For our own tools, by the token of our own services: what needs the store while this process owns it. */
import { AirtightError } from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { sameText } from '../accounts/identity.ts';
import { auditTables } from '../rebuild/audit.ts';
import { digestTables } from '../rebuild/digest.ts';
import type { RouteContext } from './context.ts';

const AuditParameters = Type.Object({ from: Type.Integer({ minimum: 0, default: 0 }) });

export function internalRoutes(app: FastifyInstance, { store, ingest, internalToken, projector }: RouteContext): void {
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    if (!sameText(request.headers.authorization ?? '', `Bearer ${internalToken}`)) throw new AirtightError('CREDENTIALS_WRONG', '');
  };
  // Checked by the hook above, not as a person.
  const options = { config: { access: 'internal' }, schema: { hide: true }, onRequest } as const;
  app.post('/internal/digest-store', options, async () => digestTables(store));
  const auditOptions = { ...options, schema: { ...options.schema, querystring: AuditParameters } };
  app.post<{ Querystring: Static<typeof AuditParameters> }>('/internal/audit-store', auditOptions, async ({ query }) => {
    const through = projector.through;
    const ends = { control: through, ticks: through, alerts: through, indices: through, verdicts: through, observations: through };
    return auditTables(store, ingest, ends, query.from);
  });
}
