/**
 * I2: one flipped bit, wherever it is, is found and its place is named. Every damage is done to a data directory at rest, looked
 * for by `airtight audit`, and mended again, so that each finding is about that damage alone.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import type { ObservationItem } from '@airtight/protocol';
import { changeRecordDigit } from './harness/bundle.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, type Finished } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { seededRandom } from './harness/random.ts';
import { changeStoredRow } from './harness/stored-row.ts';
import { until } from './harness/waiting.ts';

const SEED = 20_170_228;
const HOUR_MS = 3_600_000;
const READINGS = 300;
const COMPRESSED = 'journal/records/*.seg.zst';

let product: Product;
let device: Device;
let bundle: string;
const folder = mkdtempSync(join(tmpdir(), 'airtight-audit-'));
const random = seededRandom(SEED);

before(async () => {
  // Small segments, compressed at once: the journal has both kinds of files.
  product = await startProduct({ environment: { AIRTIGHT_INGEST_SEGMENT_MAX_BYTES: '65536', AIRTIGHT_INGEST_COMPRESS_AFTER_S: '0' } });
  device = await product.enrol('audit-1');
  const startMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - READINGS * HOUR_MS;
  const readings = Array.from({ length: READINGS }, (_, hour) => ({
    seq: hour,
    t: startMs + hour * HOUR_MS,
    m: { pm25: 10 + (hour % 90), o3: 60 },
  }));
  await publishAll(product, device, readings);
  await product.untilAnchored();
  await product.untilProjected();
  await until('a segment is compressed', () => stored(COMPRESSED).length > 0);
  const [observation] = await product.all<ObservationItem>('observations', { producer: device.producer });
  assert.ok(observation);
  bundle = await (await product.fetch(`/api/v1/records/${observation.record}/proof`)).text();
  await product.halt();
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function audit(): Promise<Finished> {
  return airtight(['audit', '--data', product.dataDir, '--lang', 'en'], 300_000);
}

/** Files of the data directory that hold something. */
function stored(pattern: string): string[] {
  const files = globSync(pattern, { cwd: product.dataDir }).map((file) => join(product.dataDir, file));
  return files.filter((file) => statSync(file).isFile() && statSync(file).size > 0).sort(byNumber);
}

/** Widths of partial tiles are numbers: 000.p/9 comes before 000.p/10. */
const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/** Flips one bit at a byte, runs `act`, and puts the byte back. */
async function withFlippedBit<T>(file: string, offset: number, act: () => Promise<T>): Promise<T> {
  const intact = readFileSync(file);
  const damaged = Buffer.from(intact);
  damaged[offset] = (damaged[offset] ?? 0) ^ (1 << random.between(0, 7));
  writeFileSync(file, damaged);
  try {
    return await act();
  } finally {
    writeFileSync(file, intact);
  }
}

/** The audit finds a flipped bit at several places of a file, and names that file or the record, batch or entry in it. */
async function assertFound(file: string, offsets: readonly number[]): Promise<void> {
  for (const offset of offsets) {
    const { code, stdout, stderr } = await withFlippedBit(file, offset, audit);
    assert.notEqual(code, 0, `byte ${offset} of ${file}: not found\n${stdout}`);
    const said = stdout + stderr;
    assert.match(said, /[A-Z]+_[A-Z_]+/, `no code: ${said}`);
    const named = said.includes(relative(product.dataDir, file)) || /\b(record|batch|entry) \d+/.test(said);
    assert.ok(named, `no place for byte ${offset} of ${file}: ${said}`);
  }
}

/** A byte that the seed chooses; every class of bytes of every kind of file is looked at in cli/src/audit/bit-flip.test.ts. */
function places(file: string): number[] {
  return [random.between(0, statSync(file).size - 1)];
}

test('untouched data passes', async () => {
  const { code, stdout, stderr } = await audit();
  assert.equal(code, 0, stdout + stderr);
});

for (const [what, pattern] of [
  ['a journal segment', 'journal/records/*.seg'],
  ['a compressed journal segment', COMPRESSED],
  ['the batch journal', 'journal/batches/*.seg'],
  ['the notes of what is anchored', 'journal/anchors/*.seg'],
] as const) {
  test(`a bit of ${what}`, async () => {
    const segments = stored(pattern);
    assert.ok(segments.length > 0, pattern);
    for (const segment of segments.slice(-1)) await assertFound(segment, places(segment));
  });
}

for (const [what, pattern] of [
  ['a tile', 'ledger/tile/0/**/*'],
  ['an entry bundle', 'ledger/tile/entries/**/*'],
] as const) {
  test(`a bit of ${what}`, async () => {
    const files = stored(pattern);
    const newest = files.at(-1);
    assert.ok(newest, pattern);
    await assertFound(newest, places(newest));
  });
}

test('a bit of the checkpoint', async () => {
  const [file] = stored('ledger/checkpoint');
  assert.ok(file, 'no checkpoint');
  await assertFound(file, places(file));
});

test('a changed value in a stored row', async () => {
  const mend = await changeStoredRow(product.dataDir, device.producer, 1);
  const { code, stdout, stderr } = await audit();
  assert.notEqual(code, 0, stdout);
  assert.match(stdout + stderr, /STORE_MISMATCH/);
  assert.match(stdout + stderr, /\d/);
  await mend();
});

test('after every damage was mended the audit passes again', async () => {
  const { code, stdout, stderr } = await audit();
  assert.equal(code, 0, stdout + stderr);
});

test('a proof bundle: intact it verifies; a change anywhere is named by its step', async () => {
  const policy = join(product.dataDir, 'keys/policy');
  const verify = async (text: string) => {
    const file = join(folder, 'one.airtight-proof.json');
    writeFileSync(file, text);
    return await airtight(['verify', file, '--policy', policy, '--lang', 'en', '--json']);
  };
  const intact = await verify(bundle);
  assert.equal(intact.code, 0, intact.stdout + intact.stderr);
  const parsed = JSON.parse(bundle) as { batch: { record: string; index: number }; ledger: { index: number }; checkpoint: string };
  const batchText = Buffer.from(parsed.batch.record, 'base64').toString();
  const nextNumber = (digits: string) => String(Number(digits) + 1);
  const changes: readonly { readonly step: string; readonly text: string }[] = [
    { step: 'batch', text: changeRecordDigit(bundle) },
    { step: 'ledger', text: withBatch(bundle, batchText.replace(/(?<="firstAt":)\d+/, nextNumber)) },
    { step: 'ledger', text: JSON.stringify({ ...parsed, ledger: { ...parsed.ledger, index: parsed.ledger.index + 1 } }) },
    { step: 'checkpoint', text: JSON.stringify({ ...parsed, checkpoint: parsed.checkpoint.replace(/(?<=^.*\n)\d+/, nextNumber) }) },
  ];
  for (const { step, text } of changes) {
    assert.notDeepEqual(JSON.parse(text), parsed);
    const { code, stdout, stderr } = await verify(text);
    assert.equal(code, 1, `${step}: ${stdout}${stderr}`);
    assert.match(stdout, new RegExp(`"step":"${step}","ok":false`), step);
  }
});

/** The bundle with another batch record. */
function withBatch(text: string, record: string): string {
  const parsed = JSON.parse(text) as { batch: object };
  return JSON.stringify({ ...parsed, batch: { ...parsed.batch, record: Buffer.from(record).toString('base64') } });
}
