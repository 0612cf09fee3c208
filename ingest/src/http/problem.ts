/** Problem documents (RFC 9457) of the internal interface: for machines and engineers, so in English with the code. */
import { CODES, type Code } from '@airtight/protocol';
import type { FastifyReply } from 'fastify';

export function sendProblem(reply: FastifyReply, code: Code, detail: string): FastifyReply {
  const { status, en } = CODES[code];
  if ((code === 'OVERLOADED' || code === 'RATE_LIMITED') && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: `urn:airtight:code:${code}`, title: en, status, code, detail, requestId: reply.request.id });
}
