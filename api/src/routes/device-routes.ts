/**
 * Devices and what they prove themselves with: enrolment, rotation, revocation, keys, claim codes, fleets. Ingest, which
 * checks devices, does all of it; these routes say who may ask, and put on record who did.
 */
import { AirtightError, HJ212_PASSWORD_PATTERN, isName } from '@airtight/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const Pem = Type.String({ minLength: 1, maxLength: 16_384 });
const Bilingual = Type.Object({ zh: Type.String({ maxLength: 200 }), en: Type.String({ maxLength: 200 }) });
const SpanMs = Type.Integer({ minimum: 1, maximum: 10 * 365 * 86_400_000 });
const strict = { additionalProperties: false } as const;

const templateFields = {
  agency: Name,
  kind: Type.Union([Type.Literal('air-station'), Type.Literal('fridge'), Type.Literal('service')]),
  name: Type.Optional(Bilingual),
  region: Type.Optional(Bilingual),
  location: Type.Optional(
    Type.Object({ lat: Type.Number({ minimum: -90, maximum: 90 }), lon: Type.Number({ minimum: -180, maximum: 180 }) }),
  ),
  datasets: Type.Array(Name, { maxItems: 64 }),
  subscribe: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 64 })),
  gateway: Type.Optional(Name),
  foreignId: Type.Optional(Type.String({ pattern: '^[a-z0-9]{1,16}:.{1,128}$' })),
  signatureRequired: Type.Optional(Type.Boolean()),
  simulated: Type.Optional(Type.Boolean()),
};
const Template = Type.Object(templateFields, strict);
const credentialFields = {
  password: Type.Optional(Type.Boolean({ description: 'Generates one; so does a request that asks for nothing else to log in with.' })),
  certificate: Type.Optional(
    Type.Object(
      { csr: Type.Optional(Pem), fingerprint256: Type.Optional(Type.String()), commonName: Type.Optional(Type.String()) },
      { ...strict, description: "Empty, or with a CSR: issued by our own CA. Else one of the agency's CA, by fingerprint or subject CN." },
    ),
  ),
  jwtKey: Type.Optional(Pem),
  signKey: Type.Optional(Pem),
  hj212Password: Type.Optional(
    Type.Union([Type.Literal(true), Type.String({ pattern: HJ212_PASSWORD_PATTERN })], {
      description: 'PW of an HJ 212 monitor, whose foreign id is hj212:{MN}. True: six digits are generated.',
    }),
  ),
};
const NewDevice = Type.Object({ producer: Name, ...templateFields, ...credentialFields, replace: Type.Optional(Type.Boolean()) }, strict);
const Rotation = Type.Object({ overlapMs: Type.Integer({ minimum: 0, maximum: 365 * 86_400_000 }), ...credentialFields }, strict);
const Revocation = Type.Object({ credential: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })) }, strict);
const NewClaim = Type.Object({ producer: Name, template: Template, lifeMs: SpanMs }, strict);
const NewFleet = Type.Object(
  {
    fleet: Name,
    template: Template,
    namePattern: Type.String({ minLength: 1, maxLength: 64 }),
    devicesMax: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    lifeMs: Type.Optional(SpanMs),
  },
  strict,
);
const Presented = Type.Object(
  {
    code: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    producer: Type.Optional(Name),
    name: Type.Optional(Bilingual),
    jwtKey: Type.Optional(Pem),
    signKey: Type.Optional(Pem),
    csr: Type.Optional(Pem),
  },
  strict,
);
const NameParameter = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) });
const CredentialSummary = Type.Object({ id: Type.String(), kind: Type.String() });
/** Secrets are told once, here; only hashes and public keys are kept. */
const Enrolled = Type.Object({
  username: Type.String(),
  secret: Type.Optional(Type.String()),
  hj212Password: Type.Optional(Type.String({ description: 'Where it was generated.' })),
  certificate: Type.Optional(
    Type.Object({
      certificate: Type.String(),
      privateKey: Type.Optional(Type.String()),
      ca: Type.String(),
      fingerprint256: Type.String(),
      validTo: Type.Integer(),
    }),
  ),
  credentials: Type.Array(CredentialSummary),
  position: Type.Integer(),
});
type Enrolled = Static<typeof Enrolled>;
const Key = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  validFrom: Type.Integer({ description: 'Epoch ms; 0: from the beginning.' }),
  validTo: Type.Optional(Type.Integer({ description: 'Epoch ms, not included; absent: without end.' })),
  publicKey: Type.Optional(Type.String({ description: 'Ed25519, 32 bytes in base64url.' })),
  fingerprint256: Type.Optional(Type.String()),
  commonName: Type.Optional(Type.String()),
});
const Fleet = Type.Object(
  { fleet: Type.String(), namePattern: Type.String(), devicesMax: Type.Integer(), devices: Type.Integer(), revoked: Type.Boolean() },
  { additionalProperties: true },
);
const list = <T extends Parameters<typeof Type.Array>[0]>(item: T) => Type.Object({ items: Type.Array(item) });

