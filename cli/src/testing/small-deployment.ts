/**
 * `airtight up` in a process of its own, on a data directory that comes to hold every kind of file: several segments, one of them
 * compressed, batches in a ledger that is cosigned and cosigns, evidence of a fork, certificates, quarantine.
 */
import { spawn } from 'node:child_process';
import { randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { privateKeyOfSeed } from '@airtight/ledger';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { CONTROL_AGENCY, DATASETS_DATASET, sealText } from '@airtight/protocol';
import { ED25519, formatAddCheckpoint, formatCheckpoint, formatNote, formatVkey, type SigningKey, vkeyOf } from '@airtight/tlog';
import { auditorKey } from '../audit/auditor-key.ts';
import { createDataDirectory, type DataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Ports } from '../endpoints.ts';
import { createLedgerIdentity } from '../first-start/ledger-key.ts';
import { IngestClient } from '../ingest-client.ts';
import { answers, waitUntil } from '../waiting.ts';

const WITNESS = 'witness.example/small';
const POLL_MS = 20;
const DEADLINE_MS = 60_000;
const SEGMENT_BYTES = 65_536;
const AGENCY = 'beijing';
const CONFIDENTIAL = 'clinic';

const CONFIDENTIAL_DEFINITION = {
  type: 'dataset',
  dataset: CONFIDENTIAL,
  title: { zh: '门诊', en: 'Clinic' },
  cadenceMs: 60_000,
  confidential: true,
  properties: { tvc: { title: { zh: '温度', en: 'Temperature' }, unit: 'Cel' } },
};

export interface SmallDeployment {
  readonly ports: Ports;
  readonly ingest: IngestClient;
  /** So many readings of one device; resolves when they are in the ledger and in the store. */
  publish(readings: number): Promise<void>;
  /** So many readings for a confidential dataset; resolves when they are in the ledger. */
  publishConfidential(readings: number): Promise<void>;
  /** What is no reading: it goes to quarantine. */
  publishNonsense(): Promise<void>;
  /** A log that this ledger cosigns shows it two histories. */
  forkAnotherLog(): Promise<void>;
  /** @throws when it does not come true in time */
  until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void>;
  stop(): Promise<void>;
}

/** @param environment settings of the services, beside those that make small files */
export async function startSmallDeployment(
  data: DataDirectory,
  environment: { readonly [name: string]: string } = {},
): Promise<SmallDeployment> {
  const ports = {
    http: await freePort(),
    mqtt: await freePort(),
    mqttTls: await freePort(),
    ingest: await freePort(),
    ledger: await freePort(),
  };
  const otherLog = { name: 'log.example/other', type: ED25519, seed: randomBytes(32) };
  const env = { ...environmentOf(data), ...environment };
  createDataDirectory(data);
  await createLedgerIdentity(data, undefined, env);
  await writeTrust(data, otherLog, ports.ledger);
  const stop = await up(data, ports, env);
  const url = `http://${LOOPBACK}:${ports.http}`;
  const client = new IngestClient(`http://${LOOPBACK}:${ports.ingest}`, readInternalToken(data));
  const device = await enrol(client);
  let sequence = 0;
  const post = async (lines: readonly unknown[], dataset = 'air'): Promise<void> => {
    const response = await fetch(`${url}/api/v1/records?dataset=${dataset}`, {
      method: 'POST',
      headers: { authorization: `Basic ${device}`, 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  const anchored = async () => {
    const { head } = await client.status();
    await until('what was published is in the ledger', async () => (await client.status()).anchoredThrough >= head);
    return head;
  };
  return {
    ...{ ports, ingest: client, until, stop },
    async publish(readings) {
      const now = Date.now();
      await post(Array.from({ length: readings }, () => ({ seq: sequence++, t: now - sequence * 1000, m: { pm25: sequence % 90 } })));
      const head = await anchored();
      const headers = { authorization: `Bearer ${readInternalToken(data)}` };
      const projected = async () => ((await (await fetch(`${url}/api/v1/status`, { headers })).json()) as { projected: number }).projected;
      await until('what was published is in the store', async () => (await projected()) >= head);
    },
    async publishConfidential(readings) {
      await client.writeRecords([
        { agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: 'tests', payload: CONFIDENTIAL_DEFINITION },
      ]);
      const now = Date.now();
      const lines = Array.from({ length: readings }, (_, i) => ({ t: now - i * 1000, m: { tvc: i % 9 } }));
      await post(lines, CONFIDENTIAL);
      await anchored();
    },
    publishNonsense: () =>
      post([
        { t: 'never', m: {} },
        { seq: 1, t: Date.now(), m: { nothing: 'x' } },
      ]),
    forkAnotherLog: () => forkLog(`http://${LOOPBACK}:${ports.ledger}`, otherLog),
  };
}

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await waitUntil(isTrue, POLL_MS, AbortSignal.timeout(DEADLINE_MS)))) throw new Error(`not in time: ${what}`);
}

/** @returns what stops it */
async function up(data: DataDirectory, ports: Required<Ports>, env: { readonly [name: string]: string }): Promise<() => Promise<void>> {
  const { http, mqtt, mqttTls, ingest, ledger } = ports;
  const options = { port: http, 'mqtt-port': mqtt, 'mqtt-tls-port': mqttTls, 'ingest-port': ingest, 'ledger-port': ledger };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'up', '--tls', '--data', data.root, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGINT');
    await until('up stops', () => child.exitCode !== null || child.signalCode !== null);
  };
  try {
    await until('up is ready', async () => {
      if (child.exitCode !== null) throw new Error(`up ended: ${said}`);
      return existsSync(data.firstStartFile) && (await answers(`http://${LOOPBACK}:${http}/readyz`));
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

function environmentOf(data: DataDirectory) {
  return {
    AIRTIGHT_INGEST_SEGMENT_MAX_BYTES: String(SEGMENT_BYTES),
    AIRTIGHT_INGEST_COMPRESS_AFTER_S: '1',
    AIRTIGHT_INGEST_DISK_RESERVE_BYTES: '0',
    AIRTIGHT_LEDGER_WITNESS_NAME: WITNESS,
    AIRTIGHT_LEDGER_POLICY_FILE: data.policyFile,
  };
}

/** Whom this ledger cosigns for, itself among them, and by whom it is cosigned: itself. */
async function writeTrust(data: DataDirectory, otherLog: SigningKey, port: number): Promise<void> {
  const own = readFileSync(data.ledgerVkeyFile, 'utf8').trim();
  const witness = readFileSync(data.witnessVkeyFile, 'utf8').trim();
  writeFileSync(data.witnessLogsFile, `log ${own}\nlog ${formatVkey(vkeyOf(otherLog))}\nquorum none\n`);
  writeFileSync(data.policyFile, `log ${own}\nwitness self ${witness} http://127.0.0.1:${port}/witness/v0\nquorum self\n`);
  writeFileSync(data.regionCardFile, `log ${own}\nwitness self ${witness} http://127.0.0.1:${port}/witness/v0\nquorum self\n`);
  await auditorKey(join(data.keys, 'audit.key'), 'airtight.local/audit');
  mkdirSync(join(data.root, 'imports'), { recursive: true });
  writeFileSync(join(data.root, 'imports', `${'0'.repeat(64)}.json`), sealText(JSON.stringify({ format: 'airtight-import-state@1' })));
}

/** @returns user name and password, in base64 */
async function enrol(client: IngestClient): Promise<string> {
  const device = {
    producer: 'station-1',
    agency: AGENCY,
    kind: 'air-station',
    name: { zh: '一', en: 'One' },
    datasets: ['air', CONFIDENTIAL],
  } as const;
  const [enrolment] = await client.enrol([device]);
  return Buffer.from(`${enrolment?.username}:${enrolment?.secret}`).toString('base64');
}

/** Two checkpoints of one size and different roots, both signed. */
async function forkLog(ledgerUrl: string, key: SigningKey): Promise<void> {
  for (const oldSize of [0, 1]) {
    const text = formatCheckpoint({ origin: key.name, size: 1, root: randomBytes(32) });
    const { keyId } = vkeyOf(key);
    const signature = sign(null, Buffer.from(text), privateKeyOfSeed(key.seed));
    const body = formatAddCheckpoint({ oldSize, path: [], note: formatNote(text, [{ name: key.name, keyId, signature }]) });
    await (await fetch(`${ledgerUrl}/witness/v0/add-checkpoint`, { method: 'POST', body })).arrayBuffer();
  }
}
