/**
 * (c) Airtight as it is deployed: ingest and ledger, and the api where the benchmark is about it, as processes of their
 * own on a data directory that is deleted afterwards. Devices are enrolled and log in with their secrets.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { CONTROL_AGENCY, type SystemStatus } from '@airtight/protocol';
import type { Device } from '../generator/messages.ts';
import { Child } from '../processes/child.ts';
import { AGENCY, DATASET, deviceTopic, producerName, type Target } from './target.ts';

/** Devices per request: an enrolment hashes a secret each. */
const ENROL_MAX = 500;
/** libuv's pool as `airtight up` sets it. */
const THREADS = '16';

export interface IngestStatus {
  readonly head: number;
  readonly sealedThrough: number;
  readonly anchoredThrough: number;
  readonly counters: { readonly accepted: number; readonly duplicates: number; readonly quarantined: number };
}

type Role = 'ledger' | 'ingest' | 'api';

export class AirtightTarget implements Target {
  readonly name = 'airtight';
  readonly port: number;
  readonly apiUrl: string;
  readonly #children = new Map<Role, Child>();
  readonly #stack = new AsyncDisposableStack();
  readonly #directory: string;
  readonly #token: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #urls: { readonly [role in Role]: string };
  readonly #devices: Device[] = [];
  #monitor: Device | undefined;

