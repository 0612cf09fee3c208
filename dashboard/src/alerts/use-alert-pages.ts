/** Older alerts, paged in on demand into the live store. */
import type { AlertItem } from '@airtight/protocol';
import { shallowRef } from 'vue';
import { getJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useLive } from '../live/live-store.ts';

const PAGE_SIZE = 100;

export function useAlertPages() {
  const live = useLive();
  /** undefined: the first page is not there yet; null: there is nothing older. */
  const next = shallowRef<string | null | undefined>(undefined);
  const problem = shallowRef<RequestProblem | null>(null);
  const loading = shallowRef(false);

  async function loadMore(): Promise<void> {
    if (loading.value || next.value === null) return;
    loading.value = true;
    const answer = await getJson<{ items: AlertItem[]; next: string | null }>('/alerts', {
      state: 'all',
      limit: PAGE_SIZE,
      cursor: next.value,
    });
    loading.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok) return;
    for (const item of answer.value.items) live.putAlert(item);
    next.value = answer.value.next;
  }

  /** One alert that the lists do not hold: a permanent link was opened. */
  async function loadOne(id: string): Promise<void> {
    const answer = await getJson<AlertItem>(`/alerts/${encodeURIComponent(id)}`);
    problem.value = answer.ok ? null : answer.problem;
    if (answer.ok) live.putAlert(answer.value);
  }
  return { next, problem, loading, loadMore, loadOne };
}
