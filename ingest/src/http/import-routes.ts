/** What `airtight import` sends: the producers of a file, then its readings in chunks. */
import type { FastifyInstance } from 'fastify';
import { UploadBroken } from '../doors/upload-body.ts';
import { enrolFromFile, type FileProducer } from '../identity/file-producers.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

/** Per request; a national network comes in one. */
const PRODUCERS_MAX = 20_000;
const CHUNK_TYPE = 'application/x-ndjson';

const name = { type: 'string', minLength: 1, maxLength: 64 } as const;
const text = { type: 'string', maxLength: 200 } as const;
const bilingual = { type: 'object', required: ['zh', 'en'], properties: { zh: text, en: text } } as const;
const degrees = (limit: number) => ({ type: 'number', minimum: -limit, maximum: limit }) as const;
const producer = {
  type: 'object',
  required: ['producer', 'agency', 'kind', 'name', 'datasets'],
  additionalProperties: false,
  properties: {
    producer: name,
    agency: name,
    kind: { enum: ['air-station', 'fridge', 'service'] },
    name: bilingual,
    region: bilingual,
    location: { type: 'object', required: ['lat', 'lon'], properties: { lat: degrees(90), lon: degrees(180) } },
    datasets: { type: 'array', minItems: 1, maxItems: 64, items: name },
  },
} as const;
const producersBody = {
  type: 'object',
  required: ['producers'],
  properties: { producers: { type: 'array', minItems: 1, maxItems: PRODUCERS_MAX, items: producer } },
} as const;

export function addImportRoutes(server: FastifyInstance, parts: IngestParts): void {
  const { registry, door, fileDoor, metrics } = parts;
  server.post<{ Body: { producers: FileProducer[] } }>(
    '/import/producers',
    { schema: { body: producersBody } },
    async ({ body }, reply) => {
      const enrolled = await enrolFromFile(body.producers, registry, door);
      return enrolled.ok ? enrolled.value : sendProblem(reply, enrolled.code, enrolled.detail);
    },
  );
  server.register((scope, _options, done) => {
    // The body is a stream and stays one.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(CHUNK_TYPE, (_request, _payload, parsed) => parsed(null));
    scope.post('/import/readings', async (request, reply) => {
      try {
        return await fileDoor.take(request.raw, request.headers['content-encoding'] === 'gzip');
      } catch (error) {
        if (!(error instanceof UploadBroken)) throw error;
        metrics.brokenUploads.inc();
        return reply.hijack();
      }
    });
    done();
  });
}
