/**
 * Receipts that a device kept, held against what the platform shows of the record. A receipt carries no signature: to others
 * it is the device's word. The ledger's checkpoint is signed. So each finding says what it rests on:
 *
 * | rests on | whoever doubts it                                                                             |
 * | -------- | --------------------------------------------------------------------------------------------- |
 * | ledger   | checks the signed checkpoint: the ledger holds what is not shown, or not what is shown         |
 * | receipt  | must believe that the device did not make the receipt up                                       |
 */
import { leafHash, openCheckpoint, type Policy, type ProofBundle, parseBatchTree, verifyInclusion } from '@airtight/tlog';
import { Value } from 'typebox/value';
import { decodeBatchRecord } from '../batches/batch.ts';
import type { Code } from '../codes.ts';
import { AnchoredReceipt, QuarantinedReceipt, type Receipt, StoredReceipt } from '../interfaces/mqtt-messages.ts';
import { accept, type Outcome, refuse } from '../outcome.ts';
import type { ProofVerdict } from './verify-proof.ts';

/** Each takes a proof of its own, of up to 4 MB. */
export const RECEIPTS_MAX = 1000;

/** Of a message that became a record. */
export type RecordReceipt = Exclude<Receipt, { readonly status: 'quarantined' }>;

export interface ReceiptLine {
  /** From 1. */
  readonly line: number;
  readonly receipt: Receipt;
}

export interface ReceiptVerdict {
  readonly ok: boolean;
  /** RECEIPT_HOLDS when it does. */
  readonly code: Code;
  readonly detail: string;
  /** Of a finding against the platform. */
  readonly restsOn?: 'ledger' | 'receipt';
}

/** An entry of the ledger with its path to a checkpoint. */
export interface LedgerEntryProof {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** Signed note. */
  readonly checkpoint: string;
}

/** Receipts as a device got them, JSON, one a line. @returns RECEIPT_MALFORMED naming the line */
export function parseReceipts(text: string): Outcome<ReceiptLine[]> {
  const lines = text.split('\n').map((one, at) => ({ line: at + 1, text: one.trim() }));
  const written = lines.filter((one) => one.text !== '');
  if (written.length === 0) return refuse('RECEIPT_MALFORMED', 'there is no receipt');
  if (written.length > RECEIPTS_MAX) return refuse('RECEIPT_MALFORMED', `${written.length} receipts; at most ${RECEIPTS_MAX} at a time`);
  const receipts: ReceiptLine[] = [];
  for (const { line, text } of written) {
    const receipt = parseReceipt(text);
    if (receipt === undefined) return refuse('RECEIPT_MALFORMED', `line ${line}`);
    receipts.push({ line, receipt });
  }
  return accept(receipts);
}

function parseReceipt(text: string): Receipt | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const isReceipt = [StoredReceipt, AnchoredReceipt, QuarantinedReceipt].some((schema) => Value.Check(schema, json));
    return isReceipt ? (json as Receipt) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Holds a receipt against the proof of its record.
 * @param verdict what `verifyProof` says of the bundle
 * @returns RECEIPT_HOLDS; RECEIPT_WITHHELD, RECEIPT_SWAPPED, RECEIPT_ANCHOR_MISMATCH, RECEIPT_CHECKPOINT_BEHIND, or the code of
 *   the first step of the proof that fails
 */
export function verifyReceipt(receipt: RecordReceipt, bundle: ProofBundle, verdict: ProofVerdict): ReceiptVerdict {
  if (bundle.position !== Number(receipt.record))
    return against('RECEIPT_WITHHELD', `the proof that is shown is of record ${bundle.position}`, 'receipt');
  if (receipt.status !== 'anchored' && leafHash(bundle.record).toHex() !== receipt.leafHash)
    return swapped(receipt.leafHash, bundle, verdict);
  const broken = verdict.steps.find(({ ok }) => !ok);
  if (broken !== undefined) return { ok: false, code: broken.code ?? 'PROOF_MISMATCH', detail: `${broken.step}: ${broken.detail}` };
  if (receipt.status !== 'anchored') return holds(`leaf hash ${receipt.leafHash} stands in the ledger`);
  const batch = decodeBatchRecord(bundle.batch.record);
  const seq = batch.ok ? batch.value.seq : undefined;
  if (bundle.ledger.index !== receipt.ledgerIndex || seq !== receipt.batch) {
    const said = `batch ${receipt.batch}, entry ${receipt.ledgerIndex}`;
    return against('RECEIPT_ANCHOR_MISMATCH', `the receipt says ${said}; shown is batch ${seq}, entry ${bundle.ledger.index}`, 'receipt');
  }
  const size = verdict.checkpoint?.size ?? 0;
  if (size < receipt.checkpointSize)
    return against('RECEIPT_CHECKPOINT_BEHIND', `${size} entries; the receipt says ${receipt.checkpointSize}`, 'receipt');
  return holds(`batch ${seq} is entry ${receipt.ledgerIndex} of ${size}`);
}

