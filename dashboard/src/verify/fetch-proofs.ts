/** Proofs of records that are named, in files of bounded size. */
import { postText } from '../http/http-client.ts';
import type { Answer } from '../http/problem.ts';

/** Records in one request: some hundred kilobytes of proofs. */
const CHUNK = 1000;
/** Beyond this nobody reads the screen any more. */
const RECORDS_MAX = 10_000;
/** Records whose payload was removed by policy are left out one by one; a screen shows few of them. */
const EXPIRED_MAX = 20;

/**
 * @param positions any order, repeats allowed
 * @param onRemoved told of each record whose payload the server says was removed
 * @returns proof sets of those that are in the ledger; none when none is
 */
export async function fetchProofs(positions: readonly number[], onRemoved: (position: number) => void): Promise<Answer<readonly string[]>> {
  const wanted = [...new Set(positions)].sort((a, b) => a - b).slice(-RECORDS_MAX);
  const texts: string[] = [];
  for (let from = 0; from < wanted.length; from += CHUNK) {
    const answer = await fetchChunk(wanted.slice(from, from + CHUNK), onRemoved);
    if (!answer.ok) return answer;
    if (answer.value !== null) texts.push(answer.value);
  }
  return { ok: true, value: texts };
}

async function fetchChunk(positions: readonly number[], onRemoved: (position: number) => void): Promise<Answer<string | null>> {
  let records = positions.map(String);
  for (let left = EXPIRED_MAX; records.length > 0; left--) {
    const answer = await postText('/proofs', { records, pending: 'skip' });
    if (answer.ok) return answer;
    const { code, detail } = answer.problem;
    if (code === 'RECORD_NOT_ANCHORED' || code === 'RECORD_NOT_SEALED') return { ok: true, value: null };
    const expired = code === 'RECORD_EXPIRED' ? /\b(\d+)\b/.exec(detail ?? '')?.[1] : undefined;
    if (expired === undefined || left === 0 || !records.includes(expired)) return answer;
    onRemoved(Number(expired));
    records = records.filter((record) => record !== expired);
  }
  return { ok: true, value: null };
}
