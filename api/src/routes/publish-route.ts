/** What devices and department systems send over HTTP; ingest knows them and takes it, this route passes it on. */
import {
  AirtightError,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENCY_KEY_PATTERN,
  IDEMPOTENCY_REPLAYED_HEADER,
  JSON_TYPE,
  NAME_MAX_LENGTH,
  NDJSON_TYPE,
  PublishAnswer,
  SENML_CBOR_TYPE,
  SENML_JSON_TYPE,
  UPLOAD_TYPES,
} from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { RouteContext } from './context.ts';

const Query = Type.Object({ dataset: Type.Optional(Type.String({ minLength: 1, maxLength: NAME_MAX_LENGTH })) });
const Headers = Type.Object({
  [IDEMPOTENCY_KEY_HEADER]: Type.Optional(
    Type.String({
      pattern: IDEMPOTENCY_KEY_PATTERN,
      description: `The device's name for this upload. Sent again within 24 h with the same body it gets the first answer, with the header ${IDEMPOTENCY_REPLAYED_HEADER}: true.`,
    }),
  ),
});
/** Admission looks at what is in it (docs/reference/formats.md), line by line. */
const JsonBody = Type.Unknown({ description: 'A reading, or an array of readings, taken as one record.' });
const SenmlBody = Type.Unknown({ description: 'A SenML pack (RFC 8428), taken as one record.' });
const LinesBody = Type.Unknown({ description: 'One record on each line.' });
const schema = {
  description:
    'Publishes records as a device, with its name and secret (HTTP Basic) or its own token (Bearer). Answered when all are durable. Content-Encoding gzip is taken.',
  security: [{ device: [] }, { deviceToken: [] }],
  querystring: Query,
  headers: Headers,
  body: {
    content: {
      [JSON_TYPE]: { schema: JsonBody },
      [NDJSON_TYPE]: { schema: LinesBody },
      [SENML_JSON_TYPE]: { schema: SenmlBody },
      [SENML_CBOR_TYPE]: { schema: SenmlBody },
    },
  },
  response: { 200: PublishAnswer },
};

export function publishRoute(app: FastifyInstance, { ingest }: RouteContext): void {
  app.register((scope, _options, done) => {
    // The body is a stream and stays one.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...UPLOAD_TYPES], (_request, _payload, parsed) => parsed(null));
    const config = { access: 'anyone' } as const;
    scope.post<{ Querystring: Static<typeof Query> }>('/records', { config, schema }, async (request, reply) => {
      try {
        const { json, replayed } = await ingest.publish(request.query.dataset, request.raw, request.ip);
        if (replayed) void reply.header(IDEMPOTENCY_REPLAYED_HEADER, 'true');
        return reply.type('application/json; charset=utf-8').send(json);
      } catch (error) {
        // The sender went away: there is nobody to answer, and nothing of ours is broken.
        if (request.raw.destroyed && !request.raw.complete) return reply.hijack();
        if (error instanceof AirtightError && error.code === 'CREDENTIALS_WRONG') {
          void reply.header('www-authenticate', 'Basic realm="airtight", charset="UTF-8"');
        }
        throw error;
      }
    });
    done();
  });
}