/**
 * What it means that no proof of the record is shown.
 * @param shown the code with which the platform refuses; NOT_FOUND where nobody was asked
 * @param entry of the ledger at the index that an anchored receipt names
 * @returns RECEIPT_WITHHELD; or `shown`, when it does not contradict the receipt: not in the ledger yet, removed by policy
 */
export function missingRecord(receipt: RecordReceipt, shown: Code, policy: Policy, entry?: LedgerEntryProof): ReceiptVerdict {
  const isEarly = shown === 'RECORD_NOT_SEALED' || shown === 'RECORD_NOT_ANCHORED';
  if (shown === 'RECORD_EXPIRED' || (isEarly && receipt.status !== 'anchored'))
    return { ok: false, code: shown, detail: `record ${receipt.record}` };
  const said = `${shown}: record ${receipt.record} is not shown`;
  if (entry !== undefined && receipt.status === 'anchored' && commitsTo(entry, receipt, policy)) {
    const detail = `${said}; entry ${entry.index} of the signed ledger is batch ${receipt.batch}, which holds this position`;
    return against('RECEIPT_WITHHELD', detail, 'ledger');
  }
  return against('RECEIPT_WITHHELD', said, 'receipt');
}

function holds(detail: string): ReceiptVerdict {
  return { ok: true, code: 'RECEIPT_HOLDS', detail };
}

function against(code: Code, detail: string, restsOn: 'ledger' | 'receipt'): ReceiptVerdict {
  return { ok: false, code, detail, restsOn };
}

/** Another record is shown. Where the path of its place leads the receipt's leaf to the sealed root, the ledger itself says which is true. */
function swapped(leafHex: string, bundle: ProofBundle, { steps }: ProofVerdict): ReceiptVerdict {
  const { record, batch } = bundle;
  const said = `the receipt says ${leafHex}; the record that is shown has ${leafHash(record).toHex()}`;
  const isSigned = ['ledger', 'checkpoint'].every((name) => steps.some(({ step, ok }) => step === name && ok));
  const tree = parseBatchTree(batch.record);
  if (isSigned && tree.ok && bundle.position === tree.value.first + batch.index) {
    const { root, count: size } = tree.value;
    if (verifyInclusion({ index: batch.index, size, leafHash: Uint8Array.fromHex(leafHex), path: batch.path, root }).ok)
      return against('RECEIPT_SWAPPED', `${said}; the signed ledger holds that of the receipt`, 'ledger');
  }
  return against('RECEIPT_SWAPPED', said, 'receipt');
}

/**
 * Is the entry under a checkpoint signed by a log of the policy, and is it the batch of the receipt with its position?
 * Cosignatures are not asked for: it is the log that is held to its word.
 */
function commitsTo({ entry, index, path, checkpoint: note }: LedgerEntryProof, receipt: RecordReceipt, policy: Policy): boolean {
  if (receipt.status !== 'anchored' || index !== receipt.ledgerIndex) return false;
  const checkpoint = openCheckpoint(
    new TextEncoder().encode(note),
    policy.logs.map(({ vkey }) => vkey),
  );
  const batch = decodeBatchRecord(entry);
  if (!checkpoint.ok || !batch.ok) return false;
  const { size, root } = checkpoint.value;
  if (!verifyInclusion({ index, size, leafHash: leafHash(entry), path, root }).ok) return false;
  const place = Number(receipt.record) - batch.value.first;
  return batch.value.seq === receipt.batch && place >= 0 && place < batch.value.count;
}
