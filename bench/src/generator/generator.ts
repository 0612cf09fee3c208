/** The parent's side of the load generator. */
import { fileURLToPath } from 'node:url';
import { Child } from '../processes/child.ts';
import type { ConnectRequest, GeneratorAnswer, GeneratorRequest, RoundRequest, RoundResult } from './messages.ts';

/** Beyond the round itself: ramp, drain and an overloaded machine. */
const ANSWER_SLACK_MS = 60_000;
/** A thousand logins with a memory-hard password hash each. */
const CONNECT_TIMEOUT_MS = 300_000;

export class Generator {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Starts a generator and opens all its connections. */
  static async connect(name: string, logDirectory: string, request: Omit<ConnectRequest, 'type'>): Promise<Generator> {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const generator = new Generator(new Child(name, [process.execPath, main], logDirectory, { ipc: true }));
    await generator.#child.answer(ANSWER_SLACK_MS);
    await generator.#ask({ type: 'connect', ...request }, CONNECT_TIMEOUT_MS);
    return generator;
  }

  /** @throws Error when a message was not acknowledged: a fast broker that loses messages is no peer. */
  async round(request: Omit<RoundRequest, 'type'>): Promise<RoundResult> {
    const result = await this.roundWithLosses(request);
    if (result.ackedTotal !== result.sentTotal)
      throw new Error(`${this.#child.name}: ${result.sentTotal} messages sent, ${result.ackedTotal} acknowledged`);
    return result;
  }

  /** A round in which the broker may leave messages without an answer, for benchmarks about just that. */
  async roundWithLosses(request: Omit<RoundRequest, 'type'>): Promise<RoundResult> {
    const result = await this.#ask({ type: 'round', ...request }, request.warmUpMs + request.measureMs + ANSWER_SLACK_MS);
    if (result.type !== 'result') throw new Error(`unexpected answer ${result.type}`);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  async #ask(request: GeneratorRequest, timeoutMs: number): Promise<GeneratorAnswer> {
    return (await this.#child.ask(request, timeoutMs)) as GeneratorAnswer;
  }
}
