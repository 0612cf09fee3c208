/** Runs the services side by side, starts again what crashes, and stops all of them in order and in time. */
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../waiting.ts';
import { type Crash, ServiceProcess, type ServiceSpec } from './service-process.ts';

/** Everything is down within 5 s of being asked: what has not stopped by then is ended. */
const STOP_GRACE_MS = 4000;
/** The last to stop waits so long for those that still write to it. */
const LAST_WAIT_MS = 2000;
const STOP_POLL_MS = 20;

export class Supervisor {
  readonly #services: readonly ServiceProcess[];
  readonly #graceMs: number;

  /**
   * @param specs in the order in which they stop being needed by others: the last one is stopped last
   * @param graceMs what has not stopped by then is ended
   */
  constructor(specs: readonly ServiceSpec[], onCrash: (name: string, crash: Crash) => void, graceMs: number = STOP_GRACE_MS) {
    this.#graceMs = graceMs;
    this.#services = specs.map((spec) => new ServiceProcess(spec, (service, crash) => onCrash(service.spec.name, crash)));
  }

  start(): void {
    for (const service of this.#services) service.start();
  }

  /** Process ids by service name, of those that run. */
  pids(): { readonly [name: string]: number } {
    const entries = this.#services.flatMap(({ spec, pid }) => (pid === undefined ? [] : [[spec.name, pid] as const]));
    return Object.fromEntries(entries);
  }

  /** Stops everything. @returns names of the services that had to be ended */
  async stop(): Promise<readonly string[]> {
    const deadline = AbortSignal.timeout(this.#graceMs);
    const last = this.#services.at(-1);
    const others = this.#services.slice(0, -1);
    for (const service of others) service.stop();
    await waitUntil(() => !others.some((service) => service.isRunning), STOP_POLL_MS, AbortSignal.timeout(LAST_WAIT_MS));
    last?.stop();
    await waitUntil(() => !this.#services.some((service) => service.isRunning), STOP_POLL_MS, deadline);
    const ended = this.#services.filter((service) => service.isRunning);
    this.kill();
    while (this.#services.some((service) => service.isRunning)) await delay(STOP_POLL_MS);
    return ended.map((service) => service.spec.name);
  }

  /** Ends everything at once. */
  kill(): void {
    for (const service of this.#services) service.kill();
  }
}
