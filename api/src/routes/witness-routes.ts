/**
 * The ledger's witness through the one public port (c2sp.org/tlog-witness): open to everybody, because a request is worth
 * what the signature on its checkpoint is. Requests and answers pass as they are.
 */
import { AirtightError } from '@airtight/protocol';
import { ADD_CHECKPOINT_MAX_BYTES } from '@airtight/tlog';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RelayedAnswer } from '../upstream/ledger-client.ts';
import type { RouteContext } from './context.ts';

export const WITNESS_PREFIX = '/witness/v0';
/**
 * Of one address. A log asks once a second and now and then twice; ten regions behind one address find room. The witness
 * itself bounds what one log, and what all logs together, can cost.
 */
const SUBMISSIONS_PER_MINUTE = 1200;
/** Of one address: files of some kilobytes, read from memory or disk. */
const READS_PER_MINUTE = 1200;
/** Monitoring path of a log, the list of evidence, one piece of it. */
const READABLE = /^(?:[0-9a-f]{64}\/checkpoint|evidence(?:\/[0-9a-f]{64})?)$/;

export function witnessRoutes(app: FastifyInstance, { ledger }: RouteContext): void {
  const schema = { hide: true } as const;
  app.register((scope, _options, done) => {
    // The specification names no media type: the body is what it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    const config = { access: 'anyone', rateLimit: { max: SUBMISSIONS_PER_MINUTE, timeWindow: '1 minute' } } as const;
    scope.post(`${WITNESS_PREFIX}/add-checkpoint`, { config, schema, bodyLimit: ADD_CHECKPOINT_MAX_BYTES }, async (request, reply) =>
      pass(await ledger.relay('add-checkpoint', request.body instanceof Buffer ? request.body : Buffer.alloc(0)), reply),
    );
    done();
  });
  const config = { access: 'anyone', rateLimit: { max: READS_PER_MINUTE, timeWindow: '1 minute' } } as const;
  app.get<{ Params: { '*': string } }>(`${WITNESS_PREFIX}/*`, { config, schema }, async (request, reply) => {
    const path = request.params['*'];
    if (!READABLE.test(path)) throw new AirtightError('NOT_FOUND', path.slice(0, 200));
    // What everybody may check, everybody's page may fetch.
    return pass(await ledger.relay(path), reply.header('access-control-allow-origin', '*').header('cache-control', 'no-store'));
  });
}

function pass({ status, contentType, retryAfter, bytes }: RelayedAnswer, reply: FastifyReply): FastifyReply {
  if (retryAfter !== null) void reply.header('retry-after', retryAfter);
  // As a header and not by type(), which would add a charset that the specification does not have.
  return reply.code(status).header('content-type', contentType).send(Buffer.from(bytes));
}
