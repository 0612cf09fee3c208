/** One press of "check": the parts of a completeness proof are fetched and checked one after the other, none is kept. */
import { onScopeDispose, ref, shallowRef } from 'vue';
import { apiUrl, getText } from '../http/http-client.ts';
import type { Answer, RequestProblem } from '../http/problem.ts';
import { ledgerKnown } from '../live/ledger-known.ts';
import { useLive } from '../live/live-store.ts';
import { trustFor } from '../verify/trust.ts';
import type { CompletenessCheck } from './check-completeness.ts';

export interface CompletenessQuestion {
  readonly producer: string;
  readonly dataset: string;
  /** Epoch ms, [from, to). */
  readonly from: number;
  readonly to: number;
}

const API = '/api/v1';
/** Batches of a part: a quarter of an hour of a busy journal, some 2 MB, checked in less than half a second. */
const PART_BATCHES = 1000;
/** The service makes one proof at a time. */
const BUSY_WAIT_MS = 1000;
const BUSY_TRIES_MAX = 30;

export function useCompleteness() {
  const live = useLive();
  const check = shallowRef<CompletenessCheck | null>(null);
  const problem = shallowRef<RequestProblem | null>(null);
  const busy = ref(false);
  /** How much of the range is checked, 0 to 1. */
  const progress = ref(0);
  let asking: AbortController | undefined;

  function clear(): void {
    asking?.abort();
    asking = undefined;
    check.value = null;
    problem.value = null;
    busy.value = false;
    progress.value = 0;
  }
  onScopeDispose(clear);

  async function run(question: CompletenessQuestion): Promise<void> {
    clear();
    const own = new AbortController();
    asking = own;
    busy.value = true;
    const trusted = trustFor((await ledgerKnown(live.ledger))?.vkey, live.now.value);
    if (trusted !== undefined) await checkParts(question, trusted.policy, own.signal);
    if (!own.signal.aborted) busy.value = false;
  }

  async function checkParts(question: CompletenessQuestion, policyText: string, signal: AbortSignal): Promise<void> {
    const { completenessChecker } = await import('./check-completeness.ts');
    const checker = completenessChecker(policyText);
    if (!checker.ok) {
      check.value = checker;
      return;
    }
    for (let part: Part | undefined = {}; part !== undefined; ) {
      const answer = await fetchPart(question, part, signal);
      if (signal.aborted) return;
      if (!answer.ok) {
        problem.value = answer.problem;
        return;
      }
      const taken = checker.value.take(answer.value);
      if (!taken.ok) {
        check.value = taken;
        return;
      }
      const { next, until, reachedAt } = taken;
      progress.value = Math.min(1, Math.max(0, (reachedAt - question.from) / (until - question.from)));
      part = next === undefined ? undefined : { batch: next, until: new Date(until).toISOString() };
    }
    check.value = checker.value.check();
  }
  return { check, problem, busy, progress, run, clear };
}

interface Part {
  readonly batch?: number;
  readonly until?: string;
}

async function fetchPart({ from, to, ...named }: CompletenessQuestion, part: Part, signal: AbortSignal): Promise<Answer<string>> {
  const range = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), batches: PART_BATCHES };
  const url = apiUrl('/completeness', { ...named, ...range, ...part }).slice(API.length);
  for (let tries = 1; ; tries++) {
    const answer = await getText(url, signal);
    if (answer.ok || answer.problem.code !== 'OVERLOADED' || tries >= BUSY_TRIES_MAX || signal.aborted) return answer;
    await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
  }
}
