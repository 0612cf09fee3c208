/** Lines that anybody outside can cause, at a bounded rate: a flood of refusals must not fill the disk with log lines. */
import type { Logger } from 'pino';

/** Lines of one kind per minute; the next minute's first line tells how many were left out. */
export const LINES_PER_MINUTE_MAX = 20;
const MINUTE_MS = 60_000;

interface Kind {
  minute: number;
  lines: number;
  suppressed: number;
}

export class LogLimit {
  readonly #logger: Logger;
  readonly #now: () => number;
  /** By message text: a fixed set. */
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, now: () => number = Date.now) {
    this.#logger = logger;
    this.#now = now;
  }

  /** @param message names the kind: no part of it may come from outside */
  log(level: 'info' | 'warn', fields: object, message: string): void {
    const minute = Math.floor(this.#now() / MINUTE_MS);
    let kind = this.#kinds.get(message);
    if (kind === undefined) {
      kind = { minute, lines: 0, suppressed: 0 };
      this.#kinds.set(message, kind);
    }
    if (kind.minute !== minute) {
      kind.minute = minute;
      kind.lines = 0;
    }
    if (kind.lines >= LINES_PER_MINUTE_MAX) {
      kind.suppressed++;
      return;
    }
    kind.lines++;
    this.#logger[level](kind.suppressed === 0 ? fields : { ...fields, suppressed: kind.suppressed }, message);
    kind.suppressed = 0;
  }
}
