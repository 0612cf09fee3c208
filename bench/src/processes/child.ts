/** Child processes and scratch directories of a benchmark: whatever ends the benchmark, they end with it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A service that needs longer to stop in order is killed. */
const STOP_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 90_000;
const LOG_TAIL_CHARS = 2000;

const living = new Set<ChildProcess>();
const directories = new Set<string>();
// Runs on every way out, an uncaught error included; only synchronous work is possible here.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A directory that is gone when the benchmark is. */
export class ScratchDirectory {
  readonly path: string;
  constructor(parent: string) {
    this.path = mkdtempSync(join(parent, 'airtight-bench-'));
    directories.add(this.path);
  }
  [Symbol.dispose](): void {
    directories.delete(this.path);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A child process that is stopped at the end of its scope. */
export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly #logPath: string;

  /** Output goes to `{logDirectory}/{name}.log`; `ipc` opens a channel for messages. */
  constructor(name: string, command: readonly string[], logDirectory: string, options: { env?: SpawnOptions['env']; ipc?: boolean } = {}) {
    this.name = name;
    this.#logPath = join(logDirectory, `${name}.log`);
    const log = openSync(this.#logPath, 'a');
    const [file = '', ...args] = command;
    this.process = spawn(file, args, {
      env: options.env ?? process.env,
      stdio: ['ignore', log, log, ...(options.ipc ? (['ipc'] as const) : [])],
    });
    living.add(this.process);
    this.process.once('exit', () => living.delete(this.process));
  }

  get pid(): number {
    const pid = this.process.pid;
    if (pid === undefined) throw new Error(`${this.name} could not be started`);
    return pid;
  }

  get log(): string {
    return readFileSync(this.#logPath, 'utf8');
  }

  /** Throws, with the end of its log, when the process has ended. */
  assertAlive(): void {
    if (this.process.exitCode === null && this.process.signalCode === null) return;
    throw new Error(`${this.name} ended (${this.process.exitCode ?? this.process.signalCode}):\n${this.log.slice(-LOG_TAIL_CHARS)}`);
  }

  /** Waits until the probe answers true. */
  async ready(probe: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await probe())) {
      this.assertAlive();
      if (performance.now() > deadline)
        throw new Error(`${this.name} is not ready after ${START_TIMEOUT_MS} ms:\n${this.log.slice(-LOG_TAIL_CHARS)}`);
      await sleep(50);
    }
  }

  /** Sends a message and waits for the one that answers it. @throws Error when the process ends or the time is over */
  async ask(message: object, timeoutMs: number): Promise<unknown> {
    this.assertAlive();
    this.process.send(message);
    return this.answer(timeoutMs);
  }

  /** The next message of the process. */
  async answer(timeoutMs: number): Promise<unknown> {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(timeoutMs)]);
    const ended = once(this.process, 'exit', { signal }).then(() => {
      throw new Error(`${this.name} ended:\n${this.log.slice(-LOG_TAIL_CHARS)}`);
    });
    try {
      const [answer] = (await Promise.race([once(this.process, 'message', { signal }), ended])) as unknown[];
      return answer;
    } finally {
      ended.catch(() => undefined);
      abort.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!living.has(this.process)) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
}

/** True when something accepts connections there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
