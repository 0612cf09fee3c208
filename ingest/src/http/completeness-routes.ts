/** A run of batches with the proof of how many records one producer has in each, and these records. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { committedRecordIn, compareProducers, type ProducerCount, type ProducerName, producerHashes } from '@airtight/protocol';
import { encodeBase64, HASH_BYTES, multiProof } from '@airtight/tlog';
import type { FastifyInstance } from 'fastify';
import type { StoredBatch } from '../batch/batch-store.ts';
import { leavesOf, producersOf } from '../batch/leaf-hashes.ts';
import { nodeSha256 } from '../batch/running-root.ts';
import type { IngestParts } from './parts.ts';

/** Batches in one answer, … */
const ANSWER_BATCHES_MAX = 500;
/** … records that are gone through for it: a tenth of a second, devices being served between any two batches, … */
const ANSWER_RECORDS_MAX = 100_000;
/** … and record bytes after which it takes no further batch. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;
const whole = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const name = { type: 'string', minLength: 1, maxLength: 64 } as const;

interface Query extends ProducerName {
  /** Batch to begin with; absent: the last one that begins at or before `at`. */
  readonly seq?: number;
  /** Epoch ms. */
  readonly at: number;
  /** Epoch ms: the first batch that ends at or after it is the last. */
  readonly until: number;
}

export function addCompletenessRoutes(server: FastifyInstance, { batches, journal }: IngestParts): void {
  const properties = { agency: name, dataset: name, producer: name, seq: whole, at: whole, until: whole };
  const required = ['agency', 'dataset', 'producer', 'at', 'until'];
  server.get<{ Querystring: Query }>(
    '/completeness',
    { schema: { querystring: { type: 'object', required, properties } } },
    async ({ query }) => {
      const { at, until } = query;
      const items: object[] = [];
      let seq = query.seq ?? firstBefore(batches, at);
      let [records, sizeBytes, isEnd] = [0, 0, false];
      while (
        !isEnd &&
        seq < batches.anchored &&
        items.length < ANSWER_BATCHES_MAX &&
        records < ANSWER_RECORDS_MAX &&
        sizeBytes < ANSWER_MAX_BYTES
      ) {
        const stored = batches.read(seq);
        const item = itemOf(journal, stored, query);
        items.push(item.json);
        seq++;
        records += stored.batch.count;
        sizeBytes += item.sizeBytes;
        isEnd = stored.batch.lastAt >= until;
        await nextTurn();
      }
      return { batches: items, next: isEnd || seq >= batches.anchored ? null : seq };
    },
  );
}

/** A chain that is to cover a time from its beginning begins before it. */
function firstBefore(batches: IngestParts['batches'], at: number): number {
  const seq = batches.firstEndingAt(at);
  const isInside = seq > 0 && (seq >= batches.count || batches.read(seq).batch.firstAt > at);
  return isInside ? seq - 1 : seq;
}

function itemOf(journal: IngestParts['journal'], stored: StoredBatch, wanted: ProducerName) {
  const { index, places } = producersOf(journal, stored, wanted);
  const shown = shownLines(index, wanted);
  const head = {
    seq: stored.batch.seq,
    ledgerIndex: stored.ledgerIndex,
    lastAt: stored.batch.lastAt,
    record: stored.bytes.toString('base64'),
    lines: shown.map((at) => ({ index: at, line: lineOf(index[at] as ProducerCount) })),
    linesPath: multiProof(producerHashes(index, nodeSha256), shown, nodeSha256).map(encodeBase64),
  };
  if (places.length === 0) return { json: head, sizeBytes: 0 };
  const leaves = leavesOf(journal, stored);
  const records = places.map((place) => {
    const body = leaves.bodies[place];
    return {
      position: stored.batch.first + place,
      leafHash: encodeBase64(leaves.hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)),
      // Of a confidential record its commitment: it counts, and tells nothing.
      ...(body === undefined ? {} : { record: encodeBase64(committedRecordIn(body)) }),
    };
  });
  const path = multiProof(leaves.hashes, places, nodeSha256).map(encodeBase64);
  return { json: { ...head, path, records }, sizeBytes: records.reduce((sum, { record = '' }) => sum + record.length, 0) };
}

/** Places of the producer's own line, or of the one or two lines between which it would stand. */
function shownLines(index: readonly ProducerCount[], wanted: ProducerName): number[] {
  const at = index.findIndex((line) => compareProducers(line, wanted) >= 0);
  if (at < 0) return [index.length - 1];
  if (compareProducers(index[at] as ProducerCount, wanted) === 0 || at === 0) return [at];
  return [at - 1, at];
}

function lineOf({ agency, dataset, producer, count }: ProducerCount) {
  return [agency, dataset, producer, count] as const;
}
