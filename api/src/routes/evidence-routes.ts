/** What proves it: records, proof bundles, batches, the ledger. */
import { hash } from 'node:crypto';
import {
  AirtightError,
  BatchItem,
  decodeBatchRecord,
  decodeRecord,
  isGuardedDataset,
  isSalted,
  LEAF_PREFIX,
  LedgerDetail,
  Page,
  type RecordHeader,
  RecordItem,
} from '@airtight/protocol';
import { formatVkey } from '@airtight/tlog';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { requireOpen } from '../accounts/confidential.ts';
import { requireRole } from '../accounts/identity.ts';
import type { ControlState } from '../control/control-state.ts';
import { decodeCursor, encodeCursor } from '../query/cursor.ts';
import { buildProof } from '../query/proof.ts';
import type { RouteContext } from './context.ts';

const RecordParameters = Type.Object({ id: Type.String({ pattern: '^[0-9]{1,15}$' }) });
const ProofParameters = Type.Object({
  fields: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 16_384,
      description: 'Of a confidential record: names of fields separated by commas, e.g. /m/tvc; all others stay hidden. Absent: all.',
    }),
  ),
});
const ListParameters = Type.Object({
  cursor: Type.Optional(Type.String({ maxLength: 256 })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});
/** The bundle's own format, `airtight-proof@1`, is described in docs/reference/record-format.md. */
const ProofDocument = Type.Object({}, { additionalProperties: true, description: 'A proof bundle, airtight-proof@1.' });

export function evidenceRoutes(app: FastifyInstance, context: RouteContext): void {
  recordRoutes(app, context);
  batchRoutes(app, context);
  const schema = { response: { 200: LedgerDetail } };
  const { upstream, forks, ledger } = context;
  app.get('/ledger', { config: { access: 'viewer' }, schema }, async (): Promise<LedgerDetail> => {
    const { final, ownWitness } = upstream;
    const anchors = await ledger.anchoring().catch(() => []);
    return {
      ...upstream.ledger(),
      final: final === null ? null : { size: final.size, root: final.root, checkpoint: final.checkpoint },
      ownWitness: ownWitness === null ? null : { ...ownWitness, logs: [...ownWitness.logs] },
      logs: forks.logs.map((vkey) => ({ origin: vkey.name, vkey: formatVkey(vkey) })),
      evidence: [...forks.evidence],
      anchors: anchors.map((sink) => ({ ...sink })),
    };
  });
}

function recordRoutes(app: FastifyInstance, { ingest, ledger, upstream, control }: RouteContext): void {
  const config = { access: 'viewer' } as const;
  const schema = { params: RecordParameters, response: { 200: RecordItem } };
  app.get<{ Params: Static<typeof RecordParameters> }>('/records/:id', { config, schema }, async (request): Promise<RecordItem> => {
    const position = Number(request.params.id);
    const { bytes, batch, leafHash } = await ingest.record(position);
    const { header, payload } = readable(request, bytes);
    return {
      record: String(position),
      header: { ...header },
      payload: Buffer.from(payload).toString('base64'),
      leafHash: leafHash ?? hash('sha256', Buffer.concat([Uint8Array.of(LEAF_PREFIX), bytes]), 'hex'),
      batch,
      anchored: position < upstream.ledger().anchoredThrough,
    };
  });
  const proofSchema = { params: RecordParameters, querystring: ProofParameters, response: { 200: ProofDocument } };
  interface ProofRequest {
    Params: Static<typeof RecordParameters>;
    Querystring: Static<typeof ProofParameters>;
  }
  app.get<ProofRequest>('/records/:id/proof', { config, schema: proofSchema }, async (request, reply) => {
    const position = Number(request.params.id);
    const { header } = readable(request, (await ingest.record(position)).bytes);
    const { fields } = request.query;
    const isOpen = !isSalted(header);
    if (isOpen && fields !== undefined)
      throw new AirtightError('FIELD_UNKNOWN', `${header.dataset} is not confidential: its records are shown whole`);
    // Whose key it is says nothing of one field, and the signature tells the payload to who guesses it.
    const keyPosition = fields === undefined ? keyPositionOf(header, position, control) : undefined;
    const bundle = await buildProof(position, { ingest, ledger }, { keyPosition, shown: isOpen ? undefined : { fields } });
    reply.header('content-disposition', `attachment; filename="${position}.airtight-proof.json"`);
    return reply.type('application/json; charset=utf-8').serializer(String).send(bundle);
  });
}

/** Where the key that signed a record was on record last before it. */
function keyPositionOf({ producer, signature }: RecordHeader, position: number, control: ControlState): number | undefined {
  return signature === undefined ? undefined : control.signingKeyAt(producer, signature.kid, position)?.position;
}

/** The record, if the person may read it: some control records hold the hashes of passwords and device secrets. */
function readable(request: FastifyRequest, bytes: Uint8Array): { readonly header: RecordHeader; readonly payload: Uint8Array } {
  const record = decodeRecord(bytes);
  if (!record.ok) throw new AirtightError(record.code, record.detail);
  if (isGuardedDataset(record.value.header.dataset)) requireRole(request.identity, 'administrator');
  requireOpen(request.identity, record.value.header);
  return record.value;
}

function batchRoutes(app: FastifyInstance, { ingest }: RouteContext): void {
  const schema = { querystring: ListParameters, response: { 200: Page(BatchItem) } };
  app.get<{ Querystring: Static<typeof ListParameters> }>('/batches', { config: { access: 'viewer' }, schema }, async (request) => {
    // Newest first: the cursor is the sequence number below which the page begins.
    const { cursor, limit } = request.query;
    const below = cursor === undefined ? (await ingest.status()).batches : (decodeCursor(cursor, 1)[0] as number);
    const from = Math.max(0, below - limit);
    const { items } = from < below ? await ingest.batches(from, below - from) : { items: [] };
    return {
      items: items
        .filter(({ seq }) => seq < below)
        .map(batchItem)
        .reverse(),
      next: from > 0 ? encodeCursor([from]) : null,
    };
  });
}

function batchItem({ record, ledgerIndex }: { readonly record: string; readonly ledgerIndex: number | null }): BatchItem {
  const batch = decodeBatchRecord(Buffer.from(record, 'base64'));
  if (!batch.ok) throw new AirtightError(batch.code, batch.detail);
  const { stream, seq, first, count, firstAt, lastAt, root } = batch.value;
  return {
    stream,
    seq,
    first: String(first),
    count,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    root,
    ledgerIndex,
  };
}
