/** What a person does with an alert: refused, never queued, while disconnected or without the role; and the reason is said. */
import { type AlertItem, IDEMPOTENCY_KEY_HEADER } from '@airtight/protocol';
import { computed, ref, shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import { useSession } from '../session/session.ts';

/** Last part of the address of an act (docs/reference/http-api.md). */
export type ActPath = 'ack' | 'shelve' | 'unshelve' | 'close' | 'assign' | 'comment' | 'approve';

/** One request, however often it is sent until it is answered. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function useAlertAct() {
  const live = useLive();
  const session = useSession();
  const { t } = useFormat();
  const busy = ref(false);
  const problem = shallowRef<RequestProblem | null>(null);
  /** Why nothing can be done now; empty when it can. */
  const hindrance = computed(() => {
    if (!live.current.value) return t('alerts.ackOffline');
    if (session.name.value !== null && !session.mayAct.value) return t('alerts.ackRole');
    return '';
  });

  /** @returns true when it is on record */
  async function act(alert: string, path: ActPath, body: object, key = newKey()): Promise<boolean> {
    if (session.name.value === null) {
      session.open();
      return false;
    }
    busy.value = true;
    const address = `/alerts/${encodeURIComponent(alert)}/${path}`;
    const answer = await sendJson<AlertItem | undefined>('POST', address, body, { [IDEMPOTENCY_KEY_HEADER]: key });
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok && answer.problem.status === 401) session.open();
    if (answer.ok && answer.value?.alert !== undefined) live.putAlert(answer.value);
    return answer.ok;
  }
  return { act, busy, problem, hindrance };
}
