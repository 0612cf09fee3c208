/**
 * One ingest service alone, as a process of its own on a data directory of its own: what the tests of its doors need, without
 * ledger and api. Its batches wait for a ledger that never comes, which is no concern of the doors.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGENCY, AIR_DATASET, type Device } from './product.ts';
import { root } from './programs.ts';
import { Hopeless, until } from './waiting.ts';

const TOKEN = 'token of the tests';
const LOG_MAX_CHARS = 200_000;
/** Nobody answers there. */
const NO_LEDGER = 'http://127.0.0.1:9';

export interface MqttPorts {
  readonly tcp: number;
  readonly tls: number;
  readonly ws: number;
  readonly wss: number;
}

/** What the service says in its log when it is ready. */
interface Ready {
  readonly url: string;
  readonly mqttPorts: MqttPorts;
}

export type Environment = { readonly [name: string]: string };

export class IngestNode {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'airtight-node-'));
  readonly #environment: Environment;
  #process: ChildProcess | undefined;
  #ready: Ready | undefined;
  #output = '';

  /** @param environment settings besides data directory and ports, which are free ones */
  constructor(environment: Environment = {}) {
    this.#environment = environment;
    writeFileSync(join(this.dataDir, 'token'), TOKEN, { mode: 0o600 });
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, ['ingest/src/main.ts'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        AIRTIGHT_DATA: this.dataDir,
        AIRTIGHT_TOKEN_FILE: join(this.dataDir, 'token'),
        AIRTIGHT_LEDGER_URL: NO_LEDGER,
        AIRTIGHT_INGEST_PORT: '0',
        AIRTIGHT_INGEST_MQTT_PORT: '0',
        ...this.#environment,
      },
    });
    this.#process = child;
    this.#ready = undefined;
    let line = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (line + chunk.toString()).split('\n');
      line = lines.pop() ?? '';
      for (const text of lines) this.#onLine(text);
    });
    child.stderr.on('data', (chunk: Buffer) => this.#onLine(chunk.toString()));
    await until('ingest is ready', () => {
      if (child.exitCode !== null) throw new Hopeless(`ingest ended with ${child.exitCode}\n${this.#output}`);
      return this.#ready;
    });
  }

  #onLine(text: string): void {
    this.#output = `${this.#output}${text}\n`.slice(-LOG_MAX_CHARS);
    if (text.includes('"ingest is ready"')) this.#ready = JSON.parse(text) as Ready;
  }

  get output(): string {
    return this.#output;
  }

  get ports(): MqttPorts {
    if (this.#ready === undefined) throw new Error('ingest is not ready');
    return this.#ready.mqttPorts;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  /** `kill -9`; returns when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops in order and removes the data directory. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    child.kill(signal);
    await until('ingest ends', () => child.exitCode !== null || child.signalCode !== null);
    this.#process = undefined;
  }

  /** A request to the internal interface; refusals are errors. */
  async ingest(path: string, body?: unknown): Promise<Response> {
    const answer = await fetch(`${this.#ready?.url}${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${TOKEN}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    });
    if (!answer.ok) throw new Error(`ingest ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  /** Puts a device on record that may publish to one dataset as itself. */
  async enrol(producer: string, options: { readonly subscribe?: readonly string[] } = {}): Promise<Device> {
    const request = {
      ...{ producer, agency: AGENCY, kind: 'air-station', name: { zh: producer, en: producer }, datasets: [AIR_DATASET] },
      ...options,
    };
    const { username, secret } = (await (await this.ingest('/devices', request)).json()) as { username: string; secret: string };
    return { producer, agency: AGENCY, dataset: AIR_DATASET, topic: `v1/${AGENCY}/${AIR_DATASET}/${producer}`, username, secret };
  }

  /** Sum of a metric over its labels; 0 when it has not been counted yet. */
  async metric(name: string): Promise<number> {
    const lines = (await (await this.ingest('/metrics')).text()).split('\n');
    const wanted = lines.filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)));
    return wanted.reduce((sum, line) => sum + Number(line.replace(/^[^ {]+(\{.*\})? /, '').split(' ')[0]), 0);
  }
}
