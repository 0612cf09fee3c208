/**
 * Verification of a proof set: for each record the steps of verifyBundle, and of each step that fails which records fail
 * with it.
 *
 * - record: the record's own.
 * - batch: the record's leaf hash is the one that the file states, and the stated ones lead to the root in the batch
 *   record. A changed record fails alone; a changed path, or stated hash, fails all records of its batch.
 * - ledger: the batch record's hash is the one that the file states, and the stated ones lead to the root in the
 *   checkpoint. A changed batch record fails its own records; a changed path fails all.
 * - checkpoint, witnesses: of all records.
 * - anchor: of the file. One that is wrong fails the file and not its records: they are proven without it.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type AnchorTrust, type AnchorVerdict, verifyAnchors } from './anchor.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { FieldDisclosure } from './field-tree.ts';
import { leafHash } from './merkle.ts';
import { rootFromMultiProof } from './multi-proof.ts';
import type { Policy } from './policy.ts';
import type { ProofSet, SetBatch, SetRecord } from './proof-set.ts';
import { nobleSha256, type Sha256 } from './sha256.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { type Cosigner, readCheckpoint, verifyQuorum } from './trusted-checkpoint.ts';
import { type Fault, fail, type TlogCode, type Verdict } from './verdict.ts';
import {
  anchorSteps,
  type BundleStep,
  type BundleStepName,
  checkpointStep,
  hasHeaderLine,
  parseBatchTree,
  witnessesStep,
} from './verify-bundle.ts';

export interface SetFault {
  readonly step: BundleStepName;
  readonly code: TlogCode;
  readonly detail: string;
}

export interface SetRecordVerdict {
  readonly position: number;
  readonly record: Uint8Array;
  /** As the set has it; worth nothing before it is held against the record. */
  readonly disclosure?: FieldDisclosure;
  /** In the order of the steps; empty: the record is proven. */
  readonly faults: readonly SetFault[];
}

export interface ProofSetVerdict {
  /** True when every record is proven. What that does not prove: PROOF_LIMITS. */
  readonly ok: boolean;
  /** One for each record of the set, in its order. */
  readonly records: readonly SetRecordVerdict[];
  /** The steps that all records share: checkpoint, witnesses, and each anchor that was checked. */
  readonly shared: readonly BundleStep[];
  /** As the set has it; worth what the step `checkpoint` says. None when it cannot be read. */
  readonly checkpoint?: Checkpoint;
  /** Witnesses of the policy whose cosignatures verify. */
  readonly cosigners: readonly Cosigner[];
  /** One for each anchor of the set. */
  readonly anchors: readonly AnchorVerdict[];
}

/** Verifies a set against a policy. Never throws for anything a set may hold. */
export function verifyProofSet(
  set: ProofSet,
  policy: Policy,
  algorithms: SignatureAlgorithms = nobleAlgorithms,
  sha: Sha256 = nobleSha256,
  trust: AnchorTrust = {},
): ProofSetVerdict {
  const note = new TextEncoder().encode(set.checkpoint);
  const checkpoint = readCheckpoint(note);
  const cosigners = verifyQuorum(note, policy, algorithms);
  const ofAll = [checkpointStep(note, policy, algorithms), witnessesStep(cosigners, policy)];
  const anchors = verifyAnchors(set.anchors ?? [], checkpoint, set.batches.at(-1)?.index ?? 0, trust);
  const shared = [...ofAll, ...anchorSteps(anchors)];
  const sharedFaults = ofAll.flatMap(({ step, code, detail }) => (code === undefined ? [] : [{ step, code, detail }]));
  const tree = ledgerFault(set, checkpoint, sha);
  const records = set.batches.flatMap((batch) => {
    const ledger = tree ?? entryFault(batch, sha);
    const after = [...(ledger === undefined ? [] : [ledger]), ...sharedFaults];
    const path = batchFault(batch, sha);
    return batch.records.map((record) => ({
      position: record.position,
      record: record.record,
      ...(record.disclosure === undefined ? {} : { disclosure: record.disclosure }),
      faults: [...recordFaults(record, path, sha), ...after],
    }));
  });
  return {
    ok: records.length > 0 && shared.every(({ ok }) => ok) && records.every(({ faults }) => faults.length === 0),
    records,
    shared,
    ...(checkpoint.ok ? { checkpoint: checkpoint.value } : {}),
    cosigners: cosigners.ok ? cosigners.value : [],
    anchors,
  };
}

function faultOf(step: BundleStepName, { code, detail }: Fault): SetFault {
  return { step, code, detail };
}

/** What is wrong with a record: its own form and hash, or the path of its batch. */
function recordFaults({ record, leafHash: stated }: SetRecord, path: SetFault | undefined, sha: Sha256): SetFault[] {
  const faults: SetFault[] = [];
  if (!hasHeaderLine(record)) {
    faults.push(faultOf('record', fail('RECORD_MALFORMED', 'the record does not begin with a header line of JSON')));
  }
  const computed = leafHash(record, sha);
  if (!equalBytes(computed, stated)) {
    const detail = `the leaf hash is ${bytesToHex(computed)}; the proof is for ${bytesToHex(stated)}`;
    faults.push(faultOf('batch', fail('PROOF_MISMATCH', detail)));
  } else if (path !== undefined) faults.push(path);
  return faults;
}

/** Why the stated leaf hashes of a batch do not lead to the root in its record. */
function batchFault({ record, records, path }: SetBatch, sha: Sha256): SetFault | undefined {
  const tree = parseBatchTree(record);
  if (!tree.ok) return faultOf('batch', tree);
  const { root, count, first } = tree.value;
  const leaves = records.map(({ position, leafHash: stated }) => ({ index: position - first, leafHash: stated }));
  const fault = mismatch(rootFromMultiProof({ size: count, leaves, hashes: path }, sha), root, 'batch record');
  return fault === undefined ? undefined : faultOf('batch', fault);
}

function entryFault({ record, entryHash: stated }: SetBatch, sha: Sha256): SetFault | undefined {
  const computed = leafHash(record, sha);
  if (equalBytes(computed, stated)) return undefined;
  return faultOf('ledger', fail('PROOF_MISMATCH', `the entry hash is ${bytesToHex(computed)}; the proof is for ${bytesToHex(stated)}`));
}

/** Why the stated entry hashes do not lead to the root in the checkpoint. */
function ledgerFault({ batches, ledger }: ProofSet, checkpoint: Verdict<Checkpoint>, sha: Sha256): SetFault | undefined {
  if (!checkpoint.ok) return faultOf('ledger', checkpoint);
  const { size, root } = checkpoint.value;
  const leaves = batches.map(({ index, entryHash }) => ({ index, leafHash: entryHash }));
  const fault = mismatch(rootFromMultiProof({ size, leaves, hashes: ledger }, sha), root, 'checkpoint');
  return fault === undefined ? undefined : faultOf('ledger', fault);
}

function mismatch(computed: Verdict<Uint8Array>, root: Uint8Array, where: string): Fault | undefined {
  if (!computed.ok) return computed;
  if (equalBytes(computed.value, root)) return undefined;
  return fail('PROOF_MISMATCH', `the hashes lead to root ${bytesToHex(computed.value)}; the ${where} says ${bytesToHex(root)}`);
}
