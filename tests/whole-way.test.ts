/**
 * The whole way of a reading, on a real station's four years: published over MQTT, read back value by value, under the ledger
 * exactly once, and each record provable offline.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BatchItem, LedgerStatus, ObservationItem } from '@airtight/protocol';
import { changeRecordDigit } from './harness/bundle.ts';
import { compareBatches, type JournalRecord, readBatches, readJournal } from './harness/evidence.ts';
import { peakMemoryBytes } from './harness/processes.ts';
import { type Product, startProduct } from './harness/product.ts';
import { airtight, sharedFile } from './harness/programs.ts';
import { readUci, uciValues, valueKey } from './harness/uci.ts';
import { until } from './harness/waiting.ts';

const PRODUCER = 'uci-aotizhongxin';
const PAGE_SIZE = 10_000;
const MEMORY_MAX_BYTES = 1.5e9;

async function replay(product: Product, file: string): Promise<void> {
  const { code, stdout, stderr } = await airtight(['replay', file, '--data', product.dataDir], 300_000);
  assert.equal(code, 0, `${stdout}\n${stderr}\n${product.logs()}`);
}

/** Every observation of the station in the store, with the record it came in. */
function observationsOf(product: Product): Promise<ObservationItem[]> {
  return product.all<ObservationItem>('observations', { producer: PRODUCER, limit: PAGE_SIZE });
}

/** Its readings in the journal; its enrolment is a record of another dataset. */
async function readingsOf(product: Product): Promise<JournalRecord[]> {
  return (await readJournal(product)).filter(({ header }) => header.producer === PRODUCER && header.dataset === 'air');
}

const keyOf = (item: ObservationItem) => valueKey(Date.parse(item.phenomenonTime), item.observedProperty, item.result);

test('a real station, from MQTT to a proof', async (t) => {
  const file = sharedFile(t, 'data/air-beijing-uci/PRSA_Data_Aotizhongxin_20130301-20170228.csv.gz');
  if (file === undefined) return;
  const rows = readUci(file);
  assert.equal(rows.length, 35_064);
  const product = await startProduct();
  t.after(() => product.stop());
  const folder = mkdtempSync(join(tmpdir(), 'airtight-proof-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));

  await t.test('every value read back equals the file; NA is missing', async () => {
    await replay(product, file);
    await product.untilProjected();
    const stored = (await observationsOf(product)).map(keyOf).sort();
    const expected = uciValues(rows).sort();
    assert.equal(stored.length, expected.length);
    const wrong = stored.flatMap((key, at) => (key === expected[at] ? [] : [`${key} instead of ${expected[at]}`]));
    assert.deepEqual(wrong.slice(0, 10), []);
  });

  await t.test('the services together stayed within 1.5 GB', () => {
    const peaks = product.pids().map(peakMemoryBytes);
    assert.ok(peaks.every((bytes) => bytes > 0));
    const total = peaks.reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(total <= MEMORY_MAX_BYTES, `${Math.round(total / 1e6)} MB`);
  });

  await t.test('the same replay again adds nothing', async () => {
    const before = (await readingsOf(product)).length;
    const { counters } = await product.status();
    await replay(product, file);
    await product.untilProjected();
    const after = (await readingsOf(product)).length;
    assert.equal(after, before);
    assert.equal((await product.status()).counters.duplicates - counters.duplicates, before);
    assert.equal((await observationsOf(product)).length, uciValues(rows).length);
  });

  await t.test('journal, batches and ledger hold each record exactly once', async () => {
    await product.untilAnchored();
    const { anchoredThrough } = await product.status();
    const records = await readJournal(product);
    const published = rows.filter(({ values }) => values.size > 0).length;
    assert.equal((await readingsOf(product)).length, published);
    const batches = await readBatches(product);
    assert.deepEqual(compareBatches(records, batches), []);
    const anchored = batches.reduce((sum, batch) => sum + batch.count, 0);
    assert.ok(anchored >= anchoredThrough && anchored <= records.length, `${anchored} of ${records.length}`);
    const listed = await product.all<BatchItem>('batches', { limit: 1000 });
    const counted = listed.filter((batch) => batch.ledgerIndex !== null && batch.seq < batches.length);
    assert.equal(
      counted.reduce((sum, batch) => sum + batch.count, 0),
      anchored,
    );
  });

  await t.test('a proof bundle from the API verifies offline; with one changed digit it names the step', async () => {
    const [observation] = await observationsOf(product);
    assert.ok(observation);
    const bundle = await (await product.fetch(`/api/v1/records/${observation.record}/proof`)).text();
    const intact = join(folder, 'intact.airtight-proof.json');
    const changed = join(folder, 'changed.airtight-proof.json');
    writeFileSync(intact, bundle);
    writeFileSync(changed, changeRecordDigit(bundle));
    const policy = join(product.dataDir, 'keys/policy');
    const good = await airtight(['verify', intact, '--policy', policy]);
    assert.equal(good.code, 0, good.stdout + good.stderr);
    const bad = await airtight(['verify', changed, '--policy', policy, '--lang', 'en', '--json']);
    assert.equal(bad.code, 1, bad.stdout + bad.stderr);
    assert.match(bad.stdout, /PROOF_MISMATCH/);
    const steps = stepsOf(bad.stdout);
    assert.deepEqual(
      steps.filter(({ ok }) => !ok).map(({ step }) => step),
      ['batch'],
    );
  });

  await t.test('the checkpoint that the API shows covers every record', async () => {
    const status = await until('the API shows a checkpoint', async () => {
      const ledger = (await (await product.fetch('/api/v1/ledger')).json()) as LedgerStatus;
      return ledger.anchoredThrough >= (await product.status()).anchoredThrough - 10 && ledger;
    });
    const [origin, size, root] = (await (await product.fetch('/ledger/checkpoint')).text()).split('\n');
    assert.equal(origin, status.origin);
    assert.ok(Number(size) >= status.size);
    assert.equal(Buffer.from(root ?? '', 'base64').length, 32);
  });
});

interface Step {
  readonly step: string;
  readonly ok: boolean;
}

/** Steps in the JSON answer of `airtight verify --json`. */
function stepsOf(json: string): Step[] {
  const answer = JSON.parse(json) as { readonly steps?: Step[]; readonly files?: { readonly steps: Step[] }[] };
  return answer.steps ?? answer.files?.[0]?.steps ?? [];
}
