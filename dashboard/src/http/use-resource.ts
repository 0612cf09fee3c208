/** A fetched value with what a panel must be able to say about it. Keeps the last good value through errors. */
import { onScopeDispose, type ShallowRef, shallowRef, watch } from 'vue';
import type { Answer, RequestProblem } from './problem.ts';

export interface Resource<T> {
  readonly data: ShallowRef<T | undefined>;
  readonly problem: ShallowRef<RequestProblem | null>;
  readonly loading: ShallowRef<boolean>;
  readonly reload: () => void;
}

/**
 * @param key what is asked for; a change asks anew, undefined asks nothing
 * @param load must honour the signal: an answer to an older key is dropped
 */
export function useResource<K, T>(key: () => K | undefined, load: (key: K, signal: AbortSignal) => Promise<Answer<T>>): Resource<T> {
  const data = shallowRef<T>();
  const problem = shallowRef<RequestProblem | null>(null);
  const loading = shallowRef(true);
  let running: AbortController | undefined;

  async function run(current: K): Promise<void> {
    running?.abort();
    const own = new AbortController();
    running = own;
    loading.value = true;
    const answer = await load(current, own.signal);
    if (own.signal.aborted) return;
    loading.value = false;
    if (answer.ok) data.value = answer.value;
    problem.value = answer.ok ? null : answer.problem;
  }
  const reload = () => {
    const current = key();
    if (current !== undefined) void run(current);
  };
  watch(key, (current) => current !== undefined && void run(current), { immediate: true });
  onScopeDispose(() => running?.abort());
  return { data, problem, loading, reload };
}
