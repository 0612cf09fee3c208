/** The published log as static files, as c2sp.org/tlog-tiles names them. Any other web server could serve them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { ANCHORS_FOLDER } from '../anchoring/anchor-store.ts';
import type { OpenLog } from '../log/ledger.ts';
import { sendProblem } from './problem.ts';

/** `<L>/<N>` or `entries/<N>`, N in groups of three digits, `.p/<W>` for 1 to 255: nothing else is a path of the log. */
const TILE_PLACE =
  /^(?:[0-9]|[1-5][0-9]|6[0-3]|entries)\/(?:x[0-9]{3}\/){0,5}[0-9]{3}(?:\.p\/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?$/;
/** Tiles never change. */
const TILE_CACHE = 'public, max-age=31536000, immutable';
const CHECKPOINT_CACHE = 'public, max-age=1';

export function addStaticRoutes(server: FastifyInstance, { dir, ledger }: { readonly dir: string; readonly ledger: OpenLog }): void {
  server.get('/checkpoint', async (_request, reply) =>
    reply.type('text/plain; charset=utf-8').header('cache-control', CHECKPOINT_CACHE).send(ledger.published.note),
  );
  server.get('/checkpoint.final', async (_request, reply) => {
    if (ledger.final === null) return sendProblem(reply, 'NOT_FOUND', 'no checkpoint has enough cosignatures yet');
    return reply.type('text/plain; charset=utf-8').header('cache-control', CHECKPOINT_CACHE).send(ledger.final.note);
  });
  addAnchorRoutes(server, { dir });
  server.get<{ Params: { '*': string } }>('/tile/*', async (request, reply) => {
    const place = request.params['*'];
    const bytes = TILE_PLACE.test(place) ? await readIfThere(join(dir, 'tile', place)) : null;
    if (bytes === null) return sendProblem(reply, 'NOT_FOUND', `tile/${place}`);
    return reply.type('application/octet-stream').header('cache-control', TILE_CACHE).send(bytes);
  });
}

/** `index`, `<size>/checkpoint`, `<size>/<sink>`: what was anchored outside, and the receipts. */
const ANCHOR_PLACE = /^(?:index|[1-9][0-9]{0,15}\/[a-z][a-z0-9-]{0,31})$/;

function addAnchorRoutes(server: FastifyInstance, { dir }: { readonly dir: string }): void {
  server.get<{ Params: { '*': string } }>('/anchors/*', async (request, reply) => {
    const place = request.params['*'];
    const bytes = ANCHOR_PLACE.test(place) ? await readIfThere(join(dir, ANCHORS_FOLDER, place)) : null;
    if (bytes === null) return sendProblem(reply, 'NOT_FOUND', `anchors/${place.slice(0, 100)}`);
    const isText = place === 'index' || place.endsWith('/checkpoint');
    reply.header('cache-control', place === 'index' ? CHECKPOINT_CACHE : TILE_CACHE);
    return reply.type(isText ? 'text/plain; charset=utf-8' : 'application/octet-stream').send(bytes);
  });
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return null;
    throw error;
  }
}
