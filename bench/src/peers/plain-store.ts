/** The parent's side of the plain store. */
import { fileURLToPath } from 'node:url';
import { Child } from '../processes/child.ts';

export type PlainStoreRequest = { readonly type: 'fill'; readonly select: string } | { readonly type: 'ask'; readonly sql: string };
export interface PlainStoreAnswer {
  readonly rows: readonly unknown[][];
  /** Time of the query alone, within its process. */
  readonly ms: number;
}

const FILL_TIMEOUT_MS = 300_000;
const ASK_TIMEOUT_MS = 60_000;

export class PlainStore implements AsyncDisposable {
  readonly #child: Child;

  /** @param directory gets the tables and the log */
  constructor(directory: string) {
    const main = fileURLToPath(new URL('plain-store/main.ts', import.meta.url));
    this.#child = new Child('plain-store', [process.execPath, main, `${directory}/plain`], directory, { ipc: true });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Fills the table from a SELECT of (producer, observedProperty, phenomenonTime, result). */
  async fill(select: string): Promise<void> {
    await this.#child.ask({ type: 'fill', select } satisfies PlainStoreRequest, FILL_TIMEOUT_MS);
  }

  async ask(sql: string): Promise<PlainStoreAnswer> {
    return (await this.#child.ask({ type: 'ask', sql } satisfies PlainStoreRequest, ASK_TIMEOUT_MS)) as PlainStoreAnswer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
