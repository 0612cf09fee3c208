/** Static files: the ledger's, relayed, and the dashboard's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError } from '@airtight/protocol';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './context.ts';

/** The checkpoints, hash tiles and entry bundles as tlog-tiles names them, and the receipts of outside anchors; nothing else passes. */
const LEDGER_FILE =
  /^(?:checkpoint(?:\.final)?|anchors\/(?:index|[1-9][0-9]{0,15}\/[a-z][a-z0-9-]{0,31})|tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x[0-9]{3}\/){0,5}[0-9]{3}(?:\.p\/[1-9][0-9]{0,2})?)$/;
const YEAR_S = 31_536_000;

export function ledgerFileRoutes(app: FastifyInstance, { ledger }: RouteContext): void {
  const options = { config: { access: 'anyone' }, schema: { hide: true } } as const;
  app.get<{ Params: { '*': string } }>('/ledger/*', options, async (request, reply) => {
    const path = request.params['*'];
    if (!LEDGER_FILE.test(path)) throw new AirtightError('NOT_FOUND', path.slice(0, 200));
    const { bytes, contentType } = await ledger.file(path);
    // A full tile and a receipt never change, a partial tile is replaced, a checkpoint and an index are news.
    const changes =
      path.startsWith('checkpoint') || path === 'anchors/index'
        ? 'no-store'
        : path.includes('.p/')
          ? 'no-cache'
          : `public, max-age=${YEAR_S}, immutable`;
    // What everybody may check, everybody's page may fetch.
    reply.header('access-control-allow-origin', '*').header('cache-control', changes).type(contentType);
    return reply.send(Buffer.from(bytes));
  });
}

/** True when there is a built dashboard to serve. */
export function hasDashboard(dir: string): boolean {
  return existsSync(join(dir, 'index.html'));
}

/** The built dashboard's files. Its history routes are answered by the not-found handler (problem.ts). */
export async function dashboardRoutes(app: FastifyInstance, dir: string): Promise<void> {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'anyone' };
  });
  await app.register(fastifyStatic, {
    root: dir,
    schemaHide: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(dir, 'assets'));
      void reply.header('cache-control', hashed ? `public, max-age=${YEAR_S}, immutable` : 'no-cache');
    },
  });
}
