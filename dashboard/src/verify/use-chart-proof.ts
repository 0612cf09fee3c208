/** Fetches the proofs of a chart's readings and checks every point of it here, against whom this browser trusts. */
import { apiUrl, getText } from '../http/http-client.ts';
import type { ChartCheck, ShownChart } from './check-series.ts';
import { useCheckpoints } from './checkpoint-watch.ts';
import { useVerification } from './use-verification.ts';

const API = '/api/v1';

export function useChartProof() {
  const checkpoints = useCheckpoints();
  const { check, problem, busy, tookMs, run, clear } = useVerification<ChartCheck>();

  /** @param read what is on the screen, once it is up to date; undefined when nothing is */
  function verify(read: () => Promise<ShownChart | undefined>): Promise<void> {
    let chart: ShownChart | undefined;
    return run({
      fetch: async () => {
        chart = await read();
        if (chart === undefined) return undefined;
        const { producer, dataset } = chart;
        const range = { from: new Date(chart.from).toISOString(), to: new Date(chart.to).toISOString() };
        const answer = await getText(apiUrl('/proofs', { producer, dataset, ...range, pending: 'skip' }).slice(API.length));
        return answer.ok ? { ok: true, value: [answer.value] } : answer;
      },
      load: async () => {
        const { checkChart } = await import('./check-series.ts');
        return ([text], policy) => {
          const checked = checkChart(chart as ShownChart, text as string, policy);
          if (checked.ok) checkpoints.seeProven([checked.value.note]);
          return checked;
        };
      },
    });
  }
  return { check, problem, busy, tookMs, verify, clear };
}
