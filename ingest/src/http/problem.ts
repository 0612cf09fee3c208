/** Problem documents (RFC 9457) of the internal interface: for machines and engineers, so in English with the code. */
import { CODES, type Code } from '@airtight/protocol';
import type { FastifyReply } from 'fastify';

/** The same request can succeed a little later. */
const RETRY_CODES: readonly Code[] = ['OVERLOADED', 'RATE_LIMITED', 'JOURNAL_UNWRITABLE', 'DISK_RESERVE_REACHED'];

/** @param more members of this problem alone (RFC 9457 §3.2) */
export function sendProblem(reply: FastifyReply, code: Code, detail: string, more: object = {}): FastifyReply {
  const { status, en } = CODES[code];
  if (RETRY_CODES.includes(code) && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: `urn:airtight:code:${code}`, title: en, status, code, detail, requestId: reply.request.id, ...more });
}
