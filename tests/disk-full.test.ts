/**
 * I1 on a full disk: nothing is acknowledged that is not stored, the product says why, and when there is room again it
 * goes on by itself: every message once, the ledger and the store too, and the audit finds nothing.
 *
 * A real full disk: a small tmpfs. Mounting one needs root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AlertItem, ObservationItem, SystemStatus } from '@airtight/protocol';
import { compareBatches, readBatches, readJournal } from './harness/evidence.ts';
import { type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { Publisher } from './harness/publisher.ts';
import { pause, until } from './harness/waiting.ts';

/** The store's engine alone takes a good part of it. */
const DISK_BYTES = 160 * 1024 * 1024;
const FILLER = 'filler';
const PAGE_SIZE = 10_000;
/** Longer than a commit and than the longest pause between two tries. */
const STAYS_MS = 1500;

/** A disk of its own; undefined where the system does not let us mount one. */
function smallDisk(t: TestContext): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), 'airtight-disk-'));
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', dir], { encoding: 'utf8' });
  t.after(() => {
    if (status === 0) spawnSync('umount', ['-l', dir]);
    rmSync(dir, { recursive: true, force: true });
  });
  if (status === 0) return dir;
  t.skip(`a small disk cannot be mounted here: ${stderr.trim()}`);
  return undefined;
}

/** Takes all room that is left. */
function fill(dir: string): void {
  const { bavail, bsize } = statfsSync(dir);
  for (let bytes = bavail * bsize; bytes > 0; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(join(dir, FILLER), Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

async function readiness(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

/** Services tidy up and give back some room: it is taken again until everything stands. */
async function untilNothingMoves(dir: string, publishers: readonly Publisher[]): Promise<void> {
  const counts = (): string => publishers.map(({ acknowledged }) => acknowledged.size).join();
  await until('no PUBACK while nothing can be stored', async () => {
    fill(dir);
    const before = counts();
    await pause(STAYS_MS);
    return counts() === before;
  });
}

/** Every acknowledged message is in journal, ledger and store, once. */
async function assertNothingLost(product: Product, publishers: readonly Publisher[]): Promise<void> {
  await product.untilProjected();
  await product.untilAnchored();
  // Batches first: a tick may be sealed between the two.
  const batches = await readBatches(product);
  assert.deepEqual(compareBatches(await readJournal(product), batches), []);
  for (const { device, acknowledged } of publishers) {
    const items = await product.all<ObservationItem>('observations', { producer: device.producer, limit: PAGE_SIZE });
    const stored = items.map(({ result }) => Number(result)).sort((a, b) => a - b);
    assert.deepEqual(
      stored,
      [...acknowledged].sort((a, b) => a - b),
      device.producer,
    );
  }
}

async function startPublishers(product: Product, names: readonly string[]): Promise<Publisher[]> {
  const startMs = Date.now() - 30 * 86_400_000;
  const devices = await Promise.all(names.map((name) => product.enrol(name)));
  const publishers = devices.map((device) => new Publisher(product, device, startMs));
  await Promise.all(publishers.map((publisher) => publisher.start()));
  return publishers;
}

const statusOf = async (product: Product): Promise<SystemStatus> => (await (await product.fetch('/api/v1/status')).json()) as SystemStatus;

const metrics = async (product: Product): Promise<string> => (await fetch(`${product.ingestUrl}/metrics`)).text();

/** The alert names the fault and how long it lasted, and has ended with it. */
async function assertAlertRaised(product: Product): Promise<void> {
  const alerts = await product.all<AlertItem>('alerts', { state: 'all' });
  const ofStorage = alerts.filter(({ contract, rule }) => contract === 'sys.storage' && rule === 'JOURNAL_UNWRITABLE');
  assert.ok(ofStorage.some(({ values }) => Number(values['lastedS']) >= STAYS_MS / 1000));
  for (const { message, clearedAt } of ofStorage) {
    assert.match(message.en, /nothing could be stored.*JOURNAL_UNWRITABLE.*ENOSPC/);
    assert.notEqual(clearedAt, null);
  }
}

test('a disk that is full to the last byte: publishers wait, the reason is told, and with room everything goes on by itself', async (t) => {
  const dir = smallDisk(t);
  if (dir === undefined) return;
  // Small segments: sealing and compressing come upon the full disk as well.
  const environment = {
    AIRTIGHT_INGEST_DISK_RESERVE_BYTES: '0',
    AIRTIGHT_INGEST_SEGMENT_MAX_BYTES: '65536',
    AIRTIGHT_INGEST_COMPRESS_AFTER_S: '0',
  };
  const product = await startProduct({ dataDir: join(dir, 'data'), environment });
  t.after(() => product.stop());
  const publishers = await startPublishers(product, ['full-1', 'full-2']);
  t.after(() => {
    for (const publisher of publishers) publisher.close();
  });
  const pids = product.pids();
  await product.apiToken();
  await until('something is acknowledged', () => publishers.every(({ acknowledged }) => acknowledged.size > 200));

  fill(dir);
  await untilNothingMoves(dir, publishers);
  const reason = await readiness(product.ingestUrl);
  assert.equal(reason.status, 503);
  assert.match(reason.text, /"code":"JOURNAL_UNWRITABLE"/);
  assert.match(reason.text, /ENOSPC/);
  await until('the api says why', async () => /JOURNAL_UNWRITABLE.*ENOSPC/.test((await readiness(product.httpUrl)).text));
  assert.deepEqual(
    (await statusOf(product)).faults.map(({ service, code }) => `${service} ${code}`),
    ['ingest JOURNAL_UNWRITABLE'],
  );

  assert.match(await metrics(product), /^airtight_ingest_storage_fault 1$/m);

  const before = publishers.map(({ acknowledged }) => acknowledged.size);
  rmSync(join(dir, FILLER));
  await until('acknowledgements go on', () => publishers.every(({ acknowledged }, i) => acknowledged.size > (before[i] ?? 0) + 200));
  await Promise.all(publishers.map((publisher) => publisher.finish()));
  await until('all is ready', async () => (await readiness(product.httpUrl)).status === 200);
  assert.equal(product.pids()[0], pids[0], 'ingest is the same process');
  await assertNothingLost(product, publishers);
  const faults = (await readJournal(product)).filter(({ header }) => header.dataset === 'sys.storage');
  assert.ok(faults.length > 0, 'that it happened is on record');
  assert.match(await metrics(product), /^airtight_ingest_storage_fault 0$/m);
  assert.match(await metrics(product), /^airtight_ingest_storage_faults_total\{code="JOURNAL_UNWRITABLE"\} [1-9]/m);
  await assertAlertRaised(product);
  await product.halt();
  const audit = await airtight(['audit', '--data', product.dataDir, '--lang', 'en']);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
});
