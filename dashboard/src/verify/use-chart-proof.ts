/** Fetches the proofs of a chart's readings and checks every point of it here, against whom this browser trusts. */
import { onScopeDispose, shallowRef } from 'vue';
import { apiUrl, getText } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { ledgerKnown } from '../live/ledger-known.ts';
import { useLive } from '../live/live-store.ts';
import type { ChartCheck, ShownChart } from './check-series.ts';
import { trustFor } from './trust.ts';

const API = '/api/v1';

export function useChartProof() {
  const live = useLive();
  const check = shallowRef<ChartCheck | null>(null);
  const problem = shallowRef<RequestProblem | null>(null);
  const busy = shallowRef(false);
  /** How long the checking itself took, without the request. */
  const tookMs = shallowRef(0);
  let asked = 0;
  onScopeDispose(() => {
    asked++;
  });

  function clear(): void {
    asked++;
    check.value = null;
    problem.value = null;
    busy.value = false;
  }

  /** @param read what is on the screen, once it is up to date; undefined when nothing is */
  async function verify(read: () => Promise<ShownChart | undefined>): Promise<void> {
    clear();
    const own = asked;
    busy.value = true;
    const chart = await read();
    if (own !== asked) return;
    if (chart === undefined) return clear();
    const { producer, dataset } = chart;
    const range = { from: new Date(chart.from).toISOString(), to: new Date(chart.to).toISOString() };
    const path = apiUrl('/proofs', { producer, dataset, ...range, pending: 'skip' }).slice(API.length);
    const answer = await getText(path);
    if (own !== asked) return;
    problem.value = answer.ok ? null : answer.problem;
    const trusted = trustFor((await ledgerKnown(live.ledger))?.vkey, live.now.value);
    if (own !== asked) return;
    if (answer.ok && trusted !== undefined) {
      const { checkChart } = await import('./check-series.ts');
      const startedAt = performance.now();
      check.value = checkChart(chart, answer.value, trusted.policy);
      tookMs.value = Math.max(1, Math.round(performance.now() - startedAt));
    }
    busy.value = false;
  }
  return { check, problem, busy, tookMs, verify, clear };
}
