/** A completeness proof held against whom this browser trusts, part by part as it comes. */
import { type CompletenessVerdict, CompletenessVerifier, parseCompletenessProof } from '@airtight/protocol';
import { type Fault, type Policy, parsePolicy } from '@airtight/tlog';

export type CompletenessCheck =
  | { readonly ok: true; readonly value: CompletenessVerdict; readonly until: number }
  | { readonly ok: false; readonly fault: Fault };

/** What the part that was taken says of the rest. */
export type PartTaken =
  | { readonly ok: true; readonly next: number | undefined; readonly until: number; readonly reachedAt: number }
  | { readonly ok: false; readonly fault: Fault };

/** @param policyText c2sp.org/tlog-policy */
export function completenessChecker(
  policyText: string,
): { readonly ok: true; readonly value: CompletenessChecker } | { readonly ok: false; readonly fault: Fault } {
  const policy = parsePolicy(policyText);
  return policy.ok ? { ok: true, value: new CompletenessChecker(policy.value) } : { ok: false, fault: policy };
}

export class CompletenessChecker {
  readonly #verifier: CompletenessVerifier;
  #until = 0;

  constructor(policy: Policy) {
    this.#verifier = new CompletenessVerifier(policy);
  }

  take(text: string): PartTaken {
    const part = parseCompletenessProof(text);
    if (!part.ok) return { ok: false, fault: part };
    this.#verifier.take(part.value);
    const { next, until } = part.value;
    this.#until = until;
    return { ok: true, next, until, reachedAt: this.#verifier.reachedAt ?? 0 };
  }

  check(): CompletenessCheck {
    return { ok: true, value: this.#verifier.verdict(), until: this.#until };
  }
}