  private constructor(directory: string, ports: Ports) {
    this.#directory = directory;
    const dataDir = dataDirectory(directory);
    const tokenFile = join(dataDir, 'keys', 'internal.token');
    this.#token = readFileSync(tokenFile, 'utf8').trim();
    this.port = ports.mqtt;
    this.#urls = { ingest: url(ports.ingest), ledger: url(ports.ledger), api: url(ports.api) };
    this.apiUrl = this.#urls.api;
    this.#environment = {
      ...process.env,
      UV_THREADPOOL_SIZE: THREADS,
      AIRTIGHT_LOG_LEVEL: 'warn',
      AIRTIGHT_DATA: dataDir,
      AIRTIGHT_TOKEN_FILE: tokenFile,
      AIRTIGHT_LEDGER_URL: this.#urls.ledger,
      AIRTIGHT_LEDGER_PORT: String(ports.ledger),
      AIRTIGHT_INGEST_MQTT_PORT: String(ports.mqtt),
      AIRTIGHT_INGEST_PORT: String(ports.ingest),
      AIRTIGHT_API_PORT: String(ports.api),
      AIRTIGHT_INGEST_URL: this.#urls.ingest,
      AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer',
    };
  }

  /** Makes a deployment, with keys, datasets and contracts as shipped, and starts its ledger and ingest. */
  static async start(directory: string): Promise<AirtightTarget> {
    const [mqtt, ingest, ledger, api] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    const ports = { mqtt, ingest, ledger, api };
    await firstStart(directory, ports);
    const target = new AirtightTarget(directory, ports);
    await target.#startService('ledger');
    await target.#startService('ingest');
    return target;
  }

  /** The read side, for benchmarks about it. */
  async startApi(): Promise<void> {
    await this.#startService('api');
  }

  get ingestUrl(): string {
    return this.#urls.ingest;
  }

  get dataDir(): string {
    return dataDirectory(this.#directory);
  }

  get pids(): { readonly [role: string]: number } {
    return Object.fromEntries([...this.#children].map(([role, child]) => [role, child.pid]));
  }

  /** Exposition text of ingest's metrics. */
  async metrics(): Promise<string> {
    return (await fetch(`${this.#urls.ingest}/metrics`)).text();
  }

  /** Output of a service so far. */
  log(role: Role): string {
    return this.#children.get(role)?.log ?? '';
  }

  async status(): Promise<IngestStatus> {
    return (await this.#request('GET', '/status')) as IngestStatus;
  }

  /** Journal head as ingest has it, and how far the api's store is. */
  async progress(): Promise<{ head: number; projected: number }> {
    const [{ head }, response] = await Promise.all([this.status(), fetch(`${this.apiUrl}/api/v1/status`)]);
    if (!response.ok) throw new Error(`GET /api/v1/status: ${response.status} ${await response.text()}`);
    const { projected } = (await response.json()) as SystemStatus;
    return { head, projected };
  }

  latestUrl(): string {
    return `${this.apiUrl}/api/v1/latest?${new URLSearchParams({ dataset: DATASET })}`;
  }

  seriesUrl(question: { producer: string; observedProperty: string; from: string; to: string; maxPoints?: string }): string {
    return `${this.apiUrl}/api/v1/series?${new URLSearchParams({ dataset: DATASET, ...question })}`;
  }

  /** @param date calendar day, YYYY-MM-DD @param producer one station; absent: all of the dataset */
  dailyUrl(date: string, producers?: readonly string[]): string {
    return `${this.apiUrl}/api/v1/daily?${new URLSearchParams({ dataset: DATASET, date, ...(producers === undefined ? {} : { producer: producers.join(',') }) })}`;
  }

  /**
   * Nothing that was published may have gone another way than into the journal.
   * @throws Error when messages were quarantined or taken for repeats
   */
  async assertAllAccepted(): Promise<void> {
    const { quarantined, duplicates } = (await this.status()).counters;
    if (quarantined + duplicates > 0) throw new Error(`${quarantined} messages were quarantined, ${duplicates} taken for repeats`);
  }

  /** Resolves when every record is covered by the ledger. @returns ms @throws Error after `timeoutMs` */
  async untilAnchored(timeoutMs: number): Promise<number> {
    const from = performance.now();
    for (;;) {
      const { head, anchoredThrough } = await this.status();
      const tookMs = performance.now() - from;
      // The open batch, of ticks alone by now, is sealed by its age.
      if (anchoredThrough >= head) return tookMs;
      if (tookMs > timeoutMs) throw new Error(`the ledger covers ${anchoredThrough} of ${head} records after ${timeoutMs} ms`);
      await sleep(100);
    }
  }

  async devices(count: number): Promise<readonly Device[]> {
    while (this.#devices.length < count) {
      const size = Math.min(ENROL_MAX, count - this.#devices.length);
      const producers = Array.from({ length: size }, (_, i) => producerName(this.#devices.length + i));
      this.#devices.push(...(await this.#enrol(producers, [], DATASET)));
    }
    return this.#devices.slice(0, count);
  }

  /** New devices of another dataset. */
  devicesOf(dataset: string, count: number): Promise<readonly Device[]> {
    return this.#enrol(
      Array.from({ length: count }, (_, index) => `${dataset}-${index}`),
      [],
      dataset,
    );
  }

  /** Writes a record as our own services do. */
  async writeControl(dataset: string, producer: string, payload: object): Promise<void> {
    await this.#post('/records', { records: [{ agency: CONTROL_AGENCY, dataset, producer, payload }] });
  }

  async monitor(): Promise<Device> {
    this.#monitor ??= (await this.#enrol(['monitor'], ['#'], DATASET))[0];
    if (this.#monitor === undefined) throw new Error('the monitor was not enrolled');
    return this.#monitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #enrol(producers: readonly string[], subscribe: readonly string[], dataset: string): Promise<Device[]> {
    const devices = producers.map((producer, index) => ({
      producer,
      agency: AGENCY,
      kind: 'air-station',
      name: { zh: producer, en: producer },
      location: { lat: 30 + (index % 100) / 10, lon: 110 + Math.floor(index / 100) / 10 },
      datasets: [dataset],
      subscribe,
      simulated: true,
    }));
    const { results } = (await this.#post('/devices', { devices })) as { results: { username: string; secret: string }[] };
    return results.map(({ username, secret }) => ({
      clientId: username,
      username,
      password: secret,
      topic: deviceTopic(username, dataset),
    }));
  }

  async #startService(role: Role): Promise<void> {
    const child = this.#stack.use(new Child(role, [process.execPath, mainOf(role)], this.#directory, { env: this.#environment }));
    this.#children.set(role, child);
    await child.ready(() => answers(`${this.#urls[role]}/readyz`));
  }

  #post(path: string, body: object): Promise<unknown> {
    return this.#request('POST', path, JSON.stringify(body));
  }

  async #request(method: string, path: string, body?: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await fetch(`${this.#urls.ingest}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

interface Ports {
  readonly mqtt: number;
  readonly ingest: number;
  readonly ledger: number;
  readonly api: number;
}

/**
 * `airtight up` once, until everything is ready: it makes data directory, keys and first records. Afterwards the services
 * are started one by one, because a benchmark decides which of them run, and needs their process ids.
 */
async function firstStart(directory: string, ports: Ports): Promise<void> {
  const options = {
    data: dataDirectory(directory),
    port: ports.api,
    'mqtt-port': ports.mqtt,
    'ingest-port': ports.ingest,
    'ledger-port': ports.ledger,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await using up = new Child('airtight-up', [process.execPath, mainOf('cli'), 'up', ...args], directory);
  const done = join(dataDirectory(directory), 'first-start.json');
  await up.ready(async () => existsSync(done) && (await answers(`${url(ports.api)}/readyz`)));
}

function dataDirectory(directory: string): string {
  return join(directory, 'data');
}

function mainOf(part: Role | 'cli'): string {
  return fileURLToPath(new URL(`../../../${part}/src/main.ts`, import.meta.url));
}

function url(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function answers(probe: string): Promise<boolean> {
  return fetch(probe).then(
    (response) => response.ok,
    () => false,
  );
}
