/** `POST /publish`: what devices send to the api's `/api/v1/records`, relayed with their credentials. */
import {
  AirtightError,
  DEVICE_ADDRESS_HEADER,
  DEVICE_CREDENTIALS_HEADER,
  type DeviceSignature,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENCY_KEY_PATTERN,
  IDEMPOTENCY_REPLAYED_HEADER,
  JSON_TYPE,
  NAME_MAX_LENGTH,
  NDJSON_TYPE,
  parseSignatureHeader,
  SIGNATURE_HEADER,
  UPLOAD_TYPES,
} from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { UploadBroken } from '../doors/upload-body.ts';
import { parseAuthorization } from '../identity/authentication.ts';
import type { IngestParts } from './parts.ts';

/** Refusals that the login has counted already. */
const LOGIN_REFUSALS = new WeakSet<AirtightError>();

const IDEMPOTENCY_KEY = new RegExp(IDEMPOTENCY_KEY_PATTERN);
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
        const { json, replayed } = await publish(parts, request);
        if (replayed) void reply.header(IDEMPOTENCY_REPLAYED_HEADER, 'true');
        return reply.type('application/json; charset=utf-8').send(json);
      } catch (error) {
        if (error instanceof UploadBroken) {
          metrics.brokenUploads.inc();
          return reply.hijack();
        }
        if (error instanceof AirtightError && !LOGIN_REFUSALS.has(error)) metrics.refusedUploads.inc({ code: error.code });
        throw error;
      }
    });
    done();
  });
}

async function publish({ httpDoor, logins }: IngestParts, request: PublishRequest) {
  // Before the secret is hashed: a busy service is not made busier.
  httpDoor.assertRoom();
  const login = parseAuthorization(request.headers[DEVICE_CREDENTIALS_HEADER] as string | undefined) ?? {};
  const authenticated = await logins.authenticate(login, addressOf(request)).catch((error: unknown) => {
    // Counted where logins are.
    if (error instanceof AirtightError) LOGIN_REFUSALS.add(error);
    throw error;
  });
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity') throw new AirtightError('REQUEST_INVALID', 'content-encoding: gzip alone is known');
  const mediaType = mediaTypeOf(request);
  const lines = mediaType === NDJSON_TYPE;
  if (lines && request.headers[SIGNATURE_HEADER] !== undefined)
    throw new AirtightError('REQUEST_INVALID', `${SIGNATURE_HEADER} is for a body that is one record`);
  return httpDoor.publish({
    authenticated,
    signature: signatureOf(request),
    dataset: request.query.dataset,
    lines,
    contentType: lines ? JSON_TYPE : mediaType,
    gzip: encoding === 'gzip',
    idempotencyKey: idempotencyKeyOf(request),
    body: request.raw,
  });
}

/** One of UPLOAD_TYPES: the server answers 415 to others. */
function mediaTypeOf({ headers }: FastifyRequest): string {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? JSON_TYPE;
}

/** @throws AirtightError REQUEST_INVALID for a header that is not of the form */
function signatureOf({ headers }: FastifyRequest): DeviceSignature | undefined {
  const field = headers[SIGNATURE_HEADER];
  if (field === undefined) return undefined;
  const signature = parseSignatureHeader(String(field));
  if (signature === undefined) throw new AirtightError('REQUEST_INVALID', `${SIGNATURE_HEADER}: kid=…, sig=…`);
  return signature;
}

/** @throws AirtightError REQUEST_INVALID */
function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers[IDEMPOTENCY_KEY_HEADER];
  if (key === undefined) return undefined;
  if (!IDEMPOTENCY_KEY.test(String(key)))
    throw new AirtightError('REQUEST_INVALID', `${IDEMPOTENCY_KEY_HEADER}: 1 to 255 visible characters of ASCII`);
  return String(key);
}

/** The device's own address, which the api tells; without one the caller's. */
export function addressOf({ headers, ip }: FastifyRequest): string {
  const told = headers[DEVICE_ADDRESS_HEADER];
  return typeof told === 'string' && told !== '' ? told : ip;
}
