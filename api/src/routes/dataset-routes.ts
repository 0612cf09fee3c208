/** Dataset definitions: a change is a record, and holds for what comes after it. */
import { randomBytes } from 'node:crypto';
import {
  ACTS_PRODUCER,
  AirtightError,
  CONTROL_AGENCY,
  DATASETS_DATASET,
  Dataset,
  type DatasetDefinition,
  isTelemetryDataset,
  Page,
} from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { RouteContext } from './context.ts';
import { whenFolded } from './read-your-write.ts';

/** As long as the record's payload may be. */
const DEFINITION_MAX_BYTES = 256 * 1024;
const DatasetParameters = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) });
/** Ingest checks it, member by member. */
const Definition = Type.Object({}, { additionalProperties: true, description: 'A dataset definition (docs/reference/datasets.md).' });
/** `record` null: it stood like this already. */
const DatasetChange = Type.Object({ dataset: Type.String(), record: Type.Union([Type.String(), Type.Null()]) });

export function datasetRoutes(app: FastifyInstance, context: RouteContext): void {
  const { control, ingest, fold } = context;
  app.get('/datasets', { config: { access: 'viewer' }, schema: { response: { 200: Page(Dataset) } } }, async () => ({
    items: control.datasets.all().map(({ type: _, ...dataset }) => dataset),
    next: null,
  }));
  const schema = { params: DatasetParameters, body: Definition, response: { 200: DatasetChange } };
  const options = { config: { access: 'administrator' }, bodyLimit: DEFINITION_MAX_BYTES, schema } as const;
  app.put<{ Params: Static<typeof DatasetParameters>; Body: Partial<DatasetDefinition> }>('/datasets/:name', options, async (request) => {
    const { name } = request.params;
    if (!isTelemetryDataset(name)) throw new AirtightError('NAME_INVALID', `dataset ${name}`);
    const payload = { ...request.body, type: 'dataset', dataset: name };
    const current = control.datasets.current(name);
    if (current !== undefined && canonicalJson(current) === canonicalJson(payload)) return { dataset: name, record: null };
    // Each change has an id of its own: to go back to an earlier definition is no repeat of it.
    const messageId = `id:${name}.${randomBytes(8).toString('hex')}`;
    const record = { agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: ACTS_PRODUCER, messageId, payload };
    const [written] = await ingest.writeRecords([record]);
    if (written === undefined) throw new AirtightError('SERVICE_UNAVAILABLE', 'ingest answered without a position');
    await whenFolded(fold, written.position);
    return { dataset: name, record: String(written.position) };
  });
}
