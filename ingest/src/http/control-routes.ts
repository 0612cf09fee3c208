/** What our own services write, and what they ask: control data and alerts, datasets, status. */
import { isName } from '@airtight/protocol';
import type { FastifyInstance } from 'fastify';
import type { InternalRecord } from '../internal-door.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

const RECORDS_MAX = 1000;

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
export function addControlRoutes(server: FastifyInstance, parts: IngestParts): void {
  addRecordRoute(server, parts);
  addStatusRoutes(server, parts);
}

function addRecordRoute(server: FastifyInstance, { door }: IngestParts): void {
  const signature = {
    type: 'object',
    required: ['kid', 'sig'],
    additionalProperties: false,
    properties: { kid: { type: 'string', pattern: '^[0-9a-f]{16}$' }, sig: { type: 'string', pattern: '^[A-Za-z0-9_-]{86}$' } },
  } as const;
  const record = {
    type: 'object',
    required: ['agency', 'dataset', 'producer', 'payload'],
    additionalProperties: false,
    properties: {
      agency: name,
      dataset: name,
      producer: name,
      messageId: { type: 'string', minLength: 1, maxLength: 256 },
      payload: {},
      signature,
    },
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
  server.get('/datasets', async () => ({ items: parts.intake.datasets.newest() }));

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
