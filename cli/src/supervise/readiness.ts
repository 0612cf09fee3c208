/** Waiting until every service says that it is ready. */
import { LOOPBACK, type Ports } from '../endpoints.ts';
import { answers, waitUntil } from '../waiting.ts';

export type ServiceName = 'ledger' | 'ingest' | 'api';

const READY_POLL_MS = 100;

export class Readiness {
  readonly #ports: Ports;
  readonly #ready = new Set<ServiceName>();
  readonly #onPoll: (ready: ReadonlySet<ServiceName>) => void;

  /** @param onPoll called before each question, for a progress line */
  constructor(ports: Ports, onPoll: (ready: ReadonlySet<ServiceName>) => void) {
    this.#ports = ports;
    this.#onPoll = onPoll;
  }

  /** @returns false when `limit` came first */
  async waitFor(name: ServiceName, limit: AbortSignal): Promise<boolean> {
    const url = readinessUrl(this.#ports, name);
    const isUp = await waitUntil(
      async () => {
        this.#onPoll(this.#ready);
        return await answers(url);
      },
      READY_POLL_MS,
      limit,
    );
    if (isUp) this.#ready.add(name);
    return isUp;
  }
}

export function readinessUrl(ports: Ports, name: ServiceName): string {
  const port = name === 'api' ? ports.http : ports[name];
  return `http://${LOOPBACK}:${port}/readyz`;
}
