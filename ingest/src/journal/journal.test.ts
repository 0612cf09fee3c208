import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { AirtightError, readFrame } from '@airtight/protocol';
import { Journal } from './journal.ts';
import { indexPath, listSegments, segmentPath } from './segment.ts';
import { acquireWriteLock } from './write-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'journal-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const folder = (): string => join(root, String(folders++));
const text = (body: Buffer | null): string | undefined => body?.toString('utf8', 1);
const payload = (i: number): Buffer => Buffer.from(`payload ${i} ${'x'.repeat(i % 50)}`);

async function fill(journal: Journal, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    journal.append(`{"n":${i}}\n`, payload(i), i * 7);
    if (i % 10 === 9) await journal.flush();
  }
  await journal.flush();
}

test('what was flushed is read back after reopening, over many segments', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 2000 });
  await fill(journal, 0, 300);
  journal.close();
  assert.ok(listSegments(dir).length > 5);
  const again = Journal.open(dir, { tagOf: (body) => Number(/"n":(\d+)/.exec(body.toString())?.[1]) * 7 });
  assert.equal(again.head, 300);
  assert.equal(again.committed, 300);
  for (let i = 0; i < 300; i++) assert.equal(text(again.read(i)), `{"n":${i}}\n${payload(i)}`);
  assert.equal(again.read(300), null);
  assert.deepEqual(
    [...again.tags(120)],
    Array.from({ length: 180 }, (_, i) => [120 + i, (120 + i) * 7]),
  );
  again.close();
});

test('records appended while a flush runs land in the next segment with the right offsets', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 100 });
  journal.append('a', Buffer.alloc(200, 97), 0);
  const flushing = journal.flush();
  journal.append('b', Buffer.from('during'), 0);
  assert.equal(text(journal.read(1)), 'bduring');
  await flushing;
  assert.equal(text(journal.read(1)), 'bduring');
  assert.equal(journal.committed, 1);
  await journal.flush();
  assert.equal(journal.committed, 2);
  assert.equal(text(journal.read(0)), `a${'a'.repeat(200)}`);
  journal.close();
  const again = Journal.open(dir);
  assert.equal(text(again.read(1)), 'bduring');
  again.close();
});

test('frames are read in runs that together are the whole journal', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 3000 });
  await fill(journal, 0, 200);
  journal.append('pending', Buffer.alloc(0), 0);
  let position = 0;
  while (position < 200) {
    const run = journal.readFrames(position, 500);
    assert.ok(run !== null && run.next > position);
    let at = 0;
    while (at < run.bytes.length) {
      const frame = readFrame(run.bytes, at, crc32);
      assert.ok(typeof frame === 'object');
      assert.equal(Buffer.from(frame.body).toString('utf8', 1), `{"n":${position}}\n${payload(position)}`);
      position++;
      at = frame.end;
    }
    assert.equal(position, run.next);
  }
  assert.deepEqual(journal.readFrames(200, 500), { bytes: new Uint8Array(0), next: 200 });
  assert.equal(journal.readFrames(201, 500), null);
  journal.close();
});

test('a torn tail is cut off, at every length it can have', async () => {
  const dir = folder();
  const journal = Journal.open(dir);
  await fill(journal, 0, 5);
  journal.close();
  const path = segmentPath(dir, 0);
  const whole = readFileSync(path);
  const lastStart = whole.length - (8 + 1 + Buffer.byteLength(`{"n":4}\n${payload(4)}`));
  for (let cut = lastStart; cut < whole.length; cut++) {
    writeFileSync(path, whole);
    truncateSync(path, cut);
    const again = Journal.open(dir);
    assert.equal(again.head, 4, `cut at ${cut}`);
    again.close();
  }
});

test('damage before the tail is refused and named, not cut off', async () => {
  const dir = folder();
  const journal = Journal.open(dir);
  await fill(journal, 0, 5);
  journal.close();
  const path = segmentPath(dir, 0);
  const bytes = readFileSync(path);
  for (const at of [0, 5, 9, 30]) {
    const bad = Buffer.from(bytes);
    bad.writeUInt8(bad.readUInt8(at) ^ 0x10, at);
    writeFileSync(path, bad);
    assert.throws(
      () => Journal.open(dir),
      (error: unknown) => error instanceof AirtightError && error.code === 'JOURNAL_CORRUPT' && error.message.includes(`${path} at byte`),
      `bit flipped at ${at}`,
    );
  }
});

test('a damaged record in a sealed segment is refused when it is read', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 500 });
  await fill(journal, 0, 40);
  const path = segmentPath(dir, 0);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  writeFileSync(path, bytes);
  assert.throws(
    () => journal.read(0),
    (error: unknown) => error instanceof AirtightError && error.code === 'JOURNAL_CORRUPT',
  );
  journal.close();
});

test('a lost side index is rebuilt with its tags', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 500 });
  await fill(journal, 0, 100);
  journal.close();
  rmSync(indexPath(dir, 0));
  const again = Journal.open(dir, { tagOf: (body) => body.length });
  assert.equal(text(again.read(1)), `{"n":1}\n${payload(1)}`);
  assert.equal([...again.tags(0)][1]?.[1], 1 + `{"n":1}\n${payload(1)}`.length);
  again.close();
});

test('only the newest segments are kept where a number is set', async () => {
  const dir = folder();
  const journal = Journal.open(dir, { segmentMaxBytes: 300, segmentsMax: 3 });
  await fill(journal, 0, 200);
  assert.ok(listSegments(dir).length <= 3);
  assert.ok(journal.tail > 0);
  assert.equal(journal.read(journal.tail - 1), null);
  assert.ok(journal.read(journal.tail) !== null);
  assert.equal(journal.readFrames(0, 100), null);
  journal.close();
});

test('a second writer is refused while the first lives', () => {
  const dir = folder();
  const journal = Journal.open(dir);
  const lock = acquireWriteLock(dir);
  assert.throws(
    () => acquireWriteLock(dir),
    (error: unknown) => error instanceof AirtightError && error.code === 'JOURNAL_LOCKED',
  );
  lock.release();
  acquireWriteLock(dir).release();
  journal.close();
});
