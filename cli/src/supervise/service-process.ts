/** One supervised service: a child process that is started again when it ends unasked. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LogFile } from './log-file.ts';
import { errorIn } from './log-line.ts';

export interface ServiceSpec {
  readonly name: string;
  /** Path of the module the process runs. */
  readonly entry: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: { readonly [name: string]: string | undefined };
  readonly logFile: string;
  /** What it prints may be a secret, shown once: only its complaints are kept in the log. */
  readonly isOutputSecret?: boolean;
}

export interface Crash {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last error it reported, if any. */
  readonly lastError: string | undefined;
  /** Crashes in a row, without a time of steady running between them. */
  readonly inARow: number;
  readonly restartInMs: number;
}

const RESTART_FIRST_MS = 250;
const RESTART_MAX_MS = 10_000;
/** After so long without a crash the next one counts as the first again. */
const STEADY_MS = 30_000;
/** The part of a line that has not ended is kept up to this length. */
const LINE_MAX_LENGTH = 64 * 1024;
const PARENT_WATCH = new URL('./parent-watch.ts', import.meta.url);

/** Wait before the restart that follows the n-th crash in a row (1, 2, …), ms: doubles up to a limit. */
export function restartDelayMs(inARow: number): number {
  return Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** (inARow - 1));
}

export class ServiceProcess {
  readonly spec: ServiceSpec;
  readonly #log: LogFile;
  readonly #onCrash: (service: ServiceProcess, crash: Crash) => void;
  #child: ChildProcess | undefined;
  #startedAt = 0;
  #crashes = 0;
  #stopping = false;
  #restartTimer: NodeJS.Timeout | undefined;
  #lastError: string | undefined;
  #line = '';

  constructor(spec: ServiceSpec, onCrash: (service: ServiceProcess, crash: Crash) => void) {
    this.spec = spec;
    this.#log = new LogFile(spec.logFile);
    this.#onCrash = onCrash;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    const child = fork(this.spec.entry, [...this.spec.args], {
      env: { ...this.spec.env },
      execArgv: ['--import', fileURLToPath(PARENT_WATCH)],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Its own process group: Ctrl-C in the terminal reaches the supervisor alone, which then stops all in order.
      detached: true,
    });
    this.#child = child;
    this.#startedAt = performance.now();
    this.#lastError = undefined;
    if (this.spec.isOutputSecret === true) child.stdout?.resume();
    else child.stdout?.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#onOutput(chunk));
    child.on('error', (error) => {
      this.#lastError = error.message;
    });
    // 'close' comes after the last output; a fork that failed has no 'exit'.
    child.on('close', (code, signal) => this.#onClose(code, signal));
  }

  /** Asks the process to stop. It is not started again. */
  stop(): void {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    this.#child?.kill('SIGTERM');
  }

  /** Ends the process at once. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    this.#child?.kill('SIGKILL');
  }

  #onOutput(chunk: Buffer): void {
    this.#log.write(chunk);
    const lines = (this.#line + chunk.toString('utf8')).split('\n');
    this.#line = (lines.pop() ?? '').slice(-LINE_MAX_LENGTH);
    for (const line of lines) this.#lastError = errorIn(line) ?? this.#lastError;
  }

  #onClose(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    if (this.#stopping) return;
    const wasSteady = performance.now() - this.#startedAt > STEADY_MS;
    this.#crashes = wasSteady ? 1 : this.#crashes + 1;
    const restartInMs = restartDelayMs(this.#crashes);
    this.#restartTimer = setTimeout(() => this.start(), restartInMs);
    this.#onCrash(this, { code, signal, lastError: this.#lastError, inARow: this.#crashes, restartInMs });
  }
}
