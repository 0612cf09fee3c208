/**
 * The whole product in a folder of its own: `airtight up` as a child process on free ports, every service a process of its own,
 * used from outside as its users do. Nothing of it is replaced.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { CONTROL_AGENCY, type SystemStatus, type TokenRecord, USERS_DATASET } from '@airtight/protocol';
import { formatEntryBundle } from '@airtight/tlog';
import { childrenOf, isAlive } from './processes.ts';
import { root } from './programs.ts';
import { Hopeless, pause, until, untilReached } from './waiting.ts';

export type Service = 'ingest' | 'ledger' | 'api';
const SERVICES: readonly Service[] = ['ingest', 'ledger', 'api'];

export const AGENCY = 'beijing';
export const AIR_DATASET = 'air';

export interface Device {
  readonly producer: string;
  readonly agency: string;
  readonly dataset: string;
  readonly topic: string;
  readonly username: string;
  readonly secret: string;
}

/** `GET /status` of ingest (docs/reference/internal-http.md). */
export interface IngestStatus {
  readonly head: number;
  readonly sealedThrough: number;
  readonly anchoredThrough: number;
  readonly batches: number;
  readonly counters: {
    readonly accepted: number;
    readonly duplicates: number;
    readonly quarantined: number;
    readonly refusedLogins: number;
  };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
export type Query = { readonly [name: string]: string | number | undefined };

export interface StartOptions {
  /** Default: a new folder. */
  readonly dataDir?: string;
  readonly arguments?: readonly string[];
  /** Settings of the services. */
  readonly environment?: { readonly [name: string]: string };
}

const START_DEADLINE_MS = 90_000;
const LOG_MAX_CHARS = 200_000;

interface Ports {
  readonly http: number;
  readonly mqtt: number;
  readonly ingest: number;
  readonly ledger: number;
}

/** Starts the product and waits until every service is ready. The caller stops it. */
export async function startProduct(options: StartOptions = {}): Promise<Product> {
  const ports = { http: await freePort(), mqtt: await freePort(), ingest: await freePort(), ledger: await freePort() };
  const product = new Product(options.dataDir ?? mkdtempSync(join(tmpdir(), 'airtight-product-')), ports);
  try {
    await product.start(options.arguments ?? [], options.environment);
    return product;
  } catch (error) {
    await product.stop();
    throw error;
  }
}

export class Product {
  readonly dataDir: string;
  readonly httpUrl: string;
  readonly ingestUrl: string;
  readonly mqttPort: number;
  readonly #ports: Ports;
  #up: ChildProcess | undefined;
  #output = '';
  #apiToken: string | undefined;

  constructor(dataDir: string, ports: Ports) {
    this.dataDir = dataDir;
    this.#ports = ports;
    this.httpUrl = `http://127.0.0.1:${ports.http}`;
    this.ingestUrl = `http://127.0.0.1:${ports.ingest}`;
    this.mqttPort = ports.mqtt;
  }

  /** `airtight up` on the data directory; returns when it says that everything is ready. */
  async start(extra: readonly string[] = [], environment: StartOptions['environment'] = {}): Promise<void> {
    const { http, mqtt, ingest, ledger } = this.#ports;
    const ports = ['--port', http, '--mqtt-port', mqtt, '--ingest-port', ingest, '--ledger-port', ledger].map(String);
    const up = spawn(process.execPath, ['cli/src/main.ts', 'up', '--data', this.dataDir, ...ports, ...extra], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#up = up;
    const collect = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-LOG_MAX_CHARS);
    };
    up.stdout.on('data', collect);
    up.stderr.on('data', collect);
    await until(
      'airtight up is ready',
      async () => {
        if (up.exitCode !== null) throw new Hopeless(`airtight up ended with ${up.exitCode}\n${this.logs()}`);
        // Written last on a first start: dataset definitions and contracts are on record then.
        return existsSync(join(this.dataDir, 'first-start.json')) && (await this.#ready());
      },
      START_DEADLINE_MS,
    );
  }

  /** Asks `airtight up` to stop, as Ctrl-C does, and keeps the data directory. @returns its exit code */
  async halt(): Promise<number | null> {
    const up = this.#up;
    if (up === undefined) return null;
    // After it has ended this does nothing.
    up.kill('SIGINT');
    await until('airtight up stops', () => up.exitCode !== null || up.signalCode !== null);
    this.#up = undefined;
    return up.exitCode;
  }

  /** Stops what runs and removes the data directory. */
  async stop(): Promise<void> {
    try {
      await this.halt();
    } finally {
      rmSync(this.dataDir, { recursive: true, force: true });
    }
  }

  async #ready(): Promise<boolean> {
    const answers = await Promise.all(
      [this.#ports.ingest, this.#ports.ledger, this.#ports.http].map((port) => fetch(`http://127.0.0.1:${port}/readyz`)),
    );
    return answers.every((answer) => answer.ok);
  }

  /** Process id of a service, undefined while it is down. */
  pidOf(service: Service): number | undefined {
    const up = this.#up?.pid;
    if (up === undefined) return undefined;
    for (const [pid, line] of childrenOf(up)) {
      if (line.some((argument) => argument.endsWith(`/${service}/src/main.ts`))) return pid;
    }
    return undefined;
  }

  pids(): readonly number[] {
    return SERVICES.map((service) => this.pidOf(service) ?? 0);
  }

