/** Errors as RFC 9457 problem documents with a stable code, in the reader's language. */
import { AirtightError, CODES, type Code, type Problem } from '@airtight/protocol';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RecordExpired } from '../upstream/ingest-client.ts';
import { RelayedRefusal } from '../upstream/publish-relay.ts';

const CONTENT_TYPE = 'application/problem+json; charset=utf-8';
/** Fastify's own errors by HTTP status. */
const CODE_OF_STATUS: { readonly [status: number]: Code } = {
  400: 'REQUEST_INVALID',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'REQUEST_INVALID',
  429: 'RATE_LIMITED',
  503: 'OVERLOADED',
};

/** Parts of the address space that are no pages of the dashboard. `/ledger` is a page, `/ledger/…` are the log's files. */
const NOT_A_PAGE = /^\/(?:(?:api|internal|assets|witness|cap)(?:[/?]|$)|ledger\/)/;

/**
 * @param withPages there is a dashboard: an address that is no file and no interface is a page of it (history routes such as
 *   /stations/x)
 */
export function installProblems(app: FastifyInstance, withPages: boolean): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { code, detail } = classify(error);
    if (error instanceof RelayedRefusal && error.retryAfter !== undefined) void reply.header('retry-after', error.retryAfter);
    if (CODES[code].status >= 500) request.log.error({ err: error, code }, 'request failed');
    return sendProblem(request, reply, code, detail, error instanceof RecordExpired ? error.rest : {});
  });
  app.setNotFoundHandler((request, reply) => {
    const isPage = (request.method === 'GET' || request.method === 'HEAD') && !NOT_A_PAGE.test(request.url);
    return withPages && isPage ? reply.sendFile('index.html') : sendProblem(request, reply, 'NOT_FOUND', request.url.slice(0, 200));
  });
}

/** @param more members of this problem alone (RFC 9457 §3.2) */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  code: Code,
  detail: string | undefined,
  more: object = {},
): FastifyReply {
  const { status } = CODES[code];
  const passes = status === 503 || status === 429;
  if (passes && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  const problem: Problem & object = {
    type: 'about:blank',
    title: CODES[code][languageOf(request)],
    status,
    code,
    ...(detail === undefined || detail === '' ? {} : { detail }),
    requestId: request.id,
    ...more,
  };
  // Serialised here: a route's own schema has nothing to say about its refusals.
  return reply
    .code(status)
    .type(CONTENT_TYPE)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

/** `zh` when Chinese comes before English in Accept-Language, or English is not there; else `en`. */
export function languageOf(request: FastifyRequest): 'zh' | 'en' {
  const header = String(request.headers['accept-language'] ?? '').toLowerCase();
  const zh = header.indexOf('zh');
  const en = header.indexOf('en');
  return zh >= 0 && (en < 0 || zh < en) ? 'zh' : 'en';
}

function classify(error: FastifyError): { readonly code: Code; readonly detail: string | undefined } {
  if (error instanceof AirtightError) return { code: error.code, detail: error.detail };
  if (error.validation !== undefined) return { code: 'REQUEST_INVALID', detail: error.message };
  const code = CODE_OF_STATUS[error.statusCode ?? 500] ?? 'INTERNAL';
  // What broke inside is for the log, not for the reader.
  return { code, detail: code === 'INTERNAL' ? undefined : error.message };
}
