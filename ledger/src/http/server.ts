/** The HTTP interface of the ledger (docs/reference/internal-http.md). */
import { timingSafeEqual } from 'node:crypto';
import { canonicalPolicy, encodeBase64, formatVkey, type Policy, parseDecimal, parseEntryBundle } from '@airtight/tlog';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Anchoring } from '../anchoring.ts';
import type { CosigningStatus } from '../cosigning/collector.ts';
import { LedgerError } from '../ledger-error.ts';
import type { OpenLog } from '../log/ledger.ts';
import type { Sequencer } from '../log/sequencer.ts';
import type { LedgerMetrics } from '../metrics.ts';
import { isProblemCode, type ProblemCode, sendProblem } from './problem.ts';
import { addStaticRoutes } from './static-routes.ts';
import { addWitnessRoutes, type WitnessParts, witnessStatus } from './witness-routes.ts';

/** As internal-http.md says: 1 MiB with the length prefixes. */
const BODY_MAX_BYTES = 1024 * 1024;
/** A commit takes milliseconds; a queue is empty again within seconds. */
const RETRY_AFTER_S = 1;

export interface ServerParts {
  /** Directory of the log. */
  readonly dir: string;
  readonly ledger: OpenLog;
  readonly sequencer: Sequencer;
  readonly metrics: LedgerMetrics;
  readonly token: string;
  readonly logger: Logger;
  /** The witness for other logs, and the evidence that was kept. */
  readonly witnessing: WitnessParts;
  /** How far the own checkpoints are cosigned; null when no policy asks for it. */
  readonly cosigningStatus: () => CosigningStatus | null;
  readonly anchoring: Anchoring;
}

export function createServer(parts: ServerParts): FastifyInstance {
  const server: FastifyInstance = Fastify({ bodyLimit: BODY_MAX_BYTES, forceCloseConnections: true });
  const refuse = (reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply => {
    parts.metrics.refusals.inc({ code });
    return sendProblem(reply, code, detail);
  };
  server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof LedgerError && isProblemCode(error.code)) {
      if (error.code === 'OVERLOADED') reply.header('retry-after', RETRY_AFTER_S);
      return refuse(reply, error.code, error.detail);
    }
    if (error.statusCode === 413) return refuse(reply, 'PAYLOAD_TOO_LARGE', `at most ${BODY_MAX_BYTES} bytes`);
    if (error.statusCode !== undefined && error.statusCode < 500) return refuse(reply, 'REQUEST_INVALID', error.message);
    parts.logger.error({ err: error }, 'request failed');
    return refuse(reply, 'INTERNAL', error.message);
  });
  server.setNotFoundHandler((request, reply) => refuse(reply, 'NOT_FOUND', request.url));
  const inner = {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      if (!bearsToken(request, parts.token)) return refuse(reply, 'SESSION_REQUIRED', 'the internal token is missing or wrong');
    },
  };
  server.post('/entries', inner, async (request, reply) => {
    const entries = parseEntryBundle(request.body instanceof Buffer ? request.body : Buffer.alloc(0));
    return entries.ok ? parts.sequencer.add(entries.value) : refuse(reply, 'ENTRY_BUNDLE_MALFORMED', entries.detail);
  });
  server.get('/info', inner, async () => info(parts.ledger, parts.witnessing.policy));
  server.get('/cosigning', inner, async () => ({ log: parts.cosigningStatus(), witness: witnessStatus(parts.witnessing) }));
  server.get('/anchoring', inner, async () => ({ sinks: parts.anchoring.status() }));
  server.get<{ Params: { size: string } }>('/anchors-covering/:size', inner, async (request, reply) => {
    const size = parseDecimal(request.params.size);
    return size === null ? refuse(reply, 'REQUEST_INVALID', 'no tree size') : { items: await parts.anchoring.covering(size) };
  });
  addStaticRoutes(server, parts);
  addWitnessRoutes(server, parts.witnessing, parts.metrics);
  addHealthRoutes(server, parts);
  return server;
}

/** @param asked the policy by which the own checkpoints are cosigned; null: nobody is asked */
function info(ledger: OpenLog, asked: Policy | null) {
  const { size, root, note } = ledger.published;
  return {
    origin: ledger.vkey.name,
    vkey: formatVkey(ledger.vkey),
    policy: canonicalPolicy(publishedPolicy(ledger, asked)),
    nextVkey: ledger.vkeys[1] === undefined ? null : formatVkey(ledger.vkeys[1]),
    size,
    root: encodeBase64(root),
    checkpoint: note,
    final: ledger.final === null ? null : { size: ledger.final.size, root: encodeBase64(ledger.final.root), checkpoint: ledger.final.note },
  };
}

/** What is said to everyone who is to trust this log: itself, and its witnesses. */
function publishedPolicy({ vkeys }: OpenLog, asked: Policy | null): Policy {
  const logs = vkeys.map((vkey) => ({ vkey }));
  if (asked === null) return { logs, witnesses: [], groups: [], quorum: null };
  return asked.logs.length > 0 ? asked : { ...asked, logs };
}

function bearsToken(request: FastifyRequest, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Health and metrics, open to monitoring without a token. */
function addHealthRoutes(server: FastifyInstance, { sequencer, metrics }: ServerParts): void {
  server.get('/livez', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) =>
    sequencer.stopped === undefined ? { status: 'ok' } : sendProblem(reply, 'SERVICE_UNAVAILABLE', sequencer.stopped.detail),
  );
  server.get('/metrics', async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()));
}
