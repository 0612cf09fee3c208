/** The real service over a test journal and ledger, in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CONTROL_AGENCY,
  DATASETS_DATASET,
  type DatasetDefinition,
  DEVICES_DATASET,
  type DeviceRecord,
  USERS_DATASET,
} from '@airtight/protocol';
import pino from 'pino';
import { hashPassword } from '../accounts/password.ts';
import { type ApiConfig, loadApiConfig } from '../config.ts';
import { type RunningApi, startApi } from '../service.ts';
import { JournalServer, TEST_TOKEN } from './journal-server.ts';
import { LedgerServer } from './ledger-server.ts';

/** Long enough for two busy cores; a condition that holds ends the wait at once. */
const DEADLINE_MS = 60_000;

export const AIR: DatasetDefinition = {
  type: 'dataset',
  dataset: 'air',
  title: { zh: '空气', en: 'Air' },
  cadenceMs: 3_600_000,
  properties: {
    pm25: { title: { zh: 'PM2.5', en: 'PM2.5' }, unit: 'ug/m3', min: 0, max: 2000 },
    pm10: { title: { zh: 'PM10', en: 'PM10' }, unit: 'ug/m3', min: 0, max: 5000 },
    so2: { title: { zh: '二氧化硫', en: 'SO2' }, unit: 'ug/m3', min: 0, max: 5000 },
    no2: { title: { zh: '二氧化氮', en: 'NO2' }, unit: 'ug/m3', min: 0, max: 5000 },
    co: { title: { zh: '一氧化碳', en: 'CO' }, unit: 'ug/m3', min: 0, max: 100_000 },
    o3: { title: { zh: '臭氧', en: 'O3' }, unit: 'ug/m3', min: 0, max: 5000 },
  },
  index: 'cn-aqi',
};

export function stationRecord(producer: string): DeviceRecord {
  return {
    type: 'device',
    producer,
    agency: 'bj',
    kind: 'air-station',
    name: { zh: producer, en: producer },
    datasets: ['air'],
    subscribe: [],
    credentials: [],
    simulated: true,
    revoked: false,
  };
}

export const ADMIN_PASSWORD = 'correct-horse';

export class Deployment {
  readonly journal = new JournalServer();
  readonly ledger = new LedgerServer();
  readonly dir = mkdtempSync(join(tmpdir(), 'airtight-api-'));
  config!: ApiConfig;
  api!: RunningApi;

  async begin(env: { readonly [name: string]: string } = {}): Promise<void> {
    await this.journal.start();
    await this.ledger.start();
    const tokenFile = join(this.dir, 'token');
    writeFileSync(tokenFile, TEST_TOKEN);
    this.config = loadApiConfig({
      AIRTIGHT_DATA: this.dir,
      AIRTIGHT_API_PORT: '0',
      AIRTIGHT_INGEST_URL: this.journal.url,
      AIRTIGHT_LEDGER_URL: this.ledger.url,
      AIRTIGHT_TOKEN_FILE: tokenFile,
      AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer',
      AIRTIGHT_LOG_LEVEL: process.env['AIRTIGHT_LOG_LEVEL'] ?? 'silent',
      ...env,
    });
  }

  async startApi(): Promise<void> {
    this.api = await startApi(this.config, pino({ level: this.config.logLevel }));
  }

  async end(): Promise<void> {
    await this.api?.close();
    await this.journal.stop();
    await this.ledger.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  control(dataset: string, payload: unknown): number {
    return this.journal.append({ agency: CONTROL_AGENCY, dataset, producer: 'test', door: 'internal' }, payload);
  }

  defineAir(): void {
    this.control(DATASETS_DATASET, AIR);
  }

  station(producer: string): void {
    this.control(DEVICES_DATASET, stationRecord(producer));
  }

  async user(name: string, role: string, password: string): Promise<void> {
    this.control(USERS_DATASET, { type: 'user', name, role, passwordHash: await hashPassword(password), disabled: false });
  }

  /** A reading of dataset `air`, received when it was measured unless said otherwise. */
  reading(producer: string, time: number, m: { readonly [property: string]: unknown }, receivedAt = time): number {
    return this.journal.append({ agency: 'bj', dataset: 'air', producer, receivedAt, topic: `v1/bj/air/${producer}` }, { t: time, m });
  }

  get(path: string, headers: { readonly [name: string]: string } = {}): Promise<Response> {
    return fetch(`${this.api.url}${path}`, { headers });
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at answers of every shape
  async json(path: string): Promise<any> {
    const response = await this.get(path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Until everything in the journal is in the store. */
  async settled(): Promise<void> {
    await until(() => this.api.context.projector.through >= this.journal.head);
  }
}

/** Resolves when the condition holds; throws after DEADLINE_MS. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${condition}`);
    await sleep(10);
  }
}
