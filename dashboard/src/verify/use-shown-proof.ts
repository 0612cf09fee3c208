/** "Verify what I see" of a screen's numbers: the page holds it, its cells ask it for their marks. */
import { computed, type InjectionKey, inject, provide } from 'vue';
import { useLive } from '../live/live-store.ts';
import type { FailingClaim, ShownCheck } from './check-shown.ts';
import { useCheckpoints } from './checkpoint-watch.ts';
import { fetchProofs } from './fetch-proofs.ts';
import { recordsOf, type ShownClaim } from './shown-claim.ts';
import { useVerification } from './use-verification.ts';

type FaultOf = (key: string) => FailingClaim | undefined;
const FAULTS: InjectionKey<FaultOf> = Symbol('faults');

export function useShownProof() {
  const live = useLive();
  const checkpoints = useCheckpoints();
  const { check, problem, busy, tookMs, run, clear } = useVerification<ShownCheck>();
  const faults = computed(() => new Map((check.value?.ok ? check.value.value.failing : []).map((one) => [one.claim.key, one])));
  provide(FAULTS, (key) => faults.value.get(key));

  /** @param claims what is on the screen at this moment: it may move on while it is checked */
  function verify(claims: readonly ShownClaim[]): Promise<void> {
    const anchored = live.ledger.value?.anchoredThrough ?? 0;
    const removed = new Set<number>();
    return run({
      fetch: async () => {
        if (claims.length === 0) return undefined;
        const positions = claims.flatMap(recordsOf);
        // A request of new records alone would be refused, and there is nothing to check yet.
        return positions.some((position) => position < anchored)
          ? fetchProofs(positions, (position) => removed.add(position))
          : { ok: true, value: [] };
      },
      load: async () => {
        const { checkShown } = await import('./check-shown.ts');
        return (texts, policy) => {
          const checked = checkShown(claims, texts, policy, removed);
          if (checked.ok) checkpoints.seeProven(checked.value.checkpoints);
          return checked;
        };
      },
    });
  }
  return { check, problem, busy, tookMs, verify, clear };
}

/** Why a cell fails, as the nearest page found it; undefined when it does not, or was not checked. */
export function useFaultOf(): FaultOf {
  return inject(FAULTS, () => undefined);
}
