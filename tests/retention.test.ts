/**
 * Retention by policy, the whole way: payloads older than their dataset's `retentionDays` are gone from the disk and from
 * every answer, and all that was provable about the others, and about the order and number of all, is provable still.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { crc32, zstdDecompressSync } from 'node:zlib';
import { CONTROL_AGENCY, DATASETS_DATASET, expiredBodyOf, isExpiredBody, type ObservationItem, readFrame } from '@airtight/protocol';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const READINGS = 150;
const MARKER = 'marker-that-must-go';
/** Some 3.5 s: a policy is made of days, decimals allowed. */
const RETENTION_DAYS = 0.00004;
const SETTINGS = {
  AIRTIGHT_INGEST_SEGMENT_MAX_BYTES: '65536',
  AIRTIGHT_INGEST_COMPRESS_AFTER_S: '0',
  AIRTIGHT_INGEST_RETENTION_INTERVAL_S: '1',
};

let product: Product;
let device: Device;
let neighbour: Device;
const folder = mkdtempSync(join(tmpdir(), 'airtight-retention-'));
/** Records of `brief`, of its neighbour, as the API named them. */
let gone: string[];
let kept: string[];
let leafHashes: Map<string, string>;

/** All sealed and open segments of the records' journal, as they are before compression. */
function segments(dataDir: string): Buffer[] {
  const files = globSync('journal/records/*.seg*', { cwd: dataDir }).sort();
  return files.map((file) => {
    const bytes = readFileSync(join(dataDir, file));
    return file.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes;
  });
}

function holds(dataDir: string, text: string): boolean {
  return segments(dataDir).some((bytes) => bytes.includes(text));
}

async function define(dataset: string, retentionDays?: number): Promise<void> {
  const payload = {
    type: 'dataset',
    dataset,
    title: { zh: '短期', en: 'brief' },
    cadenceMs: 60_000,
    properties: { level: { title: { zh: '水位', en: 'level' }, unit: 'm' } },
    ...(retentionDays === undefined ? {} : { retentionDays }),
  };
  await product.ingest('/records', { records: [{ agency: CONTROL_AGENCY, dataset: DATASETS_DATASET, producer: 'tests', payload }] });
}

async function recordOf(position: string): Promise<{ status: number; body: { [member: string]: unknown } }> {
  const headers = { authorization: `Bearer ${await product.apiToken()}` };
  const answer = await fetch(`${product.httpUrl}/api/v1/records/${position}`, { headers });
  return { status: answer.status, body: (await answer.json()) as { [member: string]: unknown } };
}