  /**
   * `kill -9` of one service, `delayMs` from now; returns when the supervisor has put another process in its place and all is ready.
   * The process is looked up before the delay: the look-up holds this process up for some milliseconds, in which its publishers
   * would take no acknowledgement, and a service that acknowledges too early would not be caught.
   */
  async kill(service: Service, delayMs: number): Promise<void> {
    const pid = await until(`${service} runs`, () => this.pidOf(service));
    await pause(delayMs);
    process.kill(pid, 'SIGKILL');
    await until(`${service} is gone`, () => !isAlive(pid) || this.pidOf(service) !== pid);
    await until(`${service} is back`, async () => this.pidOf(service) !== undefined && (await this.#ready()));
  }

  /** What `airtight up` printed and the ends of the services' logs: for a person who reads a failure. */
  logs(): string {
    const tail = (service: string) => {
      const file = join(this.dataDir, 'logs', `${service}.log`);
      return existsSync(file) ? `--- ${service}\n${readFileSync(file, 'utf8').slice(-4000)}` : '';
    };
    return [this.#output.slice(-4000), ...SERVICES.map(tail)].join('\n');
  }

  /** A request to ingest's internal interface. */
  async ingest(path: string, body?: unknown): Promise<Response> {
    const token = readFileSync(join(this.dataDir, 'keys/internal.token'), 'utf8').trim();
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${this.#ports.ingest}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    });
    if (!answer.ok) throw new Error(`ingest ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** Appends entries of the test to the ledger, at most 256: what they say is not its concern. */
  async appendEntries(entries: readonly Uint8Array[]): Promise<void> {
    const token = readFileSync(join(this.dataDir, 'keys/internal.token'), 'utf8').trim();
    const answer = await fetch(`http://127.0.0.1:${this.#ports.ledger}/entries`, {
      method: 'POST',
      body: Buffer.from(formatEntryBundle(entries)),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    });
    if (!answer.ok) throw new Error(`ledger /entries: ${answer.status} ${await answer.text()}`);
  }

  async status(): Promise<IngestStatus> {
    return (await (await this.ingest('/status')).json()) as IngestStatus;
  }

  /** Puts a device on record that may publish to one dataset as itself. */
  async enrol(producer: string, dataset = AIR_DATASET, kind = 'air-station'): Promise<Device> {
    const name = { zh: `测试 ${producer}`, en: `Test ${producer}` };
    const location = { lat: 39.9, lon: 116.4 };
    const request = { producer, agency: AGENCY, kind, name, location, datasets: [dataset] };
    const { username, secret } = (await (await this.ingest('/devices', request)).json()) as { username: string; secret: string };
    return { producer, agency: AGENCY, dataset, topic: `v1/${AGENCY}/${dataset}/${producer}`, username, secret };
  }

  /** An API token of an administrator: unlike a session it survives a restart of the api. */
  async apiToken(): Promise<string> {
    if (this.#apiToken !== undefined) return this.#apiToken;
    const secret = randomBytes(32).toString('base64url');
    const payload: TokenRecord = {
      type: 'token',
      id: 'tests',
      title: 'tests',
      role: 'administrator',
      secretHash: createHash('sha256').update(secret).digest('base64url'),
      createdBy: 'tests',
      revoked: false,
    };
    await this.ingest('/records', { records: [{ agency: CONTROL_AGENCY, dataset: USERS_DATASET, producer: 'tests', payload }] });
    const token = `at_tests_${secret}`;
    await until('the token is known', async () => {
      const answer = await fetch(`${this.httpUrl}/api/v1/producers`, { headers: { authorization: `Bearer ${token}` } });
      return answer.ok;
    });
    this.#apiToken = token;
    return token;
  }

  /** A request to the product's outside port; refusals are errors. */
  async fetch(path: string): Promise<Response> {
    const answer = await fetch(`${this.httpUrl}${path}`, { headers: { authorization: `Bearer ${await this.apiToken()}` } });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** One page of a list of the API. */
  async page<T>(resource: string, query: Query = {}): Promise<Page<T>> {
    const parameters = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
    return (await (await this.fetch(`/api/v1/${resource}?${new URLSearchParams(parameters)}`)).json()) as Page<T>;
  }

  /** All items of a list of the API, through its cursor. */
  async all<T>(resource: string, query: Query = {}): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.page<T>(resource, { ...query, cursor });
      items.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  /** Waits until everything that is in the journal now is in the store too. */
  async untilProjected(): Promise<void> {
    const { head } = await this.status();
    const projected = async () => ((await (await this.fetch('/api/v1/status')).json()) as SystemStatus).projected;
    await untilReached('the store follows the journal', projected, head);
  }

  /** Waits until everything that is in the journal now is under the ledger. */
  async untilAnchored(): Promise<void> {
    const { head } = await this.status();
    await untilReached('the ledger follows the journal', async () => (await this.status()).anchoredThrough, head);
  }

  /** Sum of a counter over its labels, from the joined metrics of all services; 0 when it has not been counted yet. */
  async metric(name: string, labels: readonly string[] = []): Promise<number> {
    const text = await (await this.fetch('/metrics')).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
    const wanted = lines.filter((line) => labels.every((label) => line.includes(label)));
    return wanted.reduce(
      (sum, line) =>
        sum +
        Number(
          line
            .slice(line.lastIndexOf('}') + 1)
            .trim()
            .split(' ')[line.includes('}') ? 0 : 1],
        ),
      0,
    );
  }
}
