/** The ledger service alone, as a process of its own on a new log. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateLedgerKey, ledgerDirectory } from '@airtight/ledger';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import type { TileSource } from '@airtight/tlog';
import { Child } from '../processes/child.ts';

const ORIGIN = 'ledger.example/measured';
/** libuv's pool as `airtight up` sets it. */
const THREADS = '16';

/** Counters of the service since its start. */
export interface LedgerCounters {
  readonly entries: number;
  readonly commits: number;
  readonly syncs: number;
  readonly commitSeconds: number;
}

export class LedgerService {
  readonly token = 'token-of-this-run';
  readonly port: number;
  readonly vkey: string;
  /** Of the log's files. */
  readonly logDirectory: string;
  readonly #child: Child;

  private constructor(port: number, vkey: string, dataDir: string, child: Child) {
    this.port = port;
    this.vkey = vkey;
    this.logDirectory = ledgerDirectory(dataDir);
    this.#child = child;
  }

  static async start(directory: string): Promise<LedgerService> {
    const [port, dataDir] = [await freePort(), join(directory, 'ledger-data')];
    mkdirSync(join(dataDir, 'keys'), { recursive: true });
    writeFileSync(join(dataDir, 'keys', 'internal.token'), 'token-of-this-run');
    const vkey = await generateLedgerKey(join(dataDir, 'keys', 'ledger.key'), ORIGIN);
    const env = {
      ...process.env,
      UV_THREADPOOL_SIZE: THREADS,
      AIRTIGHT_LOG_LEVEL: 'warn',
      AIRTIGHT_DATA: dataDir,
      AIRTIGHT_LEDGER_ORIGIN: ORIGIN,
      AIRTIGHT_LEDGER_PORT: String(port),
    };
    const main = fileURLToPath(new URL('../../../ledger/src/main.ts', import.meta.url));
    const child = new Child('ledger', [process.execPath, main], directory, { env });
    const service = new LedgerService(port, vkey, dataDir, child);
    await child.ready(() =>
      fetch(`${service.#url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return service;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The published checkpoint, as a signed note. */
  async checkpoint(): Promise<Uint8Array> {
    return this.files.read('checkpoint');
  }

  /** The log as anybody sees it. */
  get files(): TileSource {
    return {
      read: async (path) => {
        const response = await fetch(`${this.#url}/${path}`);
        if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        return new Uint8Array(await response.arrayBuffer());
      },
    };
  }

  async counters(): Promise<LedgerCounters> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^airtight_ledger_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    return {
      entries: value('entries_total'),
      commits: value('commits_total'),
      syncs: value('syncs_total'),
      commitSeconds: value('commit_seconds_sum'),
    };
  }

  get #url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
