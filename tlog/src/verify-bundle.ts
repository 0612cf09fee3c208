/**
 * Verification of a proof bundle, link by link. Every step is taken whatever became of the ones before, each on what
 * the bundle itself says, so that exactly the links that are broken fail:
 *
 * | step       | establishes                                                              | compares                                    |
 * | ---------- | ------------------------------------------------------------------------ | ------------------------------------------- |
 * | record     | the record is well-formed; its leaf hash                                 | –                                           |
 * | batch      | the record stands in the batch at the position it claims                 | leaf hash → root in the batch record        |
 * | ledger     | the batch record is an entry of the ledger                               | its entry hash → root in the checkpoint     |
 * | checkpoint | the checkpoint was signed by a log that the policy knows                 | signature                                   |
 * | witnesses  | enough independent witnesses have cosigned it                            | cosignatures, quorum                        |
 * | anchor     | others hold a checkpoint of this log that covers the record, since when  | consistency, receipt; one step for each     |
 *
 * An anchor of which the verifier cannot check everything is no step: `anchors` tells what is left open.
 *
 * So a changed digit in the record fails at `batch` alone: the record still has a leaf hash, but not the one that the
 * batch holds. A changed batch record fails at `batch` (its root) and at `ledger`, a changed checkpoint at `ledger` and
 * `checkpoint`, a changed signature at `checkpoint` alone.
 */

import { equalBytes } from '@noble/curves/utils.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { type AnchorTrust, type AnchorVerdict, verifyAnchors } from './anchor.ts';
import type { Checkpoint } from './checkpoint.ts';
import { rootFromInclusion } from './inclusion.ts';
import { leafHash } from './merkle.ts';
import type { Policy } from './policy.ts';
import type { ProofBundle } from './proof-bundle.ts';
import { nobleAlgorithms, type SignatureAlgorithms } from './signature.ts';
import { type Cosigner, openCheckpoint, readCheckpoint, verifyQuorum } from './trusted-checkpoint.ts';
import { type Fault, fail, pass, type TlogCode, type Verdict } from './verdict.ts';

export type BundleStepName = 'record' | 'batch' | 'ledger' | 'checkpoint' | 'witnesses' | 'anchor';

/** Lower-case hex hashes that a step computed or compared. */
export interface StepHashes {
  /** Of the record, and of the batch record as an entry of the ledger. */
  readonly leafHash?: string;
  readonly entryHash?: string;
  /** Root that the path leads to, and root that it must lead to. */
  readonly computedRoot?: string;
  readonly expectedRoot?: string;
}

export interface BundleStep {
  readonly step: BundleStepName;
  readonly ok: boolean;
  /** Why it failed; none when it passed. */
  readonly code?: TlogCode;
  /** What was established, or what is wrong: names, numbers and hashes. */
  readonly detail: string;
  readonly hashes: StepHashes;
}

export interface BundleVerdict {
  /** True when every step passed. What that does not prove: PROOF_LIMITS. */
  readonly ok: boolean;
  readonly steps: readonly BundleStep[];
  /** As the bundle has it; worth what the step `checkpoint` says. None when it cannot be read. */
  readonly checkpoint?: Checkpoint;
  /** Witnesses of the policy whose cosignatures verify. */
  readonly cosigners: readonly Cosigner[];
  /** One for each anchor of the bundle; those that are not `unchecked` are steps too. */
  readonly anchors: readonly AnchorVerdict[];
}

/** What the batch record must tell for its tree to be checked. */
export interface BatchTree {
  readonly root: Uint8Array;
  readonly count: number;
  /** Journal position of the first record. */
  readonly first: number;
}

const RECORD_HEADER_MAX_BYTES = 2048;
const BATCH_RECORD_MAX_BYTES = 1024;
/** In both the leaf hash covers what the bundle calls the record; what that is, its header says. */
const COMMITMENTS: readonly unknown[] = ['plain', 'salted-fields'];
const NEWLINE = 0x0a;

/** Verifies a bundle against a policy. Never throws for anything a bundle may hold. */
export function verifyBundle(
  bundle: ProofBundle,
  policy: Policy,
  algorithms: SignatureAlgorithms = nobleAlgorithms,
  trust: AnchorTrust = {},
): BundleVerdict {
  const note = new TextEncoder().encode(bundle.checkpoint);
  const checkpoint = readCheckpoint(note);
  const cosigners = verifyQuorum(note, policy, algorithms);
  const lastIndex = Math.max(bundle.ledger.index, bundle.deviceKey?.ledger.index ?? 0);
  const anchors = verifyAnchors(bundle.anchors ?? [], checkpoint, lastIndex, trust);
  const steps = [
    recordStep(bundle),
    batchStep(bundle),
    ledgerStep(bundle, checkpoint),
    checkpointStep(note, policy, algorithms),
    witnessesStep(cosigners, policy),
    ...anchorSteps(anchors),
  ];
  return {
    ok: steps.every((step) => step.ok),
    steps,
    ...(checkpoint.ok ? { checkpoint: checkpoint.value } : {}),
    cosigners: cosigners.ok ? cosigners.value : [],
    anchors,
  };
}

/** The anchors that were checked, as steps. */
export function anchorSteps(anchors: readonly AnchorVerdict[]): BundleStep[] {
  return anchors
    .filter(({ state }) => state !== 'unchecked')
    .map(({ sink, state, code, detail }) => ({
      step: 'anchor',
      ok: state === 'verified',
      ...(code === undefined ? {} : { code }),
      detail: `${sink}: ${detail}`,
      hashes: {},
    }));
}

function passed(step: BundleStepName, detail: string, hashes: StepHashes = {}): BundleStep {
  return { step, ok: true, detail, hashes };
}

