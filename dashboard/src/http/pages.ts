/** Lists answer `{ items, next }`: this reads them to the end, within a bound. */
import { getJson, type Query } from './http-client.ts';
import type { Answer } from './problem.ts';

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** A region has some thousand producers; a list longer than this is not for one screen. */
const PAGES_MAX = 20;

/** All items of a list, at most 20 pages of it. */
export async function getAll<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer<readonly T[]>> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await getJson<Page<T>>(path, { ...query, cursor }, signal);
    if (!answer.ok) return answer;
    items.push(...answer.value.items);
    if (answer.value.next === null) break;
    cursor = answer.value.next;
  }
  return { ok: true, value: items };
}
