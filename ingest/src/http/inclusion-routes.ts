/** Records with their place in a batch: one, or many with a shared proof for each batch. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { committedRecordIn, isSaltedBody } from '@airtight/protocol';
import { disclosureJson, encodeBase64, HASH_BYTES, inclusionPath, multiProof } from '@airtight/tlog';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { StoredBatch } from '../batch/batch-store.ts';
import { type BatchLeaves, leavesOf } from '../batch/leaf-hashes.ts';
import { nodeSha256 } from '../batch/running-root.ts';
import { discloseFields } from '../confidential/disclosure.ts';
import type { SaltKeys } from '../confidential/salt-keys.ts';
import type { IngestParts } from './parts.ts';
import { sendProblem } from './problem.ts';

/** Positions in one request: as many as a proof set has. */
const POSITIONS_MAX = 20_000;
/** Batches in one answer: a few milliseconds each for 4,096 records, and devices are served between any two. */
const ANSWER_BATCHES_MAX = 64;
/** Record bytes after which an answer takes no further batch. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
const position = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

export function addInclusionRoutes(server: FastifyInstance, parts: IngestParts): void {
  server.get<{ Params: { position: number } }>(
    '/records/:position/inclusion',
    { schema: { params: { type: 'object', required: ['position'], properties: { position } } } },
    async ({ params }, reply) => {
      if (params.position >= parts.journal.committed) return sendProblem(reply, 'NOT_FOUND', `record ${params.position}`);
      return sendInclusion(parts, params.position, reply);
    },
  );

  const positions = { type: 'array', minItems: 1, maxItems: POSITIONS_MAX, items: position } as const;
  server.post<{ Body: { positions: readonly number[] } }>(
    '/inclusions',
    { schema: { body: { type: 'object', required: ['positions'], properties: { positions } } } },
    async ({ body }, reply) => {
      const asked = body.positions;
      if (asked.some((one, at) => at > 0 && one <= (asked[at - 1] as number)))
        return sendProblem(reply, 'REQUEST_INVALID', 'positions ascend');
      return sendInclusions(parts, asked, reply);
    },
  );
}

function sendInclusion({ journal, batches }: IngestParts, at: number, reply: FastifyReply): FastifyReply {
  const stored = batches.find(at);
  if (stored === null) return sendProblem(reply, 'RECORD_NOT_SEALED', `record ${at}; sealed through ${batches.sealedThrough}`);
  const index = at - stored.batch.first;
  const path = inclusionPath(leavesOf(journal, stored).hashes, index, nodeSha256);
  return reply.send({
    position: at,
    seq: stored.batch.seq,
    index,
    count: stored.batch.count,
    path: path.map(encodeBase64),
    batch: stored.bytes.toString('base64'),
    ledgerIndex: stored.ledgerIndex,
  });
}

async function sendInclusions(
  { journal, batches, salts }: IngestParts,
  asked: readonly number[],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answer: object[] = [];
  let done = 0;
  let sizeBytes = 0;
  while (done < asked.length && answer.length < ANSWER_BATCHES_MAX && sizeBytes < ANSWER_MAX_BYTES) {
    const first = asked[done] as number;
    if (first >= journal.committed) return sendProblem(reply, 'NOT_FOUND', `record ${first}`);
    const stored = batches.find(first);
    if (stored === null) return sendProblem(reply, 'RECORD_NOT_SEALED', `record ${first}; sealed through ${batches.sealedThrough}`);
    if (stored.ledgerIndex === null) return sendProblem(reply, 'RECORD_NOT_ANCHORED', `record ${first}`);
    const end = stored.batch.first + stored.batch.count;
    const rest = asked.slice(done);
    const beyond = rest.findIndex((one) => one >= end);
    const here = beyond < 0 ? rest : rest.slice(0, beyond);
    const leaves = leavesOf(journal, stored);
    const expired = here.find((one) => leaves.bodies[one - stored.batch.first] === undefined);
    if (expired !== undefined) return sendProblem(reply, 'RECORD_EXPIRED', `record ${expired}`);
    const proven = provenIn(stored, here, leaves, salts);
    answer.push(proven.item);
    sizeBytes += proven.sizeBytes;
    done += here.length;
    await nextTurn();
  }
  return reply.send({ batches: answer, done });
}

function provenIn({ batch, bytes, ledgerIndex }: StoredBatch, here: readonly number[], leaves: BatchLeaves, salts: SaltKeys) {
  const places = here.map((one) => one - batch.first);
  const bodies = places.map((place) => leaves.bodies[place] as Uint8Array);
  const item = {
    seq: batch.seq,
    batch: bytes.toString('base64'),
    ledgerIndex,
    path: multiProof(leaves.hashes, places, nodeSha256).map(encodeBase64),
    records: places.map((place, at) => ({
      position: here[at],
      leafHash: encodeBase64(leaves.hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)),
      ...shownIn(bodies[at] as Uint8Array, here[at] as number, salts),
    })),
  };
  return { item, sizeBytes: bodies.reduce((sum, body) => sum + body.length, 0) };
}

/** What the leaf covers, and of a confidential record the whole content: the api gives it to nobody else than who may read it. */
function shownIn(body: Uint8Array, at: number, salts: SaltKeys): object {
  const record = Buffer.from(committedRecordIn(body)).toString('base64');
  return isSaltedBody(body) ? { record, disclosure: disclosureJson(discloseFields(body, at, 'whole', salts)) } : { record };
}
