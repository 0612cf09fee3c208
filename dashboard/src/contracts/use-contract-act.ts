/** One request of a person about contracts: busy while it runs, the refusal kept for reading, the sign-in asked for where it is missing. */
import { ref, shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useSession } from '../session/session.ts';
import { useSigningKey } from '../session/signing-key.ts';

export function useContractAct() {
  const session = useSession();
  const signingKey = useSigningKey();
  const busy = ref(false);
  const problem = shallowRef<RequestProblem | null>(null);

  /** @param path after `/contracts` @returns undefined when it was refused: `problem` says why */
  async function send<T>(path: string, body: object): Promise<T | undefined> {
    busy.value = true;
    const answer = await sendJson<T>('POST', `/contracts${path}`, body);
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (answer.ok) return answer.value;
    if (answer.problem.status === 401) session.open();
    // The dialog says which key, and takes it.
    if (answer.problem.code === 'SIGNATURE_MISSING') signingKey.dialogOpen.value = true;
    return undefined;
  }
  return { send, busy, problem };
}
