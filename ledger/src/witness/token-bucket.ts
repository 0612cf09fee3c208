/** A token bucket: so many at once, and so many a second on average. */

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export class TokenBucket {
  readonly #limit: RateLimit;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAt: number;

  /** @param nowMs a clock that does not go back */
  constructor(limit: RateLimit, nowMs: () => number) {
    this.#limit = limit;
    this.#nowMs = nowMs;
    this.#tokens = limit.burst;
    this.#filledAt = nowMs();
  }

  /** Takes one token; false when there is none. */
  take(): boolean {
    const now = this.#nowMs();
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#limit.perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
