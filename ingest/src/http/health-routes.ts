/** Health and metrics, open to monitoring without a token. */
import type { FastifyInstance } from 'fastify';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

export function addHealthRoutes(server: FastifyInstance, { metrics, storage }: IngestParts): void {
  server.get('/livez', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const { fault } = storage;
    return fault === undefined ? { status: 'ok' } : sendProblem(reply, fault.code, fault.detail);
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()));
}
