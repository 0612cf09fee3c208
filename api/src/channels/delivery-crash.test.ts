/** The service dies by `kill -9` while it delivers to a real receiver. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  ALERTS_DATASET,
  type AlertItem,
  CHANNELS_DATASET,
  type ChannelRecord,
  type DeliveryOutcome,
  decodeRecord,
  deliveriesIn,
} from '@airtight/protocol';
import { verifyWebhook } from '@airtight/standards/standard-webhooks.ts';
import { Deployment, until } from '../testing/deployment.ts';
import { ChannelSecrets } from './channel-secrets.ts';
import { INTERRUPTED } from './outbox.ts';

const KILLS = 3;
/** Alerts in each round, each with a raise and a clear. */
const ALERTS = 3;
/** The receiver thinks so long, so that the kill finds requests on their way. */
const ANSWER_AFTER_MS = 150;
const d = new Deployment();
const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const received: { readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
let receiver: Server;
let port = 0;
let secret = '';
let running: ChildProcess | undefined;

before(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      setTimeout(() => response.writeHead(204).end(), ANSWER_AFTER_MS);
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await d.begin();
  d.journal.now = Date.now();
  d.defineAir();
  d.station('s1');
  secret = new ChannelSecrets(d.dir).rotate('office');
  const channel: ChannelRecord = {
    ...{ type: 'channel', channel: 'office', kind: 'webhook', title: { zh: '局', en: 'Bureau' }, languages: ['zh', 'en'], filter: {} },
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    ...{ namedOnly: false, confidential: false, disabled: false, removed: false, by: 'chief' },
  };
  d.control(CHANNELS_DATASET, channel);
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  port = (free.address() as AddressInfo).port;
  await new Promise((resolve) => free.close(resolve));
});
after(async () => {
  running?.kill('SIGKILL');
  receiver.closeAllConnections();
  receiver.close();
  await d.end();
});

function startProcess(): ChildProcess {
  const { dataDir, ingestUrl, ledgerUrl, tokenFile } = d.config;
  running = spawn(process.execPath, [main], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      AIRTIGHT_DATA: dataDir,
      AIRTIGHT_API_PORT: String(port),
      AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer',
      AIRTIGHT_API_WEBHOOK_NETWORKS: '127.0.0.1',
      AIRTIGHT_INGEST_URL: ingestUrl,
      AIRTIGHT_LEDGER_URL: ledgerUrl,
      AIRTIGHT_TOKEN_FILE: tokenFile,
      AIRTIGHT_LOG_LEVEL: 'silent',
    },
  });
  return running;
}

async function answers(): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/api/v1/status`).catch(() => undefined))?.ok === true;
}

/** @returns positions of its two transitions */
function alert(id: string): readonly number[] {
  d.journal.now = Date.now();
  const common = { v: 1, alert: id, at: Date.now(), contract: 'heavy', agency: 'bj', evidence: [1], values: { pm25: 180 } };
  const raise = {
    ...{ ...common, type: 'raise', n: 0, version: 'b'.repeat(64), rule: 'heavy', severity: 'severe', dataset: 'air', subject: 's1' },
    ...{ since: Date.now(), message: { zh: '重度', en: 'heavy' } },
  };
  return [raise, { ...common, type: 'clear', n: 1 }].map((payload) =>
    d.journal.append({ agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy', door: 'internal' }, payload),
  );
}

function recordedAttempts(): DeliveryOutcome[] {
  return d.journal.records.flatMap((bytes) => {
    const record = decodeRecord(bytes);
    return record.ok ? (deliveriesIn(record.value) ?? []) : [];
  });
}

const idOf = ({ headers }: (typeof received)[number]) => headers['webhook-id'] as string;

test('every transition arrives at least once, in order, under one id; the log has every request that was made', async () => {
  const told = new Map<string, readonly number[]>();
  // A fixed sequence of waits, so that a failure can be repeated.
  let seed = 7;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = startProcess();
    const before = received.length;
    for (let i = 0; i < ALERTS; i++) {
      const id = String(told.size + 1).padStart(32, '0');
      told.set(id, alert(id));
    }
    await until(answers);
    await until(() => received.length > before);
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    await sleep(seed % (2 * ANSWER_AFTER_MS));
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const child = startProcess();
  const exited = once(child, 'exit');
  const last = () => new Map(recordedAttempts().map((outcome) => [outcome.message, outcome]));
  const isDone = () => [...last().values()].filter(({ outcome }) => outcome === 'delivered').length === told.size * 2;
  await until(answers);
  await until(isDone);
  const shown = await Promise.all(
    [...told.keys()].map(async (id) => (await (await fetch(`http://127.0.0.1:${port}/api/v1/alerts/${id}`)).json()) as AlertItem),
  );
  child.kill('SIGTERM');
  assert.equal((await exited)[0], 0);

  const byId = Map.groupBy(received, idOf);
  assert.equal(byId.size, told.size * 2, 'one id for each transition');
  for (const [id, requests] of byId) {
    assert.equal(new Set(requests.map(({ body }) => body)).size, 1, `${id} says the same each time`);
    for (const { headers, body } of requests) {
      const signed = { id, timestamp: headers['webhook-timestamp'] as string, signature: headers['webhook-signature'] as string };
      assert.equal(verifyWebhook(signed, Buffer.from(body), [secret], Date.now() / 1000).ok, true);
    }
    const attempts = recordedAttempts().filter(({ message }) => message === id);
    const numbers = [...new Set(attempts.map(({ attempt }) => attempt))].sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
      'no attempt is left out',
    );
    assert.ok(requests.length <= numbers.length, `${id}: ${requests.length} requests, ${numbers.length} attempts on record`);
  }
  for (const [id, [raise, clear]] of told) {
    const order = received.map(idOf).filter((name) => name.startsWith(id));
    assert.equal(
      order.indexOf(`${id}_${clear}_office`),
      order.lastIndexOf(`${id}_${raise}_office`) + 1,
      'the end comes after the beginning',
    );
  }
  assert.ok(received.length > byId.size, 'a kill has found a request on its way');
  assert.ok(recordedAttempts().some(({ detail }) => detail === INTERRUPTED));
  for (const { timeline } of shown)
    for (const { deliveries } of timeline)
      assert.deepEqual(
        deliveries?.map(({ state }) => state),
        ['delivered'],
      );
});
