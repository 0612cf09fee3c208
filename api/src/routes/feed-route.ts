/**
 * The journal for whoever keeps a full copy (docs/reference/mirror.md): frames as they stand, and in the place of records
 * that the caller may not read what proves them: leaf hash and header.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AirtightError,
  CONTROL_PREFIX,
  decodeExpired,
  decodeRecord,
  FEED_FROM_HEADER,
  FEED_HEAD_HEADER,
  FEED_NEXT_HEADER,
  FEED_WITHHELD_HEADER,
  formatFrame,
  isExpiredBody,
  isSalted,
  type RecordHeader,
  recordIn,
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

export function feedRoute(app: FastifyInstance, { ingest, control }: RouteContext): void {
  const schema = { querystring: Parameters };
  app.get<{ Querystring: Static<typeof Parameters> }>('/feed', { config: { access: 'viewer' }, schema }, async (request, reply) => {
    const { from, maxBytes } = request.query;
    const chunk = await ingest.feed({ from, waitMs: 0, maxBytes });
    const readsAll = request.identity.role === 'administrator';
    // What is confidential goes to nobody: a copy would outlive its erasure, and nobody without the keys could check it.
    const confidential = control.datasets.confidential();
    // Alerts tell values of confidential datasets, which no visitor sees.
    if (request.identity.name === null && confidential.length > 0)
      throw new AirtightError('SESSION_REQUIRED', 'there are confidential datasets');
    const isWhole = readsAll && confidential.length === 0;
    const handedOut = (body: Uint8Array) => formatFrame(withheld(body, readsAll), crc32);
    const bytes = isWhole ? chunk.bytes : Buffer.concat([...framesOf(chunk)].map(({ body }) => handedOut(body)));
    reply.header(FEED_FROM_HEADER, chunk.from).header(FEED_NEXT_HEADER, chunk.next).header(FEED_HEAD_HEADER, chunk.head);
    if (!isWhole) reply.header(FEED_WITHHELD_HEADER, [...(readsAll ? [] : [CONTROL_PREFIX]), ...confidential].join(' '));
    return reply.type('application/octet-stream').send(Buffer.from(bytes));
  });
}

/** Control records hold the hashes of passwords and device secrets. */
function withheld(body: Uint8Array, readsAll: boolean): Uint8Array {
  const header = headerOf(body);
  const isHidden = header !== undefined && (isSalted(header) || (!readsAll && header.dataset.startsWith(CONTROL_PREFIX)));
  return isHidden ? withheldBodyOf(body, header, (bytes) => hash('sha256', bytes, 'buffer')) : body;
}

function headerOf(body: Uint8Array): RecordHeader | undefined {
  const decoded = isExpiredBody(body) ? decodeExpired(body) : decodeRecord(recordIn(body));
  return decoded.ok ? decoded.value.header : undefined;
}
