/** Signed-in browsers. Kept in memory alone: after a restart of this service people sign in again. */
import { randomBytes } from 'node:crypto';

export interface BrowserSession {
  readonly id: string;
  readonly name: string;
  readonly csrf: string;
  expiresAt: number;
}

/** 256 random bits. */
const SECRET_BYTES = 32;
/** A working day without a request. */
export const SESSION_IDLE_MS = 12 * 3_600_000;
/** Beyond it the session that was used longest ago ends. */
export const SESSIONS_MAX = 10_000;

export class Sessions {
  readonly #sessions = new Map<string, BrowserSession>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  create(name: string): BrowserSession {
    const id = randomBytes(SECRET_BYTES).toString('base64url');
    const session = { id, name, csrf: randomBytes(SECRET_BYTES).toString('base64url'), expiresAt: this.#now() + SESSION_IDLE_MS };
    this.#sessions.set(id, session);
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value as string);
    return session;
  }

  /** The session of a cookie, its time begun anew. */
  use(id: string): BrowserSession | undefined {
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    this.#sessions.delete(id);
    if (session.expiresAt <= this.#now()) return undefined;
    session.expiresAt = this.#now() + SESSION_IDLE_MS;
    this.#sessions.set(id, session);
    return session;
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }
}
