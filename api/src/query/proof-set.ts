/** Proof sets: one file that proves many records under one checkpoint (`airtight-proof-set@1`). */
import { AirtightError, birthOf, CONTROL_PREFIX, decodeRecord, type RecordHeader, SIGNATURE_FIELD, transitionIn } from '@airtight/protocol';
import {
  formatProofSet,
  leafHash,
  multiProofFromTiles,
  type SetBatch,
  type SetRecord,
  type TileSource,
  toDisclosure,
} from '@airtight/tlog';
import type { ControlState } from '../control/control-state.ts';
import type { IngestClient, ProvenBatch, ProvenRecordText } from '../upstream/ingest-client.ts';
import type { LedgerClient } from '../upstream/ledger-client.ts';
import { fromBase64 } from './answered-bytes.ts';
import { trustMembers } from './proof-anchors.ts';
import { checkpointOver } from './proof-checkpoint.ts';

/** Records that one request may ask for: a week of readings, one a minute. */
export const PROOF_SET_ASKED_MAX = 10_000;
/** Of record bytes. */
const PROOF_SET_MAX_BYTES = 32 * 1024 * 1024;
/** Tiles that are fetched from the ledger at a time. */
const TILES_AT_ONCE = 16;

export interface ProofSetSource {
  readonly ingest: Pick<IngestClient, 'inclusions'>;
  readonly ledger: Pick<LedgerClient, 'info' | 'file' | 'anchorsCovering'>;
  readonly control: Pick<ControlState, 'signingKeyAt' | 'datasets' | 'contractAt'>;
  /** Throws when the person may not read the record. */
  readonly permit: (header: RecordHeader) => void;
}

/**
 * Builds the set of these records, and of what it takes to read and check them: definitions of their datasets, Sparkplug
 * births, keys of devices that sign, contracts that raised alerts.
 * @param asked journal positions, ascending, at least one
 * @returns the text of the file
 * @throws AirtightError PROOF_SET_TOO_LARGE, NOT_FOUND, RECORD_NOT_SEALED, RECORD_NOT_ANCHORED, SERVICE_UNAVAILABLE; what `permit` throws
 */
export async function buildProofSet(asked: readonly number[], source: ProofSetSource): Promise<string> {
  if (asked.length > PROOF_SET_ASKED_MAX) throw new AirtightError('PROOF_SET_TOO_LARGE', `more than ${PROOF_SET_ASKED_MAX} records`);
  const bySeq = new Map<number, ProvenBatch>();
  await addBatches(bySeq, asked, source);
  for (const { records } of bySeq.values()) for (const { header } of recordsOf(records)) source.permit(header);
  // What is needed beside needs nothing itself.
  const beside = neededBeside(
    [...bySeq.values()].flatMap(({ records }) => records),
    source.control,
  );
  await addBatches(bySeq, beside, source);
  const info = await source.ledger.info();
  const batches = [...bySeq.values()].sort((a, b) => a.ledgerIndex - b.ledgerIndex).map(toSetBatch);
  const indexes = batches.map(({ index }) => index);
  const { size, checkpoint } = checkpointOver(indexes.at(-1) as number, info);
  const ledger = await multiProofFromTiles(tilesOf(source.ledger), indexes, size);
  const trust = await trustMembers(indexes.at(-1) as number, size, info, source.ledger);
  return formatProofSet({ ...trust, checkpoint, ledger, batches });
}

/** Asks for batches until all positions are in one; a batch that is there already is asked for anew with all of its records. */
async function addBatches(bySeq: Map<number, ProvenBatch>, positions: readonly number[], { ingest }: ProofSetSource): Promise<void> {
  let sizeBytes = sizeOf(bySeq);
  for (let rest = positions; rest.length > 0; ) {
    const { batches, done } = await ingest.inclusions(rest);
    for (const batch of batches) {
      const known = bySeq.get(batch.seq);
      bySeq.set(batch.seq, known === undefined ? batch : await joined(known, batch, ingest));
      sizeBytes += batch.records.reduce((sum, { record }) => sum + record.length, 0);
    }
    if (sizeBytes > PROOF_SET_MAX_BYTES * (4 / 3)) throw new AirtightError('PROOF_SET_TOO_LARGE', `more than ${PROOF_SET_MAX_BYTES} bytes`);
    rest = rest.slice(done);
  }
}

