/** Waiting for something to become true. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks every `intervalMs` until the answer is yes.
 * @returns false when `signal` was aborted before that
 */
export async function waitUntil(isTrue: () => boolean | Promise<boolean>, intervalMs: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await isTrue()) return true;
    await delay(intervalMs, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** True when the address answers 200 within `timeoutMs`. */
export async function answers(url: string, timeoutMs = 2000): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Aborted on SIGINT, SIGTERM or SIGHUP: the command is to end in order. A second one ends it at once. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort(name));
  return controller.signal;
}
