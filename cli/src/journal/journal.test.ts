import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { constants, crc32, zstdCompressSync } from 'node:zlib';
import { formatArchiveEnd, readFrame } from '@airtight/protocol';
import { serveJournal } from './journal-feed.ts';
import { type JournalEnd, journalFrames, segmentFile } from './journal-walk.ts';

const root = mkdtempSync(join(tmpdir(), 'walk-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

function frame(text: string): Buffer {
  const body = Buffer.concat([Buffer.from([0]), Buffer.from(text)]);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([header, body]);
}

/** A journal of two segments with three and two records. */
function journal(): string {
  const dir = join(root, String(folders++));
  mkdirSync(dir);
  writeFileSync(segmentFile(dir, 0), Buffer.concat(['one', 'two', 'three'].map(frame)));
  writeFileSync(segmentFile(dir, 3), Buffer.concat(['four', 'five'].map(frame)));
  writeFileSync(join(dir, 'writer.lock'), '');
  return dir;
}

function walk(dir: string): { readonly texts: string[]; readonly end: JournalEnd } {
  const texts: string[] = [];
  const frames = journalFrames(dir);
  let step = frames.next();
  for (; step.done !== true; step = frames.next()) {
    assert.equal(step.value.position, texts.length);
    texts.push(Buffer.from(step.value.body).toString('utf8', 1));
  }
  return { texts, end: step.value };
}

test('all records of all segments, in order', () => {
  assert.deepEqual(walk(journal()), { texts: ['one', 'two', 'three', 'four', 'five'], end: { next: 5 } });
  assert.deepEqual(walk(join(root, 'not-there')), { texts: [], end: { next: 0 } });
});

test('every flipped bit is found, wherever it is', () => {
  const dir = journal();
  for (const first of [0, 3]) {
    const file = segmentFile(dir, first);
    const intact = readFileSync(file);
    for (let bit = 0; bit < intact.length * 8; bit++) {
      const bytes = Buffer.from(intact);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(file, bytes);
      const { damage } = walk(dir).end;
      assert.ok(damage !== undefined, `bit ${bit} of segment ${first}`);
      assert.equal(damage.file, file);
      assert.ok(damage.offset <= bit >> 3);
    }
    writeFileSync(file, intact);
  }
});

/** The first segment compressed, one record a block. */
function compressedJournal(): string {
  const dir = journal();
  const blocks = ['one', 'two', 'three'].map(frame);
  const frames = blocks.map((block) => zstdCompressSync(block, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));
  const sizes = frames.map(({ length }, i) => ({ compressedBytes: length, decompressedBytes: blocks[i]?.length ?? 0 }));
  const body = Buffer.concat(frames);
  rmSync(segmentFile(dir, 0));
  writeFileSync(join(dir, '0000000000000000.seg.zst'), Buffer.concat([body, formatArchiveEnd(sizes, crc32(body), crc32)]));
  return dir;
}

test('a compressed segment is walked like a plain one', async () => {
  const dir = compressedJournal();
  assert.equal(segmentFile(dir, 0), join(dir, '0000000000000000.seg.zst'));
  assert.deepEqual(walk(dir), { texts: ['one', 'two', 'three', 'four', 'five'], end: { next: 5 } });
  const feed = await serveJournal(dir, 'secret');
  const response = await fetch(`${feed.url}/feed?from=1&maxBytes=20`, { headers: { authorization: 'Bearer secret' } });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), frame('two'));
  await feed.close();
});

test('every flipped bit of a compressed segment is found and named, in blocks, checksum and seek table', () => {
  const dir = compressedJournal();
  const file = segmentFile(dir, 0);
  const intact = readFileSync(file);
  for (let bit = 0; bit < intact.length * 8; bit++) {
    const bytes = Buffer.from(intact);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(file, bytes);
    const { damage, unfinished } = walk(dir).end;
    assert.equal(unfinished, undefined);
    assert.ok(damage !== undefined, `bit ${bit}`);
    assert.equal(damage.file, file);
  }
  for (let length = 0; length < intact.length; length++) {
    writeFileSync(file, intact.subarray(0, length));
    assert.ok(walk(dir).end.damage !== undefined, `cut at ${length}`);
  }
});

test('the front part of a last write is no damage; cut anywhere else it is', () => {
  const dir = journal();
  const last = segmentFile(dir, 3);
  const intact = readFileSync(last);
  const start = frame('four').length;
  for (let length = start + 1; length < intact.length; length++) {
    writeFileSync(last, intact.subarray(0, length));
    const { end, texts } = walk(dir);
    assert.equal(texts.length, 4);
    assert.deepEqual(end.unfinished, { file: last, offset: start, sizeBytes: length - start });
    assert.equal(end.damage, undefined);
  }
  writeFileSync(last, intact);
  writeFileSync(segmentFile(dir, 0), readFileSync(segmentFile(dir, 0)).subarray(0, -1));
  assert.equal(walk(dir).end.damage?.position, 2);
});

test('a missing segment is damage', () => {
  const dir = journal();
  writeFileSync(segmentFile(dir, 7), frame('seven'));
  assert.match(walk(dir).end.damage?.detail ?? '', /begins at 7, the one before ends at 5/);
});

test('the feed gives the same frames, in pieces of any size, and refuses strangers', async () => {
  const feed = await serveJournal(journal(), 'secret');
  const get = (path: string, token = 'secret') => fetch(`${feed.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  try {
    assert.equal((await get('/status', 'wrong')).status, 401);
    assert.deepEqual(await (await get('/status')).json(), { head: 5 });
    assert.equal((await get('/feed?from=6')).status, 416);
    for (const maxBytes of [1, 20, 1_000_000]) {
      const texts: string[] = [];
      while (texts.length < 5) {
        const response = await get(`/feed?from=${texts.length}&waitMs=0&maxBytes=${maxBytes}`);
        assert.equal(response.headers.get('airtight-from'), String(texts.length));
        assert.equal(response.headers.get('airtight-head'), '5');
        const bytes = Buffer.from(await response.arrayBuffer());
        for (let at = 0; at < bytes.length; ) {
          const read = readFrame(bytes, at, crc32);
          assert.ok(typeof read === 'object');
          texts.push(Buffer.from(read.body).toString('utf8', 1));
          at = read.end;
        }
        assert.equal(response.headers.get('airtight-next'), String(texts.length));
      }
      assert.deepEqual(texts, ['one', 'two', 'three', 'four', 'five']);
    }
    // Backwards, and from the middle.
    assert.equal((await get('/feed?from=4')).headers.get('airtight-next'), '5');
    assert.equal((await get('/feed?from=1&maxBytes=1')).headers.get('airtight-next'), '2');
  } finally {
    await feed.close();
  }
});
