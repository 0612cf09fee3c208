/**
 * The witness for other logs (c2sp.org/tlog-witness) under /witness/v0: submission and monitoring prefix in one. Open to
 * everybody: a request is worth what the signature on its checkpoint is. So is the evidence.
 */
import { ADD_CHECKPOINT_MAX_BYTES, formatVkey, type Policy, TREE_SIZE_MEDIA_TYPE } from '@airtight/tlog';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { LedgerMetrics } from '../metrics.ts';
import type { EvidenceStore } from '../witness/evidence.ts';
import type { Witness, WitnessAnswer } from '../witness/witness.ts';
import { type ProblemCode, sendProblem } from './problem.ts';

/** Submission and monitoring prefix. */
export const WITNESS_PREFIX = '/witness/v0';
/** A bucket fills again within a second. */
const RETRY_AFTER_S = 1;
const NEWS_CACHE = 'no-store';

const REFUSALS: { readonly [status in Exclude<WitnessAnswer['status'], 200 | 409>]: ProblemCode } = {
  400: 'REQUEST_INVALID',
  403: 'NOTE_UNSIGNED',
  404: 'NOT_FOUND',
  422: 'PROOF_MISMATCH',
  429: 'RATE_LIMITED',
  503: 'SERVICE_UNAVAILABLE',
};

export interface WitnessParts {
  /** Null when this ledger is no witness. */
  readonly witness: Witness | null;
  /** Null when it is no witness and has none. */
  readonly evidence: EvidenceStore | null;
  /** By which the own checkpoints are cosigned; null: nobody is asked. */
  readonly policy: Policy | null;
}

export interface OwnWitnessStatus {
  readonly name: string;
  readonly vkey: string;
  readonly logs: readonly { readonly origin: string; readonly size: number | null; readonly cosignedAt: string | null }[];
}

export function addWitnessRoutes(server: FastifyInstance, { witness, evidence }: WitnessParts, metrics: LedgerMetrics): void {
  if (witness !== null) addProtocolRoutes(server, witness, metrics);
  if (evidence === null) return;
  server.get(`${WITNESS_PREFIX}/evidence`, async (_request, reply) =>
    reply.header('cache-control', NEWS_CACHE).send({ items: evidence.list(), next: null }),
  );
  server.get<{ Params: { id: string } }>(`${WITNESS_PREFIX}/evidence/:id`, async (request, reply) => {
    const bytes = await evidence.read(request.params.id);
    if (bytes === null) return sendProblem(reply, 'NOT_FOUND', 'no such evidence');
    return reply.type('application/json; charset=utf-8').send(Buffer.from(bytes));
  });
}

/** What this ledger does as a witness; null when it is none. */
export function witnessStatus({ witness }: WitnessParts): OwnWitnessStatus | null {
  if (witness === null) return null;
  const logs = [...witness.logs.keys()].map((origin) => {
    const latest = witness.latest(origin);
    return { origin, size: latest?.size ?? null, cosignedAt: latest === undefined ? null : new Date(latest.timeS * 1000).toISOString() };
  });
  return { name: witness.key.vkey.name, vkey: formatVkey(witness.key.vkey), logs };
}

function addProtocolRoutes(server: FastifyInstance, witness: Witness, metrics: LedgerMetrics): void {
  const origins = new Map([...witness.logs.values()].map(({ origin, hash }) => [hash, origin]));
  server.get<{ Params: { hash: string } }>(`${WITNESS_PREFIX}/:hash/checkpoint`, async (request, reply) => {
    const latest = witness.latest(origins.get(request.params.hash) ?? '');
    if (latest === undefined) return sendProblem(reply, 'NOT_FOUND', 'never cosigned here');
    return reply.type('text/plain; charset=utf-8').header('cache-control', NEWS_CACHE).send(latest.note);
  });
  server.register((scope, _options, done) => {
    // The specification names no media type: the body is what it is.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.post(`${WITNESS_PREFIX}/add-checkpoint`, { bodyLimit: ADD_CHECKPOINT_MAX_BYTES }, async (request, reply) => {
      const started = performance.now();
      const answer = await witness.addCheckpoint(request.body instanceof Buffer ? request.body : Buffer.alloc(0));
      metrics.witnessRequests.inc({ status: String(answer.status) });
      metrics.witnessSeconds.observe((performance.now() - started) / 1000);
      return sendAnswer(reply, answer);
    });
    done();
  });
}

function sendAnswer(reply: FastifyReply, answer: WitnessAnswer): FastifyReply {
  if (answer.status === 200) return reply.type('text/plain; charset=utf-8').send(answer.cosignatures);
  // As it stands in the specification, without a charset.
  if (answer.status === 409) return reply.code(409).header('content-type', TREE_SIZE_MEDIA_TYPE).send(`${answer.size}\n`);
  if (answer.status === 429 || answer.status === 503) reply.header('retry-after', RETRY_AFTER_S);
  return sendProblem(reply, REFUSALS[answer.status], answer.detail);
}
