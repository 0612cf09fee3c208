/** Confidential records: fields disclosed, content erased. Who may ask is for the api. */
import { committedRecordIn, isExpiredBody, isSaltedBody } from '@airtight/protocol';
import { disclosureJson, encodeBase64 } from '@airtight/tlog';
import type { FastifyInstance } from 'fastify';
import { discloseFields } from '../confidential/disclosure.ts';
import type { ErasureOrder } from '../confidential/erasure.ts';
import { sendExpired } from './feed-routes.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

/** As many as a proof can show, each a pointer. */
const FIELDS_MAX_LENGTH = 65_536;
const position = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;

export function addConfidentialRoutes(server: FastifyInstance, { journal, salts, erasure }: IngestParts): void {
  const params = { type: 'object', required: ['position'], properties: { position } } as const;
  const querystring = { type: 'object', properties: { fields: { type: 'string', maxLength: FIELDS_MAX_LENGTH } } } as const;
  server.get<{ Params: { position: number }; Querystring: { fields?: string } }>(
    '/records/:position/disclosure',
    { schema: { params, querystring } },
    async ({ params: { position: at }, query: { fields } }, reply) => {
      const body = at < journal.committed ? journal.read(at) : null;
      if (body === null) return sendProblem(reply, 'NOT_FOUND', `record ${at}`);
      if (isExpiredBody(body)) return sendExpired(reply, at, body);
      if (!isSaltedBody(body)) return sendProblem(reply, 'FIELD_UNKNOWN', `record ${at} is not confidential`);
      const disclosure = discloseFields(body, at, fields === undefined ? 'all' : fields.split(','), salts);
      return reply.send({ record: encodeBase64(committedRecordIn(body)), disclosure: disclosureJson(disclosure) });
    },
  );

  const order = { producer: text(64), day: text(10), reason: text(1000), by: text(128) } as const;
  server.post<{ Body: ErasureOrder }>(
    '/erasures',
    { schema: { body: { type: 'object', required: ['producer', 'day', 'reason', 'by'], additionalProperties: false, properties: order } } },
    async ({ body }) => erasure.erase(body),
  );
}
