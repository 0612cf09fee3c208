/** A person flags values, or withdraws a flag: refused, never queued, without the role; and the reason is said. */
import { FLAGS_DATASET, type FlagItem, type FlagRecord } from '@airtight/protocol';
import { computed, ref, shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useFormat } from '../i18n/use-format.ts';
import { useLive } from '../live/live-store.ts';
import { useSession } from '../session/session.ts';
import { newActId, useSigningKey } from '../session/signing-key.ts';

export interface FlagRequest {
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
  readonly from: string;
  readonly to: string;
  readonly flag: NonNullable<FlagRecord['flag']>;
  readonly reason: string;
}

export function useFlagAct() {
  const live = useLive();
  const session = useSession();
  const signingKey = useSigningKey();
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
    // The dialog says which key, and takes it.
    if (!answer.ok && answer.problem.code === 'SIGNATURE_MISSING') signingKey.dialogOpen.value = true;
    return answer.ok;
  }
  /** The person's signature on the record as the service will write it. */
  function signed({ from, to, ...said }: Omit<FlagRequest, 'flag'>, flag: FlagRecord['flag'], id: string) {
    const at = Date.now();
    const times = { from: Date.parse(from), to: Date.parse(to) };
    const record: FlagRecord = { ...said, ...times, type: 'flag', id, flag, at, by: session.name.value ?? '' };
    return signingKey.sign(FLAGS_DATASET, record, { at, id });
  }
  /** @returns true when it is on record */
  const place = (request: FlagRequest) => send('', { ...request, ...signed(request, request.flag, newActId()) });
  const withdraw = ({ id, dataset, producer, observedProperty, from, to }: FlagItem, reason: string) => {
    const series = { dataset, producer, observedProperty };
    return send(`/${id}/withdraw`, { ...series, reason, ...signed({ ...series, from, to, reason }, null, id) });
  };
  return { place, withdraw, isSignedIn, busy, problem, hindrance };
}