function sizeOf(bySeq: ReadonlyMap<number, ProvenBatch>): number {
  return [...bySeq.values()].reduce((sum, { records }) => records.reduce((of, { record }) => of + record.length, sum), 0);
}

async function joined(known: ProvenBatch, more: ProvenBatch, ingest: ProofSetSource['ingest']): Promise<ProvenBatch> {
  const positions = new Set([...known.records, ...more.records].map(({ position }) => position));
  const { batches } = await ingest.inclusions([...positions].sort((a, b) => a - b));
  return batches[0] as ProvenBatch;
}

interface ReadRecord {
  readonly position: number;
  /** Base64. */
  readonly record: string;
  /** Of a confidential record. */
  readonly disclosure?: unknown;
}

function* recordsOf(records: readonly ReadRecord[]) {
  for (const { position, record, disclosure } of records) {
    const bytes = fromBase64(record);
    const decoded = decodeRecord(bytes);
    if (!decoded.ok) throw new AirtightError(decoded.code, decoded.detail);
    yield { position, ...decoded.value, bytes, disclosure };
  }
}

/** Positions of the records without which those that are there could not be read or checked. */
export function neededBeside(records: readonly ReadRecord[], control: ProofSetSource['control']): number[] {
  const needed = new Set<number>();
  const there = new Set<number>();
  for (const { position, header, payload, bytes, disclosure } of recordsOf(records)) {
    there.add(position);
    const { dataset, producer } = header;
    const signature = header.signature ?? shownSignature(disclosure);
    const definition = dataset.startsWith(CONTROL_PREFIX) ? undefined : control.datasets.versionAt(dataset, position)?.position;
    const key = signature === undefined ? undefined : control.signingKeyAt(producer, signature.kid, position)?.position;
    const raised = transitionIn({ header, payload });
    const contract = raised?.type === 'raise' ? control.contractAt(raised, position) : undefined;
    for (const one of [definition, key, contract, birthOf(bytes)]) if (one !== undefined) needed.add(one);
  }
  return [...needed].filter((position) => !there.has(position)).sort((a, b) => a - b);
}

/** The device's signature among what is shown of a confidential record. */
function shownSignature(disclosure: unknown): RecordHeader['signature'] {
  if (disclosure === undefined) return undefined;
  const shown = toDisclosure(disclosure, 'disclosure').fields.find(({ name }) => name === SIGNATURE_FIELD);
  return shown === undefined ? undefined : (JSON.parse(shown.value) as RecordHeader['signature']);
}

function toSetBatch({ batch, ledgerIndex, path, records }: ProvenBatch): SetBatch {
  const record = fromBase64(batch);
  return {
    record,
    index: ledgerIndex,
    entryHash: leafHash(record),
    path: path.map(fromBase64),
    records: records.map(toSetRecord),
  };
}

function toSetRecord({ position, leafHash: stated, record, disclosure }: ProvenRecordText): SetRecord {
  const shown = disclosure === undefined ? {} : { disclosure: toDisclosure(disclosure, `record ${position}`) };
  return { position, leafHash: fromBase64(stated), record: fromBase64(record), ...shown };
}

/** The ledger's tiles, a bounded number at a time. */
function tilesOf(ledger: Pick<LedgerClient, 'file'>): TileSource {
  let free = TILES_AT_ONCE;
  const waiting: (() => void)[] = [];
  return {
    async read(path) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return (await ledger.file(path)).bytes;
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
