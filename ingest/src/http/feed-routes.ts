/** The journal read from outside: feed, single records, batches. */
import {
  decodeExpired,
  FEED_FROM_HEADER,
  FEED_HEAD_HEADER,
  FEED_NEXT_HEADER,
  isExpiredBody,
  isSaltedBody,
  LEAF_HASH_HEADER,
  recordIn,
} from '@airtight/protocol';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { leafHashOf } from '../leaf-hash.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

const WAIT_MAX_MS = 25_000;
const FEED_MAX_BYTES = 8 * 1024 * 1024;
const BATCHES_MAX = 1000;
const position = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

export function addFeedRoutes(server: FastifyInstance, parts: IngestParts): void {
  const { journal, batches, commits } = parts;

  server.get<{ Querystring: { from: number; waitMs: number; maxBytes: number } }>(
    '/feed',
    {
      schema: {
        querystring: {
          type: 'object',
          required: ['from'],
          properties: {
            from: position,
            waitMs: { type: 'integer', minimum: 0, maximum: WAIT_MAX_MS, default: 0 },
            maxBytes: { type: 'integer', minimum: 1, maximum: FEED_MAX_BYTES, default: FEED_MAX_BYTES },
          },
        },
      },
    },
    async ({ query: { from, waitMs, maxBytes } }, reply) => {
      if (from === journal.committed && waitMs > 0) await commits.next(waitMs);
      const run = journal.readFrames(from, maxBytes);
      if (run === null) return sendProblem(reply, 'CURSOR_BEYOND_HEAD', `position ${from}; the journal ends at ${journal.committed}`);
      return reply
        .type('application/octet-stream')
        .header(FEED_FROM_HEADER, from)
        .header(FEED_NEXT_HEADER, run.next)
        .header(FEED_HEAD_HEADER, journal.committed)
        .send(run.bytes);
    },
  );

  server.get<{ Params: { position: number } }>('/records/:position', recordSchema, async ({ params }, reply) => {
    const body = params.position < journal.committed ? journal.read(params.position) : null;
    if (body === null) return sendProblem(reply, 'NOT_FOUND', `record ${params.position}`);
    const batch = batches.find(params.position);
    if (isExpiredBody(body)) return sendExpired(reply, params.position, body);
    // Of a confidential record it does not follow from the bytes.
    if (isSaltedBody(body)) void reply.header(LEAF_HASH_HEADER, Buffer.from(leafHashOf(body)).toString('hex'));
    return reply
      .type('application/octet-stream')
      .header('airtight-batch', batch === null ? 'none' : batch.batch.seq)
      .send(recordIn(body));
  });

  server.get<{ Querystring: { from: number; limit: number } }>(
    '/batches',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: { from: { ...position, default: 0 }, limit: { type: 'integer', minimum: 1, maximum: BATCHES_MAX, default: 100 } },
        },
      },
    },
    async ({ query: { from, limit } }) => {
      const end = Math.min(batches.count, from + limit);
      const items = [];
      for (let seq = from; seq < end; seq++) {
        const { bytes, ledgerIndex } = batches.read(seq);
        items.push({ seq, record: bytes.toString('base64'), ledgerIndex });
      }
      return { items, next: end < batches.count ? end : null };
    },
  );
}

const recordSchema = { schema: { params: { type: 'object', required: ['position'], properties: { position } } } } as const;

/** What is left of a record whose payload was removed. */
export function sendExpired(reply: FastifyReply, at: number, body: Uint8Array): FastifyReply {
  const expired = decodeExpired(body);
  if (!expired.ok) return sendProblem(reply, expired.code, `record ${at}: ${expired.detail}`);
  const { header, leafHash } = expired.value;
  return sendProblem(reply, 'RECORD_EXPIRED', `record ${at}`, { header, leafHash: Buffer.from(leafHash).toString('hex') });
}
