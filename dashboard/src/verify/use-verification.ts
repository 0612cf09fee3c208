/** One press of a "verify" button: fetch the proofs, check them here against whom this browser trusts, hold the answer. */
import { onScopeDispose, shallowRef } from 'vue';
import type { Answer, RequestProblem } from '../http/problem.ts';
import { ledgerKnown } from '../live/ledger-known.ts';
import { useLive } from '../live/live-store.ts';
import { trustFor } from './trust.ts';

export interface VerificationJob<T> {
  /** What it takes from the server; undefined when there is nothing to verify. */
  readonly fetch: () => Promise<Answer<readonly string[]> | undefined>;
  /** Loads the checking, which brings the cryptography. */
  readonly load: () => Promise<(proofTexts: readonly string[], policyText: string) => T>;
}

export function useVerification<T>() {
  const live = useLive();
  const check = shallowRef<T | null>(null);
  const problem = shallowRef<RequestProblem | null>(null);
  const busy = shallowRef(false);
  /** How long the checking itself took, without the requests. */
  const tookMs = shallowRef(0);
  let asked = 0;

  function clear(): void {
    asked++;
    check.value = null;
    problem.value = null;
    busy.value = false;
  }
  onScopeDispose(clear);

  async function run(job: VerificationJob<T>): Promise<void> {
    clear();
    const own = asked;
    busy.value = true;
    const answer = await job.fetch();
    if (own !== asked) return;
    if (answer === undefined) return clear();
    problem.value = answer.ok ? null : answer.problem;
    const trusted = trustFor((await ledgerKnown(live.ledger))?.vkey, live.now.value);
    if (own !== asked) return;
    if (answer.ok && trusted !== undefined) {
      const judge = await job.load();
      if (own !== asked) return;
      const startedAt = performance.now();
      check.value = judge(answer.value, trusted.policy);
      tookMs.value = Math.max(1, Math.round(performance.now() - startedAt));
    }
    busy.value = false;
  }
  return { check, problem, busy, tookMs, run, clear };
}