export function deviceRoutes(app: FastifyInstance, context: RouteContext): void {
  enrolmentRoutes(app, context);
  credentialRoutes(app, context);
  claimRoutes(app, context);
  fleetRoutes(app, context);
}

/** Who asked, as the record will say. */
function by(request: FastifyRequest): string {
  return request.identity.name ?? 'visitor';
}

/** @throws AirtightError NOT_FOUND for what cannot be a name: it becomes part of an address */
function nameOf({ params }: FastifyRequest<{ Params: { name: string } }>): string {
  if (!isName(params.name)) throw new AirtightError('NOT_FOUND', params.name);
  return params.name;
}

function enrolmentRoutes(app: FastifyInstance, { ingest, fold }: RouteContext): void {
  const schema = { body: NewDevice, response: { 201: Enrolled } };
  app.post<{ Body: Static<typeof NewDevice> }>('/producers', { schema }, async (request, reply) => {
    const { body } = request;
    const name = body.name ?? { zh: body.producer, en: body.producer };
    const enrolled = await ingest.identity<Enrolled>('POST', '/devices', { ...body, name, by: by(request) });
    await whenFolded(fold, enrolled.position);
    return reply.code(201).send(enrolled);
  });
}

function credentialRoutes(app: FastifyInstance, { ingest, fold }: RouteContext): void {
  const rotateSchema = { params: NameParameter, body: Rotation, response: { 200: Enrolled } };
  app.post<{ Params: { name: string }; Body: Static<typeof Rotation> }>(
    '/producers/:name/rotate',
    { schema: rotateSchema },
    async (request) => {
      const path = `/devices/${nameOf(request)}/rotate`;
      const enrolled = await ingest.identity<Enrolled>('POST', path, { ...request.body, by: by(request) });
      await whenFolded(fold, enrolled.position);
      return enrolled;
    },
  );
  const revokeSchema = {
    params: NameParameter,
    body: Type.Optional(Revocation),
    response: { 200: Type.Object({ position: Type.Integer() }) },
  };
  app.post<{ Params: { name: string }; Body?: Static<typeof Revocation> }>(
    '/producers/:name/revoke',
    { schema: revokeSchema },
    async (request) => {
      const path = `/devices/${nameOf(request)}/revoke`;
      const revoked = await ingest.identity<{ position: number }>('POST', path, { ...request.body, by: by(request) });
      await whenFolded(fold, revoked.position);
      return revoked;
    },
  );
  const keySchema = { params: NameParameter, response: { 200: list(Key) } };
  const config = { access: 'viewer' } as const;
  app.get<{ Params: { name: string } }>('/producers/:name/keys', { config, schema: keySchema }, async (request) =>
    ingest.identity('GET', `/devices/${nameOf(request)}/keys`),
  );
}

function claimRoutes(app: FastifyInstance, { ingest, fold }: RouteContext): void {
  const schema = { body: NewClaim, response: { 201: Type.Object({ code: Type.String(), validTo: Type.Integer() }) } };
  app.post<{ Body: Static<typeof NewClaim> }>('/claim-codes', { schema }, async (request, reply) =>
    reply.code(201).send(await ingest.identity('POST', '/claim-codes', { ...request.body, by: by(request) })),
  );
  const config = { access: 'anyone' } as const;
  const claimSchema = { body: Presented, response: { 201: Enrolled }, security: [] };
  app.post<{ Body: Static<typeof Presented> }>('/claims', { config, schema: claimSchema }, async (request, reply) => {
    const enrolled = await ingest.identity<Enrolled>('POST', '/claims', request.body, request.ip);
    await whenFolded(fold, enrolled.position);
    return reply.code(201).send(enrolled);
  });
}

function fleetRoutes(app: FastifyInstance, { ingest }: RouteContext): void {
  app.get('/fleets', { schema: { response: { 200: list(Fleet) } } }, async () => ingest.identity('GET', '/fleets'));
  const schema = { body: NewFleet, response: { 201: Type.Object({ key: Type.String() }) } };
  app.post<{ Body: Static<typeof NewFleet> }>('/fleets', { schema }, async (request, reply) =>
    reply.code(201).send(await ingest.identity('POST', '/fleets', { ...request.body, by: by(request) })),
  );
  const revokeSchema = { params: NameParameter, response: { 204: Type.Null() } };
  app.post<{ Params: { name: string } }>('/fleets/:name/revoke', { schema: revokeSchema }, async (request, reply) => {
    await ingest.identity('POST', `/fleets/${nameOf(request)}/revoke`, { by: by(request) });
    return reply.code(204).send(null);
  });
}
