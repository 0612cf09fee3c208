/** The internal HTTP interface of ingest (docs/reference/internal-http.md). */
import { timingSafeEqual } from 'node:crypto';
import { AirtightError } from '@airtight/protocol';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { TooManyFailures } from '../identity/logins.ts';
import { addAnnouncementRoutes } from './announcement-routes.ts';
import { addCompletenessRoutes } from './completeness-routes.ts';
import { addConfidentialRoutes } from './confidential-routes.ts';
import { addControlRoutes } from './control-routes.ts';
import { addFeedRoutes } from './feed-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { addIdentityRoutes } from './identity-routes.ts';
import { addImportRoutes } from './import-routes.ts';
import { addInclusionRoutes } from './inclusion-routes.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';
import { addPublishRoute } from './publish-route.ts';
import { addQuarantineRoutes } from './quarantine-routes.ts';

/** 1,000 control records; alerts and contracts are a few kB each. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;
const OPEN_PATHS = new Set(['/livez', '/readyz', '/metrics']);

export function createInternalServer(parts: IngestParts, token: string, logger: Logger): FastifyInstance {
  const server: FastifyInstance = Fastify({ bodyLimit: BODY_MAX_BYTES, forceCloseConnections: true });
  server.addHook('onRequest', async (request, reply) => {
    if (!OPEN_PATHS.has(request.url) && !bearsToken(request, token))
      return sendProblem(reply, 'SESSION_REQUIRED', 'the internal token is missing or wrong');
  });
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof TooManyFailures) void reply.header('retry-after', error.retryAfterS);
    if (error instanceof AirtightError) return sendProblem(reply, error.code, error.detail);
    if (error.statusCode !== undefined && error.statusCode < 500) return sendProblem(reply, 'REQUEST_INVALID', error.message);
    logger.error({ err: error }, 'request failed');
    return sendProblem(reply, 'INTERNAL', error.message);
  });
  server.setNotFoundHandler((request, reply) => sendProblem(reply, 'NOT_FOUND', request.url));
  addFeedRoutes(server, parts);
  addInclusionRoutes(server, parts);
  addCompletenessRoutes(server, parts);
  addControlRoutes(server, parts);
  addAnnouncementRoutes(server, parts);
  addConfidentialRoutes(server, parts);
  addQuarantineRoutes(server, parts);
  addIdentityRoutes(server, parts);
  addPublishRoute(server, parts);
  addImportRoutes(server, parts);
  addHealthRoutes(server, parts);
  return server;
}

function bearsToken(request: FastifyRequest, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
