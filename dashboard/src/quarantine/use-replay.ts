/** Sends quarantined messages through admission again, request by request, and adds up what became of them. */
import type { ReplayAnswer, ReplayRequest } from '@airtight/protocol';
import { shallowRef } from 'vue';
import { sendJson } from '../http/http-client.ts';
import type { RequestProblem } from '../http/problem.ts';

/** Requests of up to 200 messages; a longer list is for the command line. */
const REQUESTS_MAX = 50;

export interface ReplaySum {
  readonly stored: number;
  readonly repeats: number;
  readonly refused: number;
}

export function useReplay(done: () => void) {
  const busy = shallowRef(false);
  const sum = shallowRef<ReplaySum | null>(null);
  const problem = shallowRef<RequestProblem | null>(null);

  async function replay(request: Omit<ReplayRequest, 'dryRun'>): Promise<void> {
    busy.value = true;
    problem.value = null;
    let total: ReplaySum = { stored: 0, repeats: 0, refused: 0 };
    let from: string | undefined;
    for (let requests = 0; requests < REQUESTS_MAX; requests++) {
      const answer = await sendJson<ReplayAnswer>('POST', '/quarantine/replay', {
        ...request,
        dryRun: false,
        ...(from === undefined ? {} : { from }),
      });
      if (!answer.ok) {
        problem.value = answer.problem;
        break;
      }
      total = add(total, answer.value);
      if (answer.value.next === null) break;
      from = answer.value.next;
    }
    sum.value = total;
    busy.value = false;
    done();
  }
  return { busy, sum, problem, replay };
}

function add(sum: ReplaySum, { results }: ReplayAnswer): ReplaySum {
  const count = (...statuses: readonly string[]) => results.filter(({ status }) => statuses.includes(status)).length;
  return {
    stored: sum.stored + count('accepted', 'revision'),
    repeats: sum.repeats + count('repeat'),
    refused: sum.refused + count('refused'),
  };
}
