/** Checks a proof set in this browser: every record of the file, whatever it is about. */
import { type CheckedRecord, verifyProofs } from '@airtight/protocol';
import { type AnchorVerdict, PROOF_LIMITS, parsePolicy, parseProofSet } from '@airtight/tlog';
import type { CheckedStep, ProofLimitText } from './check-proof.ts';

export interface CheckedSet {
  readonly ok: boolean;
  readonly records: number;
  readonly proven: number;
  readonly failing: readonly CheckedRecord[];
  /** The steps that all records share: checkpoint, witnesses. */
  readonly shared: readonly CheckedStep[];
  readonly checkpoint: { readonly origin: string; readonly size: number } | null;
  /** The signed checkpoint that the proofs stand under. */
  readonly note: string;
  readonly limits: readonly ProofLimitText[];
  /** What others outside say; those that fail are among the shared steps. */
  readonly anchors: readonly AnchorVerdict[];
}

export type SetCheck =
  | { readonly ok: true; readonly value: CheckedSet }
  | { readonly ok: false; readonly what: 'bundle' | 'policy'; readonly code: string; readonly detail: string };

/** @param policyText c2sp.org/tlog-policy */
export function checkProofSet(text: string, policyText: string): SetCheck {
  const set = parseProofSet(text);
  if (!set.ok) return { ok: false, what: 'bundle', code: set.code, detail: set.detail };
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const { ok, records, shared, checkpoint, anchors } = verifyProofs(set.value, policy.value);
  const failing = records.filter(({ faults }) => faults.length > 0);
  return {
    ok: true,
    value: {
      ok,
      records: records.length,
      proven: records.length - failing.length,
      failing,
      shared: shared.map((step) => ({ ...step, hashes: [] })),
      checkpoint: checkpoint === undefined ? null : { origin: checkpoint.origin, size: checkpoint.size },
      note: set.value.checkpoint,
      limits: PROOF_LIMITS,
      anchors,
    },
  };
}