function failed(step: BundleStepName, { code, detail }: Fault, hashes: StepHashes = {}): BundleStep {
  return { step, ok: false, code, detail, hashes };
}

/** Record bytes are a header line of JSON, a newline, and the payload. The fields of the header mean nothing here. */
function recordStep({ record }: ProofBundle): BundleStep {
  const hashes = { leafHash: bytesToHex(leafHash(record)) };
  if (!hasHeaderLine(record)) {
    return failed('record', fail('RECORD_MALFORMED', 'the record does not begin with a header line of JSON'), hashes);
  }
  return passed('record', `${record.length} bytes, leaf hash ${hashes.leafHash}`, hashes);
}

/** Whether record bytes begin with a header line of JSON. */
export function hasHeaderLine(record: Uint8Array): boolean {
  const headerEnd = record.subarray(0, RECORD_HEADER_MAX_BYTES + 1).indexOf(NEWLINE);
  return headerEnd >= 0 && objectOf(record.subarray(0, headerEnd)) !== null;
}

function batchStep({ record, position, batch }: ProofBundle): BundleStep {
  const leaf = leafHash(record);
  const leafHex = bytesToHex(leaf);
  const tree = parseBatchTree(batch.record);
  if (!tree.ok) return failed('batch', tree, { leafHash: leafHex });
  const { root, count, first } = tree.value;
  const expectedRoot = bytesToHex(root);
  const computed = rootFromInclusion({ index: batch.index, size: count, leafHash: leaf, path: batch.path });
  if (!computed.ok) return failed('batch', computed, { leafHash: leafHex, expectedRoot });
  const hashes = { leafHash: leafHex, computedRoot: bytesToHex(computed.value), expectedRoot };
  if (!equalBytes(computed.value, root)) {
    const detail = `leaf hash ${leafHex} leads to root ${hashes.computedRoot}; the batch record says ${expectedRoot}`;
    return failed('batch', fail('PROOF_MISMATCH', detail), hashes);
  }
  if (position !== first + batch.index) {
    const detail = `place ${batch.index} of the batch from position ${first} on is ${first + batch.index}, not ${position}`;
    return failed('batch', fail('PROOF_MISMATCH', detail), hashes);
  }
  return passed('batch', `record ${batch.index + 1} of ${count} in the batch, position ${position}`, hashes);
}

/** @returns BATCH_MALFORMED when the bytes do not name root, count and first, or name a tree that is not known here */
export function parseBatchTree(bytes: Uint8Array): Verdict<BatchTree> {
  const fields = bytes.length <= BATCH_RECORD_MAX_BYTES ? objectOf(bytes) : null;
  if (fields === null) return fail('BATCH_MALFORMED', 'the batch record is not a JSON object of at most 1 KiB');
  const { root, count, first, tree = 'rfc6962-sha256', commitment = 'plain' } = fields;
  const isOrdinal = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (typeof root !== 'string' || !/^[0-9a-f]{64}$/.test(root) || !isOrdinal(count) || !isOrdinal(first)) {
    return fail('BATCH_MALFORMED', 'the batch record does not name root, count and first');
  }
  if (tree !== 'rfc6962-sha256' || !COMMITMENTS.includes(commitment)) {
    return fail('BATCH_MALFORMED', `tree ${tree} with commitment ${commitment} is not known here`);
  }
  return pass({ root: hexToBytes(root), count, first });
}

function objectOf(bytes: Uint8Array): { readonly [key: string]: unknown } | null {
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return json !== null && typeof json === 'object' && !Array.isArray(json) ? json : null;
  } catch {
    return null;
  }
}

function ledgerStep({ batch, ledger }: ProofBundle, checkpoint: Verdict<Checkpoint>): BundleStep {
  const entry = leafHash(batch.record);
  const entryHash = bytesToHex(entry);
  if (!checkpoint.ok) return failed('ledger', checkpoint, { entryHash });
  const { size, root } = checkpoint.value;
  const expectedRoot = bytesToHex(root);
  const computed = rootFromInclusion({ index: ledger.index, size, leafHash: entry, path: ledger.path });
  if (!computed.ok) return failed('ledger', computed, { entryHash, expectedRoot });
  const hashes = { entryHash, computedRoot: bytesToHex(computed.value), expectedRoot };
  if (equalBytes(computed.value, root)) return passed('ledger', `entry ${ledger.index} of ${size}`, hashes);
  const detail = `entry hash ${entryHash} leads to root ${hashes.computedRoot}; the checkpoint says ${expectedRoot}`;
  return failed('ledger', fail('PROOF_MISMATCH', detail), hashes);
}

/** Was the checkpoint signed by a log of the policy? */
export function checkpointStep(note: Uint8Array, policy: Policy, algorithms: SignatureAlgorithms): BundleStep {
  const opened = openCheckpoint(
    note,
    policy.logs.map(({ vkey }) => vkey),
    algorithms,
  );
  if (!opened.ok) return failed('checkpoint', opened);
  return passed('checkpoint', `signed by ${opened.value.origin} at size ${opened.value.size}`);
}

/** Have enough witnesses cosigned it? */
export function witnessesStep(cosigners: Verdict<Cosigner[]>, policy: Policy): BundleStep {
  if (!cosigners.ok) return failed('witnesses', cosigners);
  const names = cosigners.value.map(({ name, time }) => `${name} at ${new Date(time * 1000).toISOString()}`).join(', ');
  if (policy.quorum === null) return passed('witnesses', `the policy asks for no witness; cosigned by ${names || 'nobody'}`);
  return passed('witnesses', `cosigned by ${names}; the quorum ${policy.quorum} is met`);
}
