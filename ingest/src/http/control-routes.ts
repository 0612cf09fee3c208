/** What our own services write, and what they ask: control data and alerts, quarantine, status. */
import { isName } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { InternalRecord } from '../internal-door.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

const RECORDS_MAX = 1000;
const QUARANTINE_MAX = 1000;

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
export function addControlRoutes(server: FastifyInstance, parts: IngestParts): void {
  addRecordRoute(server, parts);
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
