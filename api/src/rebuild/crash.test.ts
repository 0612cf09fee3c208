import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { storeDirOf } from '../service.ts';
import { Deployment, until } from '../testing/deployment.ts';
import { auditStore, digestStore, rebuildStore } from './rebuild.ts';

const T0 = Date.UTC(2026, 3, 1, 0);
const KILLS = 8;
const d = new Deployment();
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Where the process that runs answers; it names its port in its log. */
let url: string | undefined;

before(() => d.begin());
after(() => d.end());

function startProcess(): ChildProcess {
  const { dataDir, ingestUrl, ledgerUrl, tokenFile } = d.config;
  url = undefined;
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      AIRTIGHT_DATA: dataDir,
      AIRTIGHT_API_PORT: '0',
      AIRTIGHT_API_ANONYMOUS_ROLE: 'viewer',
      AIRTIGHT_INGEST_URL: ingestUrl,
      AIRTIGHT_LEDGER_URL: ledgerUrl,
      AIRTIGHT_TOKEN_FILE: tokenFile,
      AIRTIGHT_LOG_LEVEL: 'info',
    },
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as { readonly msg: string; readonly url?: string };
    if (told.msg === 'api is up') url = told.url;
  });
  return child;
}

/** All records below are in the store, as the process says; -1 while it does not answer. */
async function projected(): Promise<number> {
  if (url === undefined) return -1;
  const response = await fetch(`${url}/api/v1/status`).catch(() => undefined);
  return response?.ok === true ? ((await response.json()) as { projected: number }).projected : -1;
}

test('killed at random moments while the journal grows, the store ends up with every row once', async () => {
  d.defineAir();
  d.station('s1');
  let writing = true;
  let written = 0;
  const writer = (async () => {
    while (writing) {
      await sleep(10);
      // While it starts nothing comes: how much is written does not depend on how long a start takes.
      if (url === undefined) continue;
      for (let i = 0; i < 30; i++, written++)
        d.reading(`s${written % 9}`, T0 + written * 1000, { pm25: written % 300, pm10: 50, note: `n${written}` });
      if (written % 3000 === 0) d.defineAir();
    }
  })();
  // A fixed sequence of waits, so that a failure can be repeated.
  let seed = 99;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = startProcess();
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    await until(async () => (await projected()) >= 0);
    await sleep(seed % 1200);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  writing = false;
  await writer;
  const child = startProcess();
  const exited = once(child, 'exit');
  await until(async () => (await projected()) >= d.journal.head);
  child.kill('SIGTERM');
  const [code] = await exited;
  assert.equal(code, 0);
  const report = await auditStore(d.config);
  assert.equal(report.finding, null);
  assert.equal(report.rows.observations, written * 3);
  const crashed = await digestStore(d.config);
  await rebuildStore(d.config);
  assert.deepEqual(await digestStore(d.config), crashed, 'a rebuild gives the same bytes');
});

/** Changes the store behind the service's back. */
async function tamper(statement: string): Promise<void> {
  const { Session, drainPending } = await import('chdb');
  const session = new Session(`${storeDirOf(d.config)}/clickhouse`);
  session.query(`SET mutations_sync = 1; ${statement}`);
  session.close();
  await drainPending();
}

test('a changed, a missing and an added row are named by their position', async () => {
  const changed = 777;
  await tamper(`ALTER TABLE airtight.observations UPDATE result = result + 1 WHERE position = ${changed} AND observedProperty = 'pm25'`);
  const first = (await auditStore(d.config)).finding;
  assert.deepEqual([first?.code, first?.table, first?.position], ['STORE_MISMATCH', 'observations', changed]);
  assert.match(first?.detail ?? '', /^result: stored /);
  await tamper('ALTER TABLE airtight.indices DELETE WHERE position = 500');
  const second = (await auditStore(d.config)).finding;
  assert.deepEqual([second?.table, second?.position, second?.detail], ['indices', 500, 'the row is missing']);
  await tamper(
    'INSERT INTO airtight.observations SELECT * REPLACE (99 AS ordinal) FROM airtight.observations WHERE position = 100 LIMIT 1',
  );
  const third = (await auditStore(d.config)).finding;
  assert.deepEqual([third?.table, third?.position, third?.detail], ['observations', 100, 'a row that the journal does not give']);
});
