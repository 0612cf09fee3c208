/** One backtest: started, looked after until it ends, cancelled; also when the screen is left. */
import { onScopeDispose, ref, shallowRef } from 'vue';
import { getJson, sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import type { BacktestJob } from './contract-items.ts';
import { useContractAct } from './use-contract-act.ts';

/** How often it is asked how far it is. */
const LOOK_EVERY_MS = 500;

export interface BacktestAsk {
  readonly text: string;
  /** RFC 3339 */
  readonly from: string;
  readonly to: string;
  /** `current`, or a version. */
  readonly against?: string;
}

export function useBacktest() {
  const { send, busy, problem } = useContractAct();
  const job = shallowRef<BacktestJob | null>(null);
  const running = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function look(id: string): Promise<void> {
    const answer = await getJson<BacktestJob>(`/contracts/backtest/${id}`);
    // Cancelled, or another was started meanwhile.
    if (job.value?.id !== id || !running.value) return;
    if (answer.ok) follow(answer.value);
    else stop(answer.problem);
  }
  function follow(next: BacktestJob): void {
    job.value = next;
    running.value = next.state === 'running';
    if (running.value) timer = setTimeout(() => void look(next.id), LOOK_EVERY_MS);
  }
  function stop(why: RequestProblem | null): void {
    clearTimeout(timer);
    running.value = false;
    job.value = null;
    problem.value = why;
  }
  async function start(ask: BacktestAsk): Promise<void> {
    job.value = null;
    const started = await send<BacktestJob>('/backtest', ask);
    if (started !== undefined) follow(started);
  }
  async function cancel(): Promise<void> {
    const id = job.value?.id;
    if (id === undefined || !running.value) return;
    stop(null);
    const answer = await sendJson<undefined>('DELETE', `/contracts/backtest/${id}`, undefined);
    if (!answer.ok) problem.value = answer.problem;
  }
  onScopeDispose(() => void cancel());
  return { job, running, busy, problem, start, cancel };
}
