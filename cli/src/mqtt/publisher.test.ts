/** Against the real ingest, in a process of its own that is killed and started again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { createDataDirectory, type DataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { IngestClient } from '../ingest-client.ts';
import { serviceMain } from '../supervise/services.ts';
import { answers, waitUntil } from '../waiting.ts';
import { Publisher } from './publisher.ts';

const root = mkdtempSync(join(tmpdir(), 'publisher-'));
const data: DataDirectory = dataDirectory(root);
let ports: { readonly ingest: number; readonly mqtt: number };
let ingest: ChildProcess;
let client: IngestClient;
const limit = () => AbortSignal.timeout(60_000);

async function startIngest(): Promise<void> {
  ingest = spawn(process.execPath, [serviceMain('ingest')], {
    stdio: 'ignore',
    env: {
      ...process.env,
      AIRTIGHT_DATA: root,
      AIRTIGHT_TOKEN_FILE: data.internalTokenFile,
      AIRTIGHT_INGEST_PORT: String(ports.ingest),
      AIRTIGHT_INGEST_MQTT_PORT: String(ports.mqtt),
      // Nobody answers there: batches wait, records do not.
      AIRTIGHT_LEDGER_URL: 'http://127.0.0.1:9',
    },
  });
  const isReady = () => {
    assert.equal(ingest.exitCode, null, 'ingest runs');
    return answers(`http://127.0.0.1:${ports.ingest}/readyz`);
  };
  assert.ok(await waitUntil(isReady, 50, limit()), 'ingest is ready');
}

async function stopIngest(signal: NodeJS.Signals): Promise<void> {
  if (ingest.exitCode !== null) return;
  const ended = once(ingest, 'exit');
  ingest.kill(signal);
  await ended;
}

before(async () => {
  createDataDirectory(data);
  ports = { ingest: await freePort(), mqtt: await freePort() };
  await startIngest();
  client = new IngestClient(`http://127.0.0.1:${ports.ingest}`, readInternalToken(data));
});
after(async () => {
  await stopIngest('SIGTERM');
  rmSync(root, { recursive: true });
});

function device(producer: string) {
  return { producer, agency: 'a', kind: 'service' as const, name: { zh: producer, en: producer }, datasets: ['d'] };
}

test('every message is acknowledged and on record once, though ingest is killed twice meanwhile', async () => {
  const [enrolment] = await client.enrol([device('steady')]);
  assert.ok(enrolment);
  const count = 20_000;
  let taken = 0;
  let acknowledged = 0;
  let losses = 0;
  const publisher = new Publisher({
    host: '127.0.0.1',
    port: ports.mqtt,
    clientId: 'steady',
    username: enrolment.username,
    password: enrolment.secret,
    inFlightMax: 200,
    take: () => (taken < count ? { topic: Buffer.from('v1/a/d/steady'), payload: `{"id":"m${taken++}","t":1,"m":{"x":1}}` } : undefined),
    onAcknowledged: (more) => {
      acknowledged += more;
    },
    onDisconnected: () => losses++,
  });
  publisher.open();
  for (const share of [0.2, 0.6]) {
    assert.ok(await waitUntil(() => acknowledged > count * share, 1, limit()));
    assert.ok(acknowledged < count, 'the kill comes before the end');
    await stopIngest('SIGKILL');
    await startIngest();
  }
  assert.ok(await waitUntil(() => acknowledged === count, 20, limit()), `${acknowledged} of ${count}`);
  publisher.close();
  assert.equal(publisher.inFlight, 0);
  assert.equal(losses, 3, 'two kills and the good-bye');
  // The device's own record, and each message once: what was sent again after a kill was a repeat. Ticks come on top.
  const { head } = await client.status();
  assert.ok(head > count && head < count + 60, `head ${head}`);
});

test('a wrong secret is told apart from a server that is away', async () => {
  await client.enrol([device('stranger')]);
  const refused = new Promise<number>((resolve) => {
    const publisher = new Publisher({
      host: '127.0.0.1',
      port: ports.mqtt,
      clientId: 'stranger',
      username: 'stranger',
      password: 'wrong',
      inFlightMax: 1,
      take: () => undefined,
      onAcknowledged: () => {},
      onRefused: (returnCode) => {
        publisher.close();
        resolve(returnCode);
      },
    });
    publisher.open();
  });
  assert.ok([4, 5].includes(await refused));
});
