/** The act of acknowledging: refused, never queued, while disconnected or without the role; and the reason is said. */
import type { AlertItem } from '@airtight/protocol';
import { ref } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useLive } from '../live/live-store.ts';
import { useSession } from '../session/session.ts';

export function useAcknowledge() {
  const live = useLive();
  const session = useSession();
  const busy = ref(false);
  const problem = ref<RequestProblem | null>(null);

  /** @returns true when it is on record */
  async function acknowledge(alert: string, comment: string): Promise<boolean> {
    if (session.name.value === null) {
      session.open();
      return false;
    }
    busy.value = true;
    const answer = await sendJson<AlertItem | undefined>('POST', `/alerts/${encodeURIComponent(alert)}/ack`, { comment });
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok && answer.problem.status === 401) session.open();
    if (answer.ok && answer.value?.alert !== undefined) live.putAlert(answer.value);
    return answer.ok;
  }
  return { acknowledge, busy, problem };
}
