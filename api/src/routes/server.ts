/** The HTTP server: one port for dashboard, API, stream, ledger files, health. */
import { randomUUID } from 'node:crypto';
import { asyncApiDocument } from '@airtight/protocol';
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import fastifyWebsocket from '@fastify/websocket';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { createMetrics } from '../metrics.ts';
import { installAccess } from './access.ts';
import { accountRoutes } from './account-routes.ts';
import { alertActRoutes } from './alert-act-routes.ts';
import { alertEvidenceRoute } from './alert-evidence-route.ts';
import { alertRoutes } from './alert-routes.ts';
import { backtestRoutes } from './backtest-routes.ts';
import { capRoutes, channelRoutes } from './channel-routes.ts';
import { completenessRoutes } from './completeness-routes.ts';
import type { RouteContext } from './context.ts';
import { contractRoutes } from './contract-routes.ts';
import { dataRoutes } from './data-routes.ts';
import { datasetRoutes } from './dataset-routes.ts';
import { deviceRoutes } from './device-routes.ts';
import { erasureRoutes } from './erasure-routes.ts';
import { evidenceRoutes } from './evidence-routes.ts';
import { feedRoute } from './feed-route.ts';
import { dashboardRoutes, hasDashboard, ledgerFileRoutes } from './file-routes.ts';
import { flagRoutes } from './flag-routes.ts';
import { importRoutes } from './import-routes.ts';
import { internalRoutes } from './internal-routes.ts';
import { installProblems } from './problem.ts';
import { proofRoutes } from './proof-routes.ts';
import { publishRoute } from './publish-route.ts';
import { quarantineRoutes } from './quarantine-routes.ts';
import { regionRoutes } from './region-routes.ts';
import { serviceBreakRoutes } from './service-break-routes.ts';
import { signingKeyRoutes } from './signing-key-routes.ts';
import { streamRoute } from './stream-route.ts';
import { healthRoutes, statusRoute } from './system-routes.ts';
import { witnessRoutes } from './witness-routes.ts';

/** Requests carry names, numbers and short comments. */
const BODY_MAX_BYTES = 64 * 1024;
/** What a stream client may send: nothing that is listened to. */
const STREAM_INBOUND_MAX_BYTES = 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** Everything comes from here, nothing is inline, nobody may frame it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');
const DOCS_PATH = '/api/docs';

export async function buildServer(context: RouteContext, logger: FastifyBaseLogger, dashboardDir: string): Promise<FastifyInstance> {
  const { trustedProxies } = context.config;
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_MAX_BYTES,
    trustProxy: trustedProxies === '' ? false : trustedProxies.split(',').map((proxy) => proxy.trim()),
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: () => randomUUID(),
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: true, removeAdditional: false, allErrors: false } },
  });
  const withPages = hasDashboard(dashboardDir);
  if (!withPages) logger.warn({ dir: dashboardDir }, 'the dashboard is not built; only the interfaces are served');
  installProblems(app, withPages);
  installHeaders(app);
  await app.register(fastifyCookie);
  await app.register(fastifyRateLimit, { global: false });
  await app.register(fastifyWebsocket, { options: { maxPayload: STREAM_INBOUND_MAX_BYTES, perMessageDeflate: false } });
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Airtight', description: 'Readings, indices, alerts and their proofs.', version: '1' },
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: 'airtight_session' },
          token: { type: 'http', scheme: 'bearer' },
          device: { type: 'http', scheme: 'basic' },
          deviceToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        },
      },
    },
  });
  installAccess(app, context);
  healthRoutes(app, context, createMetrics(context));
  await app.register(
    (api, _options, done) => {
      apiRoutes(api, context);
      done();
    },
    { prefix: '/api/v1' },
  );
  internalRoutes(app, context);
  ledgerFileRoutes(app, context);
  capRoutes(app, context);
  witnessRoutes(app, context);
  await documentationRoutes(app);
  if (withPages) await dashboardRoutes(app, dashboardDir);
  return app;
}

function apiRoutes(api: FastifyInstance, context: RouteContext): void {
  statusRoute(api, context);
  dataRoutes(api, context);
  datasetRoutes(api, context);
  flagRoutes(api, context);
  evidenceRoutes(api, context);
  feedRoute(api, context);
  proofRoutes(api, context);
  completenessRoutes(api, context);
  quarantineRoutes(api, context);
  erasureRoutes(api, context);
  alertRoutes(api, context);
  alertEvidenceRoute(api, context);
  contractRoutes(api, context);
  signingKeyRoutes(api, context);
  backtestRoutes(api, context);
  alertActRoutes(api, context);
  serviceBreakRoutes(api, context);
  channelRoutes(api, context);
  regionRoutes(api, context);
  accountRoutes(api, context);
  deviceRoutes(api, context);
  importRoutes(api, context);
  streamRoute(api, context);
  publishRoute(api, context);
}

/** The interface described from the very schemas that check it; pages from local files alone. */
async function documentationRoutes(app: FastifyInstance): Promise<void> {
  const options = { config: { access: 'anyone' }, schema: { hide: true } } as const;
  app.get('/api/openapi.json', options, async () => app.swagger());
  app.get('/api/asyncapi.json', options, async () => asyncApiDocument());
  await app.register((docs, _options, done) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'anyone' };
    });
    docs.register(fastifySwaggerUi, { routePrefix: DOCS_PATH, staticCSP: true });
    done();
  });
}

function installHeaders(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'same-origin').header('x-request-id', request.id);
    // The documentation's own page brings a policy with the hashes of its scripts.
    if (!request.url.startsWith(DOCS_PATH)) reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    if (request.url.startsWith('/api/v1') && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
}
