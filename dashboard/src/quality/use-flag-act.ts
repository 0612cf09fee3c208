/** A person flags values, or withdraws a flag: refused, never queued, without the role; and the reason is said. */
import type { FlagItem } from '@airtight/protocol';
import { computed, ref, shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import { useSession } from '../session/session.ts';

export interface FlagRequest {
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
  readonly from: string;
  readonly to: string;
  readonly flag: number;
  readonly reason: string;
}

export function useFlagAct() {
  const live = useLive();
  const session = useSession();
  const { t } = useFormat();
  const busy = ref(false);
  const problem = shallowRef<RequestProblem | null>(null);
  /** Why nothing can be done now; empty when it can. */
  const hindrance = computed(() => {
    if (!live.current.value) return t('alerts.ackOffline');
    if (session.name.value !== null && !session.mayAct.value) return t('quality.role');
    return '';
  });

  /** False when nobody is signed in: the sign-in opens. */
  function isSignedIn(): boolean {
    if (session.name.value === null) session.open();
    return session.name.value !== null;
  }

  async function send(path: string, body: object): Promise<boolean> {
    busy.value = true;
    const answer = await sendJson<FlagItem>('POST', `/observations/flags${path}`, body);
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (!answer.ok && answer.problem.status === 401) session.open();
    return answer.ok;
  }
  /** @returns true when it is on record */
  const place = (request: FlagRequest) => send('', request);
  const withdraw = ({ id, dataset, producer, observedProperty }: FlagItem, reason: string) =>
    send(`/${id}/withdraw`, { dataset, producer, observedProperty, reason });
  return { place, withdraw, isSignedIn, busy, problem, hindrance };
}
