/** Completeness proofs: that of a producer's records in a range nothing was left out (`airtight-completeness@1`). */
import {
  AirtightError,
  CLOCK_AHEAD_MAX_MS,
  COMPLETENESS_MAX_RECORDS,
  COMPLETENESS_PART_MAX_CHARACTERS,
  type ControlRecord,
  formatCompletenessProof,
  type ProducerName,
  REMOVALS_DATASETS,
  removalsOf,
} from '@airtight/protocol';
import { inclusionFromTiles } from '@airtight/tlog';
import { DATABASE } from '../project/schema.ts';
import type { Store } from '../project/store.ts';
import type { CountedBatch, IngestClient } from '../upstream/ingest-client.ts';
import type { LedgerClient } from '../upstream/ledger-client.ts';
import { quoteText } from './literal.ts';
import { checkpointOver } from './proof-checkpoint.ts';
import { buildProofSet, neededBeside, type ProofSetSource } from './proof-set.ts';

export interface CompletenessSource {
  readonly ingest: Pick<IngestClient, 'completeness' | 'inclusions'>;
  readonly ledger: Pick<LedgerClient, 'info' | 'file' | 'anchorsCovering'>;
  readonly control: ProofSetSource['control'];
  readonly store: Pick<Store, 'query'>;
}

export interface CompletenessRange extends ProducerName {
  /** Epoch ms: readings of the time [from, to), as received until then. */
  readonly from: number;
  readonly to: number;
  readonly until: number;
  /** Batch to begin with; absent: the one that reaches before the range. */
  readonly batch?: number | undefined;
  /** Batches at the most, up to COMPLETENESS_MAX_BATCHES. */
  readonly batches: number;
}

/**
 * Builds the proof of a range, or the next part of it.
 * @returns the text of the file
 * @throws AirtightError RECORD_NOT_ANCHORED, SERVICE_UNAVAILABLE
 */
export async function buildCompleteness(asked: CompletenessRange, source: CompletenessSource): Promise<string> {
  const { batches, next } = await readBatches(asked, source.ingest);
  const last = batches.at(-1);
  if (last === undefined) throw new AirtightError('RECORD_NOT_ANCHORED', 'no batch of this time is in the ledger yet');
  const { size, checkpoint } = checkpointOver(last.ledgerIndex, await source.ledger.info());
  const tiles = { read: async (path: string) => (await source.ledger.file(path)).bytes };
  const beside = await besideOf(asked, batches, source);
  const { agency, dataset, producer, from, to } = asked;
  return formatCompletenessProof({
    ...{ agency, dataset, producer, from, to, checkpoint },
    // What is not in the ledger yet is not spoken of.
    ...(next === null ? { until: Math.min(asked.until, last.lastAt) } : { until: asked.until, next }),
    ledger: { index: last.ledgerIndex, path: await inclusionFromTiles(tiles, last.ledgerIndex, size) },
    batches: batches.map(({ seq: _seq, ledgerIndex: _ledgerIndex, lastAt: _lastAt, ...batch }) => batch),
    ...(beside === undefined ? {} : { beside }),
  });
}

interface Part {
  readonly batches: readonly CountedBatch[];
  /** Batch with which the next part begins; null: the range ends here. */
  readonly next: number | null;
}

/** Batches until the range or the room in a part ends. There is room for one batch always. */
async function readBatches(asked: CompletenessRange, ingest: CompletenessSource['ingest']): Promise<Part> {
  const { agency, dataset, producer, from, until } = asked;
  const query = { agency, dataset, producer, at: Math.max(0, from - CLOCK_AHEAD_MAX_MS), until };
  const batches: CountedBatch[] = [];
  let [records, characters] = [0, 0];
  let seq: number | null | undefined = asked.batch;
  do {
    const answer = await ingest.completeness({ ...query, seq });
    for (const batch of answer.batches) {
      const { records: own = [] } = batch;
      const isFull =
        batches.length >= asked.batches ||
        records + own.length > COMPLETENESS_MAX_RECORDS ||
        (batches.length > 0 && characters > COMPLETENESS_PART_MAX_CHARACTERS);
      if (isFull) return { batches, next: batch.seq };
      batches.push(batch);
      records += own.length;
      characters += own.reduce((sum, { record = '' }) => sum + record.length, 0);
    }
    seq = answer.next;
  } while (seq !== null);
  return { batches, next: null };
}

/** The proof set of what it takes to read the records: definitions, births, keys, and who removed what is removed. */
async function besideOf(
  { dataset, producer }: CompletenessRange,
  batches: readonly CountedBatch[],
  source: CompletenessSource,
): Promise<string | undefined> {
  const { control, ingest, ledger, store } = source;
  const shown = batches.flatMap(({ records = [] }) => records);
  const needed = new Set(
    neededBeside(
      shown.flatMap(({ position, record }) => (record === undefined ? [] : [{ position, record }])),
      control,
    ),
  );
  // Without any record there is still a definition, which tells how often one is expected.
  const definition = control.datasets.versionAt(dataset, Number.MAX_SAFE_INTEGER)?.position;
  if (needed.size === 0 && definition !== undefined) needed.add(definition);
  const removed = shown.flatMap(({ position, record }) => (record === undefined ? [position] : []));
  for (const position of await removalRecords({ dataset, producer }, removed, store)) needed.add(position);
  if (needed.size === 0) return undefined;
  const asked = [...needed].sort((a, b) => a - b);
  // They are given to whoever may read the dataset: a definition, a public key, a birth of its own, the word of what was removed.
  return buildProofSet(asked, { ingest, ledger, control, permit: () => undefined });
}

/** Positions of the records that say that these were removed. */
async function removalRecords(
  { dataset, producer }: Pick<CompletenessRange, 'dataset' | 'producer'>,
  removed: readonly number[],
  store: CompletenessSource['store'],
): Promise<number[]> {
  if (removed.length === 0) return [];
  const datasets = REMOVALS_DATASETS.map(quoteText).join(', ');
  const sql = `SELECT position, payload FROM ${DATABASE}.control WHERE dataset IN (${datasets}) ORDER BY position`;
  return (await store.query(sql)).flatMap(([position, payload]) => {
    const isOurs = removalsOf(JSON.parse(String(payload)) as ControlRecord).some(
      (removal) =>
        removal.dataset === dataset &&
        (removal.producer === undefined || removal.producer === producer) &&
        removed.some((one) => one >= removal.fromPosition && one <= removal.toPosition),
    );
    return isOurs ? [Number(position)] : [];
  });
}
