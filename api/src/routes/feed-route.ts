/**
 * The journal for whoever keeps a full copy (docs/reference/mirror.md): frames as they stand, and in the place of records
 * that the caller may not read what proves them: leaf hash and header.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  CONTROL_PREFIX,
  decodeExpired,
  decodeRecord,
  FEED_FROM_HEADER,
  FEED_HEAD_HEADER,
  FEED_NEXT_HEADER,
  FEED_WITHHELD_HEADER,
  formatFrame,
  isExpiredBody,
  type RecordHeader,
  withheldBodyOf,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { framesOf } from '../feed/frames.ts';
import type { RouteContext } from './context.ts';

/** Of one answer; a copy is made of many. */
const FEED_MAX_BYTES = 4 * 1024 * 1024;
const Parameters = Type.Object({
  from: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  maxBytes: Type.Integer({ minimum: 1, maximum: FEED_MAX_BYTES, default: FEED_MAX_BYTES }),
});

export function feedRoute(app: FastifyInstance, { ingest }: RouteContext): void {
  const schema = { querystring: Parameters };
  app.get<{ Querystring: Static<typeof Parameters> }>('/feed', { config: { access: 'viewer' }, schema }, async (request, reply) => {
    const { from, maxBytes } = request.query;
    const chunk = await ingest.feed({ from, waitMs: 0, maxBytes });
    const readsAll = request.identity.role === 'administrator';
    const bytes = readsAll ? chunk.bytes : Buffer.concat([...framesOf(chunk)].map(({ body }) => formatFrame(withheld(body), crc32)));
    reply.header(FEED_FROM_HEADER, chunk.from).header(FEED_NEXT_HEADER, chunk.next).header(FEED_HEAD_HEADER, chunk.head);
    if (!readsAll) reply.header(FEED_WITHHELD_HEADER, CONTROL_PREFIX);
    return reply.type('application/octet-stream').send(Buffer.from(bytes));
  });
}

/** Control records hold the hashes of passwords and device secrets. */
function withheld(body: Uint8Array): Uint8Array {
  const header = headerOf(body);
  return header?.dataset.startsWith(CONTROL_PREFIX) === true
    ? withheldBodyOf(body, header, (bytes) => hash('sha256', bytes, 'buffer'))
    : body;
}

function headerOf(body: Uint8Array): RecordHeader | undefined {
  const decoded = isExpiredBody(body) ? decodeExpired(body) : decodeRecord(body.subarray(1));
  return decoded.ok ? decoded.value.header : undefined;
}
