/** Devices and their credentials: enrolment, rotation, revocation, keys; claim codes and fleets. */
import { type Credential, HJ212_PASSWORD_PATTERN, type Outcome } from '@airtight/protocol';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { NewClaim, NewFleet, Presented } from '../identity/claims.ts';
import type { EnrolmentRequest, RotationRequest } from '../identity/enrolment.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';
import { addressOf } from './publish-route.ts';

const DEVICES_MAX = 10_000;
/** A year: longer no credential that was replaced is of use. */
const OVERLAP_MAX_MS = 365 * 86_400_000;
const FLEET_DEVICES_MAX = 1_000_000;
const SPAN_MAX_MS = 10 * 365 * 86_400_000;

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
const by = { type: 'string', minLength: 1, maxLength: 128 } as const;
const pem = { type: 'string', minLength: 1, maxLength: 16_384 } as const;
const bilingual = {
  type: 'object',
  required: ['zh', 'en'],
  properties: { zh: { type: 'string', maxLength: 200 }, en: { type: 'string', maxLength: 200 } },
} as const;
const template = {
  agency: name,
  kind: { enum: ['air-station', 'fridge', 'service'] },
  name: bilingual,
  region: bilingual,
  location: {
    type: 'object',
    required: ['lat', 'lon'],
    properties: { lat: { type: 'number', minimum: -90, maximum: 90 }, lon: { type: 'number', minimum: -180, maximum: 180 } },
  },
  datasets: { type: 'array', maxItems: 64, items: name },
  subscribe: { type: 'array', maxItems: 64, items: { type: 'string', minLength: 1, maxLength: 256 } },
  gateway: name,
  foreignId: { type: 'string', pattern: '^[a-z0-9]{1,16}:.{1,128}$' },
  signatureRequired: { type: 'boolean' },
  simulated: { type: 'boolean' },
} as const;
const credentials = {
  secret: { type: 'string', maxLength: 256 },
  password: { type: 'boolean' },
  certificate: {
    type: 'object',
    additionalProperties: false,
    properties: { csr: pem, fingerprint256: { type: 'string', maxLength: 128 }, commonName: { type: 'string', maxLength: 128 } },
  },
  jwtKey: pem,
  signKey: pem,
  hj212Password: { anyOf: [{ const: true }, { type: 'string', pattern: HJ212_PASSWORD_PATTERN }] },
} as const;
const device = {
  type: 'object',
  required: ['producer', 'agency', 'kind', 'name', 'datasets'],
  additionalProperties: false,
  properties: { producer: name, ...template, ...credentials, replace: { type: 'boolean' }, by },
} as const;
const templateObject = {
  type: 'object',
  required: ['agency', 'kind', 'datasets'],
  additionalProperties: false,
  properties: template,
} as const;
const body = (required: readonly string[], properties: object) =>
  ({ schema: { body: { type: 'object', required, additionalProperties: false, properties } } }) as const;

export function addIdentityRoutes(server: FastifyInstance, parts: IngestParts): void {
  addDeviceRoutes(server, parts);
  addKeyRoute(server, parts);
  addClaimRoutes(server, parts);
  addFleetRoutes(server, parts);
}

/** The value, or the refusal as a problem document. */
function answer<T>(reply: FastifyReply, outcome: Outcome<T>): T | FastifyReply {
  return outcome.ok ? outcome.value : sendProblem(reply, outcome.code, outcome.detail);
}

function addDeviceRoutes(server: FastifyInstance, { enrolment }: IngestParts): void {
  server.post<{ Body: EnrolmentRequest | { devices: EnrolmentRequest[] } }>(
    '/devices',
    {
      schema: {
        body: {
          if: { type: 'object', required: ['devices'] },
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
          then: { type: 'object', properties: { devices: { type: 'array', minItems: 1, maxItems: DEVICES_MAX, items: device } } },
          else: device,
        },
      },
    },
    async ({ body: request }, reply) => {
      const enrolled = await enrolment.enrol('devices' in request ? request.devices : [request]);
      if (!enrolled.ok) return sendProblem(reply, enrolled.code, enrolled.detail);
      return 'devices' in request ? { results: enrolled.value } : enrolled.value[0];
    },
  );
  server.post<{ Params: { producer: string }; Body: RotationRequest }>(
    '/devices/:producer/rotate',
    body(['overlapMs'], { overlapMs: { type: 'integer', minimum: 0, maximum: OVERLAP_MAX_MS }, ...credentials, by }),
    async ({ params, body: request }, reply) => answer(reply, await enrolment.rotate(params.producer, request)),
  );
  server.post<{ Params: { producer: string }; Body: { credential?: string; by?: string } }>(
    '/devices/:producer/revoke',
    body([], { credential: { type: 'string', minLength: 1, maxLength: 128 }, by }),
    async ({ params, body: request }, reply) => {
      const revoked = await enrolment.revoke(params.producer, request.credential, request.by);
      return revoked.ok ? { position: revoked.value } : answer(reply, revoked);
    },
  );
}

function addKeyRoute(server: FastifyInstance, { registry }: IngestParts): void {
  server.get<{ Params: { producer: string } }>('/devices/:producer/keys', async ({ params }, reply) => {
    const found = registry.get(params.producer);
    if (found === undefined) return sendProblem(reply, 'NOT_FOUND', `producer ${params.producer}`);
    return { items: found.credentials.map(shownCredential) };
  });
}

/** All of a credential but the hash of a password. */
function shownCredential(credential: Credential): object {
  if (!('hash' in credential)) return credential;
  const { hash: _, ...shown } = credential;
  return shown;
}

function addClaimRoutes(server: FastifyInstance, { claims }: IngestParts): void {
  const lifeMs = { type: 'integer', minimum: 1, maximum: SPAN_MAX_MS } as const;
  server.post<{ Body: NewClaim }>(
    '/claim-codes',
    body(['producer', 'template', 'lifeMs'], { producer: name, template: templateObject, lifeMs, by }),
    async ({ body: request }, reply) => answer(reply, await claims.newClaim(request)),
  );
  server.post<{ Body: Presented }>(
    '/claims',
    body([], {
      code: { type: 'string', minLength: 1, maxLength: 64 },
      key: { type: 'string', minLength: 1, maxLength: 256 },
      producer: name,
      name: bilingual,
      jwtKey: pem,
      signKey: pem,
      csr: pem,
    }),
    async (request, reply) => answer(reply, await claims.present(request.body, addressOf(request))),
  );
}

function addFleetRoutes(server: FastifyInstance, { claims, claimRegistry, registry }: IngestParts): void {
  server.get('/fleets', async () => ({
    items: claimRegistry.fleets().map(({ keyHash: _, ...fleet }) => ({ ...fleet, devices: registry.fleetSize(fleet.fleet) })),
  }));
  server.post<{ Body: NewFleet }>(
    '/fleets',
    body(['fleet', 'template', 'namePattern', 'devicesMax'], {
      fleet: name,
      template: templateObject,
      namePattern: name,
      devicesMax: { type: 'integer', minimum: 1, maximum: FLEET_DEVICES_MAX },
      lifeMs: { type: 'integer', minimum: 1, maximum: SPAN_MAX_MS },
      by,
    }),
    async ({ body: request }, reply) => answer(reply, await claims.newFleet(request)),
  );
  server.post<{ Params: { fleet: string }; Body: { by?: string } }>(
    '/fleets/:fleet/revoke',
    body([], { by }),
    async ({ params, body: request }, reply) => {
      const revoked = await claims.revokeFleet(params.fleet, request.by);
      return revoked.ok ? {} : answer(reply, revoked);
    },
  );
}
