/** Some sessions of the store, one query on each at a time, and a bounded line before them. */
import { AirtightError } from '@airtight/protocol';

export class ReaderPool<T> {
  readonly #idle: T[];
  readonly #waitingMax: number;
  readonly #waiting: ((reader: T) => void)[] = [];

  /** @param waitingMax how many may wait; beyond it the caller is refused */
  constructor(readers: readonly T[], waitingMax: number) {
    this.#idle = [...readers];
    this.#waitingMax = waitingMax;
  }

  /** Runs the work with a reader of its own. @throws AirtightError OVERLOADED when the line is full */
  async run<R>(work: (reader: T) => Promise<R>): Promise<R> {
    const reader = await this.#acquire();
    try {
      return await work(reader);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(reader);
      else next(reader);
    }
  }

  #acquire(): T | Promise<T> {
    const reader = this.#idle.pop();
    if (reader !== undefined) return reader;
    if (this.#waiting.length >= this.#waitingMax) throw new AirtightError('OVERLOADED', `${this.#waitingMax} queries are waiting`);
    return new Promise((take) => this.#waiting.push(take));
  }
}
