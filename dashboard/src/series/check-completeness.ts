/** A completeness proof held against whom this browser trusts. */
import { type CompletenessVerdict, parseCompletenessProof, verifyCompleteness } from '@airtight/protocol';
import { type Fault, parsePolicy } from '@airtight/tlog';

export type CompletenessCheck =
  | { readonly ok: true; readonly value: CompletenessVerdict; readonly until: number }
  | { readonly ok: false; readonly fault: Fault };

/** @param policyText c2sp.org/tlog-policy */
export function checkCompleteness(text: string, policyText: string): CompletenessCheck {
  const proof = parseCompletenessProof(text);
  if (!proof.ok) return { ok: false, fault: proof };
  const policy = parsePolicy(policyText);
  if (!policy.ok) return { ok: false, fault: policy };
  return { ok: true, value: verifyCompleteness(proof.value, policy.value), until: proof.value.until };
}
