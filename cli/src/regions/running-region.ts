/** One region as it runs: `airtight up` on its data directory, and the simulated devices of the region. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOOPBACK } from '../endpoints.ts';
import type { Crash, ServiceSpec } from '../supervise/service-process.ts';
import type { Environment } from '../supervise/services.ts';
import { Supervisor } from '../supervise/supervisor.ts';
import type { Region } from './region.ts';

/** `airtight up` stops within 5 s; a machine that runs three of them gets some more. */
const STOP_GRACE_MS = 10_000;

export interface SimulatedSize {
  readonly stations: number;
  readonly fridges: number;
}

export class RunningRegion {
  readonly region: Region;
  readonly #specs: readonly ServiceSpec[];
  readonly #onCrash: (name: string, crash: Crash) => void;
  #supervisor: Supervisor | undefined;

  constructor(region: Region, size: SimulatedSize, env: Environment, onCrash: (name: string, crash: Crash) => void) {
    this.region = region;
    this.#specs = specsOf(region, size, withoutSettings(env));
    this.#onCrash = onCrash;
  }

  start(): void {
    this.#supervisor = new Supervisor(this.#specs, this.#onCrash, STOP_GRACE_MS);
    this.#supervisor.start();
  }

  async stop(): Promise<void> {
    await this.#supervisor?.stop();
    this.#supervisor = undefined;
  }

  kill(): void {
    this.#supervisor?.kill();
  }
}

function specsOf(
  { data, configFile, ports, province }: Region,
  { stations, fridges }: SimulatedSize,
  env: Environment,
): readonly ServiceSpec[] {
  const entry = fileURLToPath(new URL('../main.ts', import.meta.url));
  const at = ['--data', data.root];
  const devices = ['--region', province, '--stations', String(stations), '--fridges', String(fridges)];
  const doors = ['--ingest', `http://${LOOPBACK}:${ports.ingest}`, '--mqtt', `${LOOPBACK}:${ports.mqtt}`];
  const listeners = { port: ports.http, 'mqtt-port': ports.mqtt, 'ingest-port': ports.ingest, 'ledger-port': ports.ledger };
  const listen = Object.entries(listeners).flatMap(([name, port]) => [`--${name}`, String(port)]);
  return [
    { name: 'simulate', entry, args: ['simulate', ...at, ...devices, ...doors], env, logFile: join(data.logs, 'simulate.log') },
    {
      name: 'up',
      entry,
      args: ['up', ...at, '--config', configFile, ...listen],
      env,
      logFile: join(data.logs, 'up.log'),
      isOutputSecret: true,
    },
  ];
}

/** Settings of the environment are for one deployment, not for three. */
function withoutSettings(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('AIRTIGHT_')));
}
