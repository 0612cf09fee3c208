/** The parent's side of the writers of entries. */
import { fileURLToPath } from 'node:url';
import { Child } from '../processes/child.ts';
import type { StopRequest, WriteRequest, Written } from './messages.ts';

const START_TIMEOUT_MS = 60_000;
/** A million entries, one a request, on a slow disk. */
const WRITE_TIMEOUT_MS = 3_600_000;

export class EntryLoad {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(logDirectory: string): Promise<EntryLoad> {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const child = new Child('entry-writers', [process.execPath, main], logDirectory, { ipc: true });
    await child.answer(START_TIMEOUT_MS);
    return new EntryLoad(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Writes until all requests are answered, or until `stop`. @throws Error when an entry got no index, or one of another */
  async write(request: Omit<WriteRequest, 'type'>): Promise<Written> {
    return (await this.#child.ask({ type: 'write', ...request } satisfies WriteRequest, WRITE_TIMEOUT_MS)) as Written;
  }

  stop(): void {
    this.#child.process.send({ type: 'stop' } satisfies StopRequest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
