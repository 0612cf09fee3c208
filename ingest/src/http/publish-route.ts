/** `POST /publish`: what devices send to the api's `/api/v1/records`, relayed with their credentials. */
import { AirtightError, DEVICE_CREDENTIALS_HEADER, JSON_TYPE, NAME_MAX_LENGTH, NDJSON_TYPE, UPLOAD_TYPES } from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UploadBroken } from '../doors/upload-body.ts';
import { authenticate, parseBasic } from '../identity/authentication.ts';
import type { IngestParts } from './parts.ts';

const querystring = { type: 'object', properties: { dataset: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH } } } as const;
type PublishRequest = FastifyRequest<{ Querystring: { dataset?: string } }>;

export function addPublishRoute(server: FastifyInstance, parts: IngestParts): void {
  const { metrics } = parts;
  server.register((scope, _options, done) => {
    // The body is a stream and stays one.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...UPLOAD_TYPES], (_request, _payload, parsed) => parsed(null));
    scope.post<{ Querystring: { dataset?: string } }>('/publish', { schema: { querystring } }, async (request, reply) => {
      try {
        return { results: await publish(parts, request) };
      } catch (error) {
        if (error instanceof UploadBroken) {
          metrics.brokenUploads.inc();
          return reply.hijack();
        }
        if (error instanceof AirtightError)
          (error.code === 'CREDENTIALS_WRONG' ? metrics.refusedLogins : metrics.refusedUploads).inc({ code: error.code });
        throw error;
      }
    });
    done();
  });
}

async function publish({ httpDoor, registry }: IngestParts, request: PublishRequest) {
  // Before the secret is hashed: a busy service is not made busier.
  httpDoor.assertRoom();
  const credentials = parseBasic(request.headers[DEVICE_CREDENTIALS_HEADER] as string | undefined);
  const device = await authenticate(registry, credentials?.username, credentials?.secret);
  if (device === undefined) throw new AirtightError('CREDENTIALS_WRONG', 'producer name or secret');
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') throw new AirtightError('REQUEST_INVALID', 'content-encoding: gzip alone is known');
  const mediaType = mediaTypeOf(request);
  return httpDoor.publish({
    device,
    dataset: request.query.dataset,
    lines: mediaType === NDJSON_TYPE,
    contentType: mediaType === NDJSON_TYPE ? JSON_TYPE : mediaType,
    gzip: encoding === 'gzip',
    body: request.raw,
  });
}

/** One of UPLOAD_TYPES: the server answers 415 to others. */
function mediaTypeOf({ headers }: FastifyRequest): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? JSON_TYPE;
}
