/** A rate with one second of burst. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #atMs: number;

  /** @param perSecond 0: no limit */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#atMs = nowMs;
  }

  /**
   * Takes so many, into debt: what has come has come, and is waited for before more is read.
   * @returns how long to wait before more may come, ms; 0: no wait
   */
  take(count: number, nowMs: number): number {
    if (this.#perSecond === 0) return 0;
    this.#earn(nowMs);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000);
  }

  /** Takes one if there is one. */
  tryTake(nowMs: number): boolean {
    if (this.#perSecond === 0) return true;
    this.#earn(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #earn(nowMs: number): void {
    const earned = (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#atMs = nowMs;
  }
}
