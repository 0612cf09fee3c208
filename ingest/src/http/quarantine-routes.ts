/** Quarantine looked at, and released from. */
import type { FastifyInstance } from 'fastify';
import type { QuarantinedMessage, QuarantineFilter } from '../quarantine/quarantine.ts';
import { RELEASE_MAX, type ReleaseRequest, release } from '../quarantine/release.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

const LIST_MAX = 1000;

const id = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
const filter = { code: name, producer: name, dataset: name, door: name } as const;

export function addQuarantineRoutes(server: FastifyInstance, parts: IngestParts): void {
  const { quarantine, metrics } = parts;
  server.get<{ Querystring: QuarantineFilter & { before: number; limit: number } }>(
    '/quarantine',
    {
      schema: {
        querystring: {
          type: 'object',
          properties: {
            ...filter,
            before: { ...id, default: Number.MAX_SAFE_INTEGER },
            limit: { type: 'integer', minimum: 1, maximum: LIST_MAX, default: 100 },
          },
        },
      },
    },
    async ({ query: { before, limit, ...wanted } }) => {
      const { items, next } = quarantine.list(before, limit, wanted);
      return { items: items.map(itemOf), next, counts: Object.fromEntries(quarantine.counts()) };
    },
  );
  const params = { type: 'object', required: ['id'], properties: { id } } as const;
  server.get<{ Params: { id: number } }>('/quarantine/:id', { schema: { params } }, async (request, reply) => {
    const message = quarantine.get(request.params.id);
    return message === undefined ? sendProblem(reply, 'NOT_FOUND', `message ${request.params.id}`) : itemOf(message);
  });
  const body = {
    type: 'object',
    required: ['by'],
    additionalProperties: false,
    properties: {
      ...filter,
      ids: { type: 'array', minItems: 1, maxItems: RELEASE_MAX, uniqueItems: true, items: id },
      from: { ...id, default: 0 },
      dryRun: { type: 'boolean', default: false },
      by: name,
    },
  } as const;
  server.post<{ Body: ReleaseRequest }>('/quarantine/replay', { schema: { body } }, async (request) => {
    const answer = await release(parts, request.body);
    for (const { status } of answer.results) {
      if (status === 'accepted' || status === 'revision') metrics.accepted.inc();
      if (status !== 'refused' && status !== 'admissible') metrics.released.inc();
    }
    return answer;
  });
}

function itemOf({ payload, route, ...item }: QuarantinedMessage) {
  const { signature: _, ...place } = route ?? {};
  return { ...item, ...place, payload: payload.toString('base64') };
}
