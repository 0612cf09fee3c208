import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { AirtightError } from '@airtight/protocol';
import { Journal } from './journal.ts';
import { archivePath, indexPath, segmentPath } from './segment.ts';

const root = mkdtempSync(join(tmpdir(), 'archive-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const { signal } = new AbortController();
/** Of the form that stations send, so that it compresses as theirs does. */
const body = (i: number): string =>
  `{"receivedAt":${1735689600000 + i * 1000}}\n{"seq":${i},"t":${1735689600000 + i * 997},"m":{"pm25":${(i * 37) % 500}}}`;
const RECORDS = 12_000;

/** A journal of two sealed segments of about 600 kB each, so of several blocks, and an active one. */
async function filled(): Promise<{ dir: string; journal: Journal; originals: Map<number, Buffer> }> {
  const dir = join(root, String(folders++));
  const journal = Journal.open(dir, { segmentMaxBytes: 400_000, tagOf: (bytes) => bytes.length });
  for (let i = 0; i < RECORDS; i++) {
    journal.append(body(i), new Uint8Array(0), i);
    if (i % 500 === 499) await journal.flush();
  }
  const originals = new Map<number, Buffer>();
  for (const name of readdirSync(dir).filter((file) => file.endsWith('.seg')))
    originals.set(Number(name.slice(0, 16)), readFileSync(join(dir, name)));
  return { dir, journal, originals };
}

async function compressAll(journal: Journal): Promise<number> {
  let count = 0;
  while ((await journal.compressNext(Date.now() + 1000, signal)) !== undefined) count++;
  return count;
}

function assertAllReadable(journal: Journal): void {
  for (let i = 0; i < RECORDS; i += 7) assert.equal(journal.read(i)?.toString('utf8', 1), body(i), `record ${i}`);
  for (let i = RECORDS - 1; i >= 0; i -= 501) assert.equal(journal.read(i)?.toString('utf8', 1), body(i), `record ${i}`);
  const whole: Uint8Array[] = [];
  for (let at = 0; at < RECORDS; ) {
    const run = journal.readFrames(at, 100_000);
    assert.ok(run !== null && run.next > at);
    whole.push(Buffer.from(run.bytes));
    at = run.next;
  }
  assert.ok(Buffer.concat(whole).includes(Buffer.from(body(RECORDS - 1))));
}

test('sealed segments are compressed several times, and every record is read as before, now and after a restart', async () => {
  const { dir, journal, originals } = await filled();
  journal.read(0);
  const sealed = [...originals.keys()].slice(0, -1);
  assert.ok(sealed.length >= 2);
  assert.equal(await journal.compressNext(0, signal), undefined, 'none is old enough');
  assert.equal(await compressAll(journal), sealed.length, 'all but the active one');
  for (const first of sealed) {
    assert.equal(existsSync(segmentPath(dir, first)), false);
    const archive = readFileSync(archivePath(dir, first));
    const original = originals.get(first) as Buffer;
    assert.ok(archive.length * 4 < original.length, `${original.length} → ${archive.length} bytes`);
    assert.ok(zstdDecompressSync(archive).equals(original), 'any zstd decoder gives the segment');
  }
  assertAllReadable(journal);
  journal.close();
  rmSync(indexPath(dir, sealed[1] as number));
  const again = Journal.open(dir, { tagOf: (bytes) => bytes.length });
  assert.equal(again.committed, RECORDS);
  assertAllReadable(again);
  assert.equal([...again.tags(sealed[1] as number)][0]?.[1], body(sealed[1] as number).length + 1, 'the side index is made again');
  again.close();
});

test('the zstd program gives the segment back', async (t) => {
  if (spawnSync('zstd', ['--version']).status !== 0) return t.skip('the program zstd is not there');
  const { dir, journal, originals } = await filled();
  await compressAll(journal);
  journal.close();
  const { status, stdout } = spawnSync('zstd', ['-d', '-c', archivePath(dir, 0)], { maxBuffer: 1 << 24 });
  assert.equal(status, 0);
  assert.ok(stdout.equals(originals.get(0) as Buffer));
});

test('whatever a crash leaves of the exchange, the journal opens with every record', async () => {
  const { dir, journal, originals } = await filled();
  await compressAll(journal);
  journal.close();
  const archive = readFileSync(archivePath(dir, 0));
  const original = originals.get(0) as Buffer;
  const reopen = (): void => {
    const again = Journal.open(dir);
    assert.equal(again.read(3)?.toString('utf8', 1), body(3));
    assert.equal(again.committed, RECORDS);
    again.close();
  };
  // Killed after the rename: both are there. The compressed one is made again.
  writeFileSync(segmentPath(dir, 0), original);
  reopen();
  assert.equal(existsSync(archivePath(dir, 0)), false);
  // Killed while writing: a part of the new file under its temporary name.
  writeFileSync(`${archivePath(dir, 0)}.tmp`, archive.subarray(0, 1000));
  reopen();
  const resumed = Journal.open(dir);
  assert.equal(await compressAll(resumed), 1);
  assert.ok(readFileSync(archivePath(dir, 0)).equals(archive));
  assert.equal(existsSync(`${archivePath(dir, 0)}.tmp`), false);
  resumed.close();
});

test('a compression that is stopped or fails leaves the segment and nothing else', async () => {
  const { dir, journal } = await filled();
  const stop = new AbortController();
  const compressing = journal.compressNext(Date.now() + 1000, stop.signal);
  stop.abort();
  await assert.rejects(compressing);
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.includes('zst')),
    [],
  );
  assertAllReadable(journal);
  journal.close();
});

test('a damaged block is named when a record in it is read; the others are read on', async () => {
  const { dir, journal } = await filled();
  await compressAll(journal);
  journal.close();
  const path = archivePath(dir, 0);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(2000) ^ 0x10, 2000);
  writeFileSync(path, bytes);
  const again = Journal.open(dir);
  assert.throws(
    () => again.read(0),
    (error: unknown) => error instanceof AirtightError && error.code === 'JOURNAL_CORRUPT' && error.message.includes(`${path} at byte 0`),
  );
  assert.equal(again.read(4500)?.toString('utf8', 1), body(4500), 'in another block');
  again.close();
  writeFileSync(path, bytes.subarray(0, statSync(path).size - 1));
  const cut = Journal.open(dir);
  assert.throws(() => cut.read(0), /JOURNAL_CORRUPT|no seek table/);
  cut.close();
});
