import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal } from './journal.ts';
import { archivePath, indexPath, segmentPath } from './segment.ts';
import { openPlainSegment } from './segment-reader.ts';
import { commitSteps, draftRewrite, type ReplaceBody } from './segment-rewrite.ts';

const root = mkdtempSync(join(tmpdir(), 'rewrite-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const { signal } = new AbortController();
const RECORDS = 1000;
const body = (i: number): string => `{"n":${i}}\n${'payload '.repeat(1 + (i % 90))}`;
const tagOf = (bytes: Uint8Array): number => bytes.length;
const SHORT = Buffer.from([0, 0x78, 0x79]);
/** Every third record of the segment loses its content. */
const replace: ReplaceBody = (position) => (position % 3 === 0 ? SHORT : undefined);

async function filled(): Promise<{ dir: string; journal: Journal }> {
  const dir = join(root, String(folders++));
  const journal = Journal.open(dir, { segmentMaxBytes: 100_000, tagOf });
  for (let i = 0; i < RECORDS; i++) {
    journal.append(body(i), new Uint8Array(0), tagOf(Buffer.from(body(i))) + 1);
    if (i % 100 === 99) await journal.flush();
  }
  assert.ok(journal.sealed.length >= 3);
  return { dir, journal };
}

/** What every record reads as, and whether the segment from `first` on was replaced. */
function isReplaced(journal: Journal, first: number, count: number): boolean {
  const replaced = SHORT.equals(journal.read(first + ((3 - (first % 3)) % 3)) as Buffer);
  for (let i = 0; i < RECORDS; i++) {
    const within = i >= first && i < first + count && i % 3 === 0;
    const read = journal.read(i) as Buffer;
    if (replaced && within) assert.deepEqual(read, SHORT, `record ${i}`);
    else assert.equal(read.toString('utf8', 1), body(i), `record ${i}`);
  }
  return replaced;
}

test('a rewritten segment holds the other bodies, the tags it had, and every other record; plain and compressed', async () => {
  for (const compressed of [false, true]) {
    const { dir, journal } = await filled();
    if (compressed) while ((await journal.compressNext(Date.now() + 1000, signal)) !== undefined);
    const segment = journal.sealed[1] as { first: number; count: number };
    const tags = [...journal.tags(0)];
    const { beforeBytes, afterBytes } = await journal.rewriteSealed(segment.first, replace, signal);
    assert.ok(afterBytes < beforeBytes * 0.8, `${beforeBytes} → ${afterBytes}`);
    assert.ok(isReplaced(journal, segment.first, segment.count));
    assert.deepEqual([...journal.tags(0)], tags);
    assert.equal((await journal.compressNext(Date.now() + 1000, signal)) !== undefined, true, 'it is compressed again');
    assert.ok(isReplaced(journal, segment.first, segment.count));
    journal.close();
    const again = Journal.open(dir, { tagOf });
    assert.ok(isReplaced(again, segment.first, segment.count));
    assert.deepEqual([...again.tags(0)], tags);
    again.close();
  }
});

test('killed between any two steps: the journal opens with the segment as it was or as it is to be, and its own index', async () => {
  for (const compressed of [false, true]) {
    const { dir, journal } = await filled();
    if (compressed) await journal.compressNext(Date.now() + 1000, signal);
    const { first, count } = journal.sealed[0] as { first: number; count: number };
    const tags = [...journal.tags(0)];
    journal.close();
    const original = join(root, String(folders++));
    cpSync(dir, original, { recursive: true });
    const plain = join(root, String(folders++));
    cpSync(dir, plain, { recursive: true });
    const opened = Journal.open(plain, { tagOf });
    await opened.rewriteSealed(first, () => undefined, signal);
    opened.close();
    const outcomes: boolean[] = [];
    for (let steps = 0; steps <= commitSteps(dir, first).length; steps++) {
      rmSync(dir, { recursive: true });
      cpSync(original, dir, { recursive: true });
      const file = openPlainSegment(segmentPath(plain, first));
      await draftRewrite({ dir, first, file, index: readFileSync(indexPath(dir, first)) }, replace, signal);
      file.close();
      for (const step of commitSteps(dir, first).slice(0, steps)) step();
      const again = Journal.open(dir, { tagOf });
      outcomes.push(isReplaced(again, first, count));
      assert.deepEqual([...again.tags(0)], tags);
      again.close();
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.endsWith('.new')),
        [],
      );
      assert.equal(readdirSync(dir).filter((name) => name.startsWith('0000000000000000.seg')).length, 1);
    }
    assert.deepEqual(outcomes, [false, false, true, true, true, true, true]);
    assert.equal(archivePath(dir, first).endsWith('.zst'), true);
  }
});

test('killed while the new files are written: they are thrown away', async () => {
  const { dir, journal } = await filled();
  const { first, count } = journal.sealed[0] as { first: number; count: number };
  journal.close();
  const whole = readFileSync(segmentPath(dir, first));
  for (const left of [whole.subarray(0, 500), whole]) {
    writeFileSync(`${segmentPath(dir, first)}.new`, left);
    const again = Journal.open(dir, { tagOf });
    assert.equal(isReplaced(again, first, count), false);
    again.close();
    assert.equal(
      readdirSync(dir).some((name) => name.endsWith('.new')),
      false,
    );
  }
});

test('a rewrite that is stopped leaves the segment and nothing else', async () => {
  const { dir, journal } = await filled();
  const { first, count } = journal.sealed[0] as { first: number; count: number };
  const stop = new AbortController();
  const rewriting = journal.rewriteSealed(first, replace, stop.signal);
  stop.abort();
  await assert.rejects(rewriting);
  assert.equal(isReplaced(journal, first, count), false);
  assert.equal(
    readdirSync(dir).some((name) => name.endsWith('.new')),
    false,
  );
  journal.close();
});

test('compression and rewriting of one segment wait for each other', async () => {
  const { journal } = await filled();
  const { first, count } = journal.sealed[0] as { first: number; count: number };
  await Promise.all([
    journal.compressNext(Date.now() + 1000, signal),
    journal.rewriteSealed(first, replace, signal),
    journal.compressNext(Date.now() + 60_000, signal),
  ]);
  assert.ok(isReplaced(journal, first, count));
  journal.close();
});
