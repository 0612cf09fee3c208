/** Reads of the HTTP API: timed one by one, or as a constant load. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Calls the URL and reads the whole answer. @returns ms @throws Error for an answer that is not 2xx */
export async function timeCall(url: string): Promise<number> {
  const from = performance.now();
  const response = await fetch(url);
  const body = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${body.slice(0, 500)}`);
  return performance.now() - from;
}

const AFTER_REFUSAL_MS = 50;

export interface Asked {
  /** ms of every call that was answered. */
  readonly times: number[];
  /** Calls that were not: an overloaded read side may refuse, and is load all the same. */
  readonly refused: number;
}

/** Asks every URL over and over, each in a lane of its own, until the signal comes. */
export async function keepAsking(urls: readonly string[], signal: AbortSignal): Promise<Asked> {
  const times: number[] = [];
  let refused = 0;
  const lane = async (url: string): Promise<void> => {
    while (!signal.aborted) {
      const ms = await timeCall(url).catch(() => undefined);
      if (ms !== undefined) times.push(ms);
      else {
        refused++;
        await sleep(AFTER_REFUSAL_MS);
      }
    }
  };
  await Promise.all(urls.map(lane));
  return { times, refused };
}