function firstOf(file: string): number {
  return Number(/(\d{16})\.seg/.exec(file)?.[1]);
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

function frameOf(body: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

function audit(dataDir = product.dataDir) {
  return airtight(['audit', '--data', dataDir, '--lang', 'en'], 120_000);
}

const readings = Array.from({ length: READINGS }, (_, i) => ({
  t: Date.now() - 60_000 + i,
  m: { level: i, note: `${MARKER}-${i} ${'x'.repeat(200)}` },
}));

before(async () => {
  product = await startProduct({ environment: SETTINGS });
  await define('brief');
  await define('lasting');
  device = await product.enrol('brief-1', 'brief');
  neighbour = await product.enrol('lasting-1', 'lasting');
  await publishAll(product, device, readings);
  await publishAll(product, neighbour, readings);
  await product.untilAnchored();
  await product.untilProjected();
  const positions = async (dataset: string) => [
    ...new Set((await product.all<ObservationItem>('observations', { dataset })).map(({ record }) => record)),
  ];
  gone = await positions('brief');
  kept = await positions('lasting');
  assert.deepEqual([gone.length, kept.length], [READINGS, READINGS]);
  leafHashes = new Map();
  for (const position of [...gone.slice(0, 5), ...kept.slice(0, 5)]) {
    leafHashes.set(position, String((await recordOf(position)).body['leafHash']));
  }
});
after(async () => {
  await product?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('without a policy nothing goes', async () => {
  assert.ok(holds(product.dataDir, `${MARKER}-0 `));
  assert.equal(await product.metric('airtight_ingest_payloads_removed_total'), 0);
});

test('with a policy the payloads go, from the disk, the API and the store', async () => {
  await define('brief', RETENTION_DAYS);
  await until(
    'all payloads are removed',
    async () => (await product.metric('airtight_ingest_payloads_removed_total')) === READINGS,
    60_000,
  );
  await product.untilProjected();
  await until('the rows are gone', async () => (await product.all('observations', { dataset: 'brief' })).length === 0);
  assert.deepEqual(await product.all('latest', { dataset: 'brief' }), []);
  assert.equal((await product.all('latest', { dataset: 'lasting' })).length, 1);
  assert.equal(
    new Set((await product.all<ObservationItem>('observations', { dataset: 'lasting' })).map(({ record }) => record)).size,
    READINGS,
  );
  const bodies = segments(product.dataDir).flatMap((bytes) => {
    const found: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const frame = readFrame(bytes, at, crc32);
      if (typeof frame === 'string') break;
      found.push(frame.body);
      at = frame.end;
    }
    return found;
  });
  for (const position of gone) assert.ok(isExpiredBody(bodies[Number(position)] as Uint8Array), `record ${position}`);
  for (const position of kept) assert.ok(Buffer.from(bodies[Number(position)] as Uint8Array).includes(MARKER), `record ${position}`);
});

test('a removed record: 410 with its hash and header; its neighbours prove as before', async () => {
  for (const position of gone.slice(0, 5)) {
    const { status, body } = await recordOf(position);
    assert.deepEqual([status, body['code'], body['leafHash']], [410, 'RECORD_EXPIRED', leafHashes.get(position)]);
    assert.equal((body['header'] as { producer: string }).producer, 'brief-1');
    assert.equal((await recordOf(`${position}/proof`)).status, 410);
    const inclusion = (await (await product.ingest(`/records/${position}/inclusion`)).json()) as { position: number };
    assert.equal(inclusion.position, Number(position));
  }
  const policy = join(product.dataDir, 'keys/policy');
  for (const position of kept.slice(0, 5)) {
    assert.equal((await recordOf(position)).body['leafHash'], leafHashes.get(position));
    const file = join(folder, `${position}.airtight-proof.json`);
    writeFileSync(file, await (await product.fetch(`/api/v1/records/${position}/proof`)).text());
    const verified = await airtight(['verify', file, '--policy', policy, '--lang', 'en']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  }
});

test('what was removed and is sent again is recognised', async () => {
  const { head } = await product.status();
  const before = (await product.status()).counters.duplicates;
  await publishAll(product, device, readings.slice(0, 20));
  assert.equal((await product.status()).counters.duplicates - before, 20);
  assert.ok((await product.status()).head < head + 20);
});

test('the audit is clean, running and stopped, and counts what is gone; a rebuild comes to the same', async () => {
  await product.untilProjected();
  const running = await audit();
  assert.equal(running.code, 0, running.stdout + running.stderr);
  await product.halt();
  const stopped = await audit();
  assert.equal(stopped.code, 0, stopped.stdout + stopped.stderr);
  assert.match(stopped.stdout, new RegExp(`${READINGS} payloads removed by policy`));
  const digest = async () => (await airtight(['audit', '--data', product.dataDir, '--json'], 120_000)).stdout;
  const rows = (text: string) => {
    const { stages } = JSON.parse(text) as { stages: { stage: string; counts: object }[] };
    return stages.find(({ stage }) => stage === 'store')?.counts ?? assert.fail('the store was not looked at');
  };
  const beforeRebuild = rows(await digest());
  const rebuilt = await airtight(['rebuild', '--data', product.dataDir, '--lang', 'en'], 120_000);
  assert.equal(rebuilt.code, 0, rebuilt.stdout + rebuilt.stderr);
  assert.match(rebuilt.stdout, new RegExp(`payloads of ${READINGS} were removed by policy`));
  assert.deepEqual(rows(await digest()), beforeRebuild);
});

test('a payload that is gone without a record of it, a changed hash and a changed header are found', async () => {
  const damaged = join(folder, 'damaged');
  cpSync(product.dataDir, damaged, { recursive: true });
  // Where a segment ends depends on when it was sealed.
  const segmentOf = (position: number) => {
    const files = globSync('journal/records/*.seg*', { cwd: damaged }).sort();
    const file = files.findLast((name) => firstOf(name) <= position) ?? assert.fail(`no segment holds ${position}`);
    const bytes = readFileSync(join(damaged, file));
    const plain = file.endsWith('.zst') ? Buffer.from(zstdDecompressSync(bytes)) : bytes;
    return { first: firstOf(file), plain, place: join(damaged, file.replace('.zst', '')) };
  };
  const { plain, place } = segmentOf(Number(gone[0]));
  /** The segment with one frame's body changed, its checksum made right. */
  const withBody = (change: (body: Buffer) => boolean): Buffer => {
    const copy = Buffer.from(plain);
    for (let at = 0; at < copy.length; ) {
      const frame = readFrame(copy, at, crc32);
      assert.ok(typeof frame === 'object');
      const body = copy.subarray(at + 8, frame.end);
      if (isExpiredBody(body) && change(body)) {
        copy.writeUInt32LE(crc32(body), at + 4);
        return copy;
      }
      at = frame.end;
    }
    return assert.fail('no such frame');
  };
  const changedHash = withBody((body) => {
    body[5] = (body[5] ?? 0) ^ 1;
    return true;
  });
  const changedHeader = withBody((body) => {
    const digit = body.indexOf('"receivedAt":') + '"receivedAt":1'.length;
    body[digit] = (body[digit] ?? 0) ^ 1;
    return true;
  });
  // As whoever wants to hide something would do it: hash and header kept, but no policy asked for it.
  const hidden: Uint8Array[] = [];
  const other = segmentOf(Number(kept[0]));
  for (let at = 0, position = other.first; at < other.plain.length; position++) {
    const frame = readFrame(other.plain, at, crc32);
    assert.ok(typeof frame === 'object');
    hidden.push(position === Number(kept[0]) ? frameOf(expiredBodyOf(frame.body, sha256)) : other.plain.subarray(at, frame.end));
    at = frame.end;
  }
  for (const [file, content, code] of [
    [place, changedHash, 'BATCH_ROOT_MISMATCH'],
    [place, changedHeader, 'RETENTION_MISMATCH'],
    [place, plain, undefined],
    [other.place, Buffer.concat(hidden), 'RETENTION_MISMATCH'],
  ] as const) {
    writeFileSync(file, content);
    if (code === undefined) continue;
    const { code: exit, stdout } = await audit(damaged);
    assert.equal(exit, 1, stdout);
    assert.match(stdout, new RegExp(code));
  }
});
