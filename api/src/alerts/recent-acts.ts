/** Acts by their idempotency keys: a browser that did not hear the answer asks again, and nothing is done twice. */
import { hash } from 'node:crypto';
import { AirtightError } from '@airtight/protocol';

/** Keys remembered: the newest, since the start. What is asked again after that is judged by the alert's state alone. */
export const KEYS_MAX = 1000;

export class RecentActs {
  readonly #requests = new Map<string, string>();

  /**
   * @param request what identifies the request's content
   * @returns true when the same person made the same request under this key before
   * @throws AirtightError IDEMPOTENCY_KEY_REUSED when it was another request
   */
  isRepeat(by: string, key: string | undefined, request: string): boolean {
    if (key === undefined) return false;
    const known = this.#requests.get(nameOf(by, key));
    if (known !== undefined && known !== request) throw new AirtightError('IDEMPOTENCY_KEY_REUSED', key);
    return known !== undefined;
  }

  /** The request is done. */
  remember(by: string, key: string | undefined, request: string): void {
    if (key === undefined) return;
    this.#requests.set(nameOf(by, key), request);
    const oldest = this.#requests.keys().next().value;
    if (this.#requests.size > KEYS_MAX && oldest !== undefined) this.#requests.delete(oldest);
  }
}

function nameOf(by: string, key: string): string {
  return hash('sha256', JSON.stringify([by, key]), 'base64url');
}
