/** Problem documents (RFC 9457) of the ledger: for machines and engineers, so in English with the code. */
import type { FastifyReply } from 'fastify';

/** Codes answered over HTTP; their meaning is the product's (docs/reference/codes.md). */
const PROBLEMS = {
  REQUEST_INVALID: { status: 400, title: 'The request is not valid' },
  ENTRY_BUNDLE_MALFORMED: { status: 400, title: 'The entries are not as in an entry bundle' },
  SESSION_REQUIRED: { status: 401, title: 'The internal token is missing or wrong' },
  NOTE_UNSIGNED: { status: 403, title: 'No known key has signed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  PAYLOAD_TOO_LARGE: { status: 413, title: 'The payload is larger than the limit' },
  PROOF_MISMATCH: { status: 422, title: 'The proof does not lead to the hash that is claimed' },
  RATE_LIMITED: { status: 429, title: 'Too many requests; try again later' },
  INTERNAL: { status: 500, title: 'Internal error' },
  OVERLOADED: { status: 503, title: 'Too busy; try again later' },
  SERVICE_UNAVAILABLE: { status: 503, title: 'A service this needs is not available' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export function sendProblem(reply: FastifyReply, code: ProblemCode, detail: string): FastifyReply {
  const { status, title } = PROBLEMS[code];
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: `urn:airtight:code:${code}`, title, status, code, detail, requestId: reply.request.id });
}
