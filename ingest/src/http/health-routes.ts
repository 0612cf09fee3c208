/** Health and metrics, open to monitoring without a token. */
import { CODES } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

export function addHealthRoutes(server: FastifyInstance, { metrics, unready }: IngestParts): void {
  server.get('/livez', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const reason = unready();
    if (reason !== undefined) return sendProblem(reply.code(CODES.SERVICE_UNAVAILABLE.status), 'SERVICE_UNAVAILABLE', reason);
    return { status: 'ok' };
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()));
}
