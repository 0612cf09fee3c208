/** Erasing what a producer sent to confidential datasets on one day, by an administrator. */
import { ErasureAnswer, ErasureRequest } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.ts';

export function erasureRoutes(app: FastifyInstance, { ingest }: RouteContext): void {
  const schema = { body: ErasureRequest, response: { 200: ErasureAnswer } };
  app.post<{ Body: ErasureRequest }>(
    '/erasures',
    { config: { access: 'administrator' }, schema },
    async (request): Promise<ErasureAnswer> => {
      const { producer, day, reason } = request.body;
      const { count } = await ingest.erase({ producer, day, reason, by: request.identity.name as string });
      return { producer, day, count };
    },
  );
}
