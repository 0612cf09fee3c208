/** What our own services write, and what they ask: control data and alerts, enrolment, quarantine, status. */
import { isName } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import { type EnrolmentRequest, enrol } from '../identity/enrolment.ts';
import type { InternalRecord } from '../internal-door.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

const RECORDS_MAX = 1000;
const DEVICES_MAX = 10_000;
const QUARANTINE_MAX = 1000;

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
const bilingual = {
  type: 'object',
  required: ['zh', 'en'],
  properties: { zh: { type: 'string', maxLength: 200 }, en: { type: 'string', maxLength: 200 } },
} as const;
const device = {
  type: 'object',
  required: ['producer', 'agency', 'kind', 'name', 'datasets'],
  additionalProperties: false,
  properties: {
    producer: name,
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
    simulated: { type: 'boolean' },
    secret: { type: 'string', maxLength: 256 },
    replace: { type: 'boolean' },
  },
} as const;

export function addControlRoutes(server: FastifyInstance, parts: IngestParts): void {
  addRecordRoute(server, parts);
  addDeviceRoute(server, parts);
  addStatusRoutes(server, parts);
}

function addRecordRoute(server: FastifyInstance, { door }: IngestParts): void {
  const record = {
    type: 'object',
    required: ['agency', 'dataset', 'producer', 'payload'],
    additionalProperties: false,
    properties: { agency: name, dataset: name, producer: name, messageId: { type: 'string', minLength: 1, maxLength: 256 }, payload: {} },
  } as const;
  server.post<{ Body: { records: InternalRecord[] } }>(
    '/records',
    {
      schema: {
        body: {
          type: 'object',
          required: ['records'],
          properties: { records: { type: 'array', minItems: 1, maxItems: RECORDS_MAX, items: record } },
        },
      },
    },
    async ({ body: { records } }, reply) => {
      const bad = records.find(({ agency, dataset, producer }) => ![agency, dataset, producer].every(isName));
      if (bad !== undefined) return sendProblem(reply, 'NAME_INVALID', `${bad.agency}/${bad.dataset}/${bad.producer}`);
      return { results: await door.write(records) };
    },
  );
}

function addDeviceRoute(server: FastifyInstance, { registry, door }: IngestParts): void {
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
    async ({ body }, reply) => {
      const enrolled = await enrol('devices' in body ? body.devices : [body], registry, door);
      if (!enrolled.ok) return sendProblem(reply, enrolled.code, enrolled.detail);
      return 'devices' in body ? { results: enrolled.value } : enrolled.value[0];
    },
  );
}

function addStatusRoutes(server: FastifyInstance, parts: IngestParts): void {
  const { journal, batches, quarantine, broker, metrics } = parts;
  server.get<{ Querystring: { before: number; limit: number } }>(
    '/quarantine',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: {
            before: { type: 'integer', minimum: 0, default: Number.MAX_SAFE_INTEGER },
            limit: { type: 'integer', minimum: 1, maximum: QUARANTINE_MAX, default: 100 },
          },
        },
      },
    },
    async ({ query: { before, limit } }) => {
      const items = quarantine.list(before, limit).map(({ payload, ...item }) => ({ ...item, payload: payload.toString('base64') }));
      return { items, next: items.length === limit ? items.at(-1)?.id : null };
    },
  );

  server.get('/status', async () => {
    const total = async (counter: { get(): Promise<{ values: { value: number }[] }> }): Promise<number> =>
      (await counter.get()).values.reduce((sum, { value }) => sum + value, 0);
    return {
      stream: parts.stream,
      head: journal.committed,
      sealedThrough: batches.sealedThrough,
      anchoredThrough: batches.anchoredThrough,
      batches: batches.count,
      connections: broker.connections,
      fault: parts.storage.fault ?? null,
      counters: {
        accepted: await total(metrics.accepted),
        duplicates: await total(metrics.repeats),
        revisions: await total(metrics.revisions),
        quarantined: quarantine.count,
        refusedLogins: await total(metrics.refusedLogins),
      },
    };
  });
}
