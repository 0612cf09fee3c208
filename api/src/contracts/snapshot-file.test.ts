import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { readSnapshot, SNAPSHOT_FORMAT, snapshotText, writeSnapshot } from './snapshot-file.ts';

test('between two parts it pauses, told what the last one took; what is there meanwhile is the state before', async (t) => {
  const dir = mkdtempSync(`${tmpdir()}/airtight-snapshot-`);
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = `${dir}/state.json`;
  await writeSnapshot(path, snapshotText({ next: 1 }, ['{}']));
  const before = readFileSync(path, 'utf8');
  const held: number[] = [];
  function* slowly(): Iterable<string> {
    yield '{"a":';
    const until = performance.now() + 20;
    while (performance.now() < until);
    yield '1}';
  }
  await writeSnapshot(path, snapshotText({ next: 2 }, slowly()), async (heldMs) => {
    held.push(heldMs);
    assert.equal(readFileSync(path, 'utf8'), before);
  });
  assert.equal(held.length, 4, 'frame, two parts of the state, end');
  assert.ok((held[2] as number) >= 20 && (held[0] as number) < 20, `${held}`);
  assert.deepEqual(await readSnapshot(path), { format: SNAPSHOT_FORMAT, next: 2, state: { a: 1 } });
});
