/** One request of a person about channels: busy while it runs, the refusal kept for reading, the sign-in asked for where it is missing. */
import { ref, shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';
import { useSession } from '../session/session.ts';

export function useChannelAct() {
  const session = useSession();
  const busy = ref(false);
  const problem = shallowRef<RequestProblem | null>(null);

  /** @param path after `/channels/` @returns undefined when it was refused: `problem` says why */
  async function send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T | undefined> {
    busy.value = true;
    const answer = await sendJson<T>(method, `/channels/${path}`, body);
    busy.value = false;
    problem.value = answer.ok ? null : answer.problem;
    if (answer.ok) return answer.value;
    if (answer.problem.status === 401) session.open();
    return undefined;
  }
  return { send, busy, problem };
}
