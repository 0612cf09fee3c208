/** Proof bundles: everything a person needs to verify one record without asking anybody. */
import { AirtightError } from '@airtight/protocol';
import { type FieldDisclosure, formatBundle, inclusionFromTiles, type ProvenRecord, type TileSource, toDisclosure } from '@airtight/tlog';
import type { IngestClient } from '../upstream/ingest-client.ts';
import type { LedgerClient } from '../upstream/ledger-client.ts';
import { fromBase64 } from './answered-bytes.ts';
import { trustMembers } from './proof-anchors.ts';
import { checkpointOver } from './proof-checkpoint.ts';

interface ProofClients {
  readonly ingest: Pick<IngestClient, 'record' | 'disclosure' | 'inclusion'>;
  readonly ledger: Pick<LedgerClient, 'info' | 'file' | 'anchorsCovering'>;
}

/**
 * Builds the bundle of a record (`airtight-proof@1`): its bytes, its path in the batch, the batch's path in the ledger, and the
 * checkpoint as published, with what others hold of it.
 * @param keyPosition the record of the key with which the device signed, to be proven along with it
 * @param shown of a confidential record: which fields
 * @returns the text of the file
 * @throws AirtightError NOT_FOUND, RECORD_NOT_SEALED, RECORD_NOT_ANCHORED, SERVICE_UNAVAILABLE
 */
export async function buildProof(
  position: number,
  { ingest, ledger }: ProofClients,
  { keyPosition, shown }: { readonly keyPosition?: number | undefined; readonly shown?: ShownFields | undefined } = {},
): Promise<string> {
  const record = await readAnchored(position, ingest, shown);
  const key = keyPosition === undefined ? undefined : await readAnchored(keyPosition, ingest);
  const last = Math.max(record.ledgerIndex, key?.ledgerIndex ?? 0);
  const info = await ledger.info();
  const { size, checkpoint } = checkpointOver(last, info);
  const proven = await proveUnder(record, ledger, size);
  const deviceKey = key === undefined ? undefined : await proveUnder(key, ledger, size);
  const disclosure = record.disclosure === undefined ? {} : { disclosure: record.disclosure };
  const trust = await trustMembers(last, size, info, ledger);
  return formatBundle({ ...proven, checkpoint, ...disclosure, ...trust, ...(deviceKey === undefined ? {} : { deviceKey }) });
}

interface AnchoredRecord extends Pick<ProvenRecord, 'record' | 'position' | 'batch'> {
  readonly ledgerIndex: number;
  readonly disclosure?: FieldDisclosure;
}

/** Names separated by commas; absent: all fields. */
export interface ShownFields {
  readonly fields?: string | undefined;
}

async function readAnchored(position: number, ingest: ProofClients['ingest'], shown?: ShownFields): Promise<AnchoredRecord> {
  const [stored, inclusion] = await Promise.all([readShown(position, ingest, shown), ingest.inclusion(position)]);
  const { ledgerIndex } = inclusion;
  if (ledgerIndex === null) throw new AirtightError('RECORD_NOT_ANCHORED', `record ${position}`);
  const batch = { record: fromBase64(inclusion.batch), index: inclusion.index, path: inclusion.path.map(fromBase64) };
  return { ...stored, position, batch, ledgerIndex };
}

/** What the leaf covers: the record, or its commitment and what is shown of it. */
async function readShown(
  position: number,
  ingest: ProofClients['ingest'],
  shown: ShownFields | undefined,
): Promise<Pick<AnchoredRecord, 'record' | 'disclosure'>> {
  if (shown === undefined) return { record: (await ingest.record(position)).bytes };
  const { record, disclosure } = await ingest.disclosure(position, shown.fields);
  return { record: fromBase64(record), disclosure: toDisclosure(disclosure, 'disclosure') };
}

/** @param size of the tree that the checkpoint covers */
async function proveUnder(
  { ledgerIndex, disclosure: _, ...record }: AnchoredRecord,
  ledger: ProofClients['ledger'],
  size: number,
): Promise<ProvenRecord> {
  const source: TileSource = { read: async (path) => (await ledger.file(path)).bytes };
  return { ...record, ledger: { index: ledgerIndex, path: await inclusionFromTiles(source, ledgerIndex, size) } };
}
