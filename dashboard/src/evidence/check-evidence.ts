/** Holds the values of an evidence file against the proofs that it brings. Pure: the same in a browser and in a test. */
import { type ProofStepName, ProvenValues, toFault, type ValueFault, verifyProofs } from '@airtight/protocol';
import { type AnchorVerdict, type Checkpoint, type Cosigner, parsePolicy, parseProofSet, policyFingerprint } from '@airtight/tlog';
import type { EvidenceDocument, EvidenceValue } from './evidence-document.ts';

export interface CheckedValue extends EvidenceValue {
  /** Why it is not proven; none: it is. */
  readonly fault?: ValueFault;
}

export interface CheckedEvidence {
  /** True when every value is proven and no proven reading of the series is left out of the table. */
  readonly ok: boolean;
  readonly values: readonly CheckedValue[];
  /** How many of the values are proven. */
  readonly proven: number;
  /** Proven readings of this series and range that the table does not show. */
  readonly leftOut: number;
  /** Records in the proofs, and how many of them are proven: readings and what it takes to read them. */
  readonly records: number;
  readonly recordsProven: number;
  readonly signed: number;
  /** How many values fail first at which step. */
  readonly failing: ReadonlyMap<ProofStepName | 'value', number>;
  readonly checkpoint: Checkpoint | undefined;
  readonly cosigners: readonly Cosigner[];
  /** What others outside say of the ledger. */
  readonly anchors: readonly AnchorVerdict[];
  /** The policy asks for witnesses. */
  readonly witnessed: boolean;
  /** Fingerprint of the policy in the file. */
  readonly fingerprint: string;
}

export type EvidenceCheck =
  | { readonly ok: true; readonly value: CheckedEvidence }
  /** Proofs or policy cannot be read at all. */
  | { readonly ok: false; readonly what: 'proofs' | 'policy'; readonly code: string; readonly detail: string };

/** @param proofsText an `airtight-proof-set@1` */
export function checkEvidence(document: EvidenceDocument, proofsText: string): EvidenceCheck {
  const set = parseProofSet(proofsText);
  if (!set.ok) return { ok: false, what: 'proofs', code: set.code, detail: set.detail };
  const policy = parsePolicy(document.policy);
  if (!policy.ok) return { ok: false, what: 'policy', code: policy.code, detail: policy.detail };
  const verdict = verifyProofs(set.value, policy.value);
  const proven = new ProvenValues(verdict.records);
  const { producer, observedProperty } = document;
  const values = document.values.map((value): CheckedValue => {
    const fault = proven.faultOf({ ...value, producer, observedProperty, position: value.record });
    return fault === undefined ? value : { ...value, fault };
  });
  const leftOut = leftOutOf(document, proven);
  const failing = new Map<ProofStepName | 'value', number>();
  for (const { fault } of values) if (fault !== undefined) failing.set(fault.step, (failing.get(fault.step) ?? 0) + 1);
  const passed = values.filter(({ fault }) => fault === undefined).length;
  return {
    ok: true,
    value: {
      ok: values.length > 0 && passed === values.length && leftOut === 0 && verdict.shared.flatMap(toFault).length === 0,
      values,
      proven: passed,
      leftOut,
      records: verdict.records.length,
      recordsProven: verdict.records.filter(({ faults }) => faults.length === 0).length,
      signed: verdict.signed,
      failing,
      checkpoint: verdict.checkpoint,
      cosigners: verdict.cosigners,
      anchors: verdict.anchors,
      witnessed: policy.value.quorum !== null,
      fingerprint: policyFingerprint(policy.value),
    },
  };
}

function leftOutOf({ producer, dataset, observedProperty, from, to, values }: EvidenceDocument, proven: ProvenValues): number {
  const shown = new Set(values.map(({ record, phenomenonTime }) => `${record} ${phenomenonTime}`));
  const ofSeries = proven
    .all()
    .filter((one) => one.producer === producer && one.dataset === dataset && one.observedProperty === observedProperty)
    .filter(({ phenomenonTime }) => phenomenonTime >= from && phenomenonTime < to);
  return ofSeries.filter(({ position, phenomenonTime }) => !shown.has(`${position} ${phenomenonTime}`)).length;
}
