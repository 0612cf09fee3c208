import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { Engine } from '@airtight/contracts-engine';
import { readSnapshot, snapshotText, writeSnapshot } from './snapshot-file.ts';

const LINE = '{"agency":"bj","dataset":"air","producer":"s1","properties":["a"],"rows":[[1,1,1,0,1,[1]]]}';

test('between two parts it pauses, told what the last one took; what is there meanwhile is the state before', async (t) => {
  const dir = mkdtempSync(`${tmpdir()}/airtight-snapshot-`);
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = `${dir}/state.json`;
  const { state } = new Engine().snapshotParts();
  await writeSnapshot(path, snapshotText({ next: 1 }, { state, lines: [] }));
  const before = readFileSync(path, 'utf8');
  const held: number[] = [];
  function* slowly(): Iterable<string> {
    yield LINE;
    const until = performance.now() + 20;
    while (performance.now() < until);
    yield LINE;
  }
  const feed = { dataset: 'air', producer: 's1', agency: 'bj', readings: 2, watermark: 1, pruneAt: 32 };
  const told = { state: JSON.stringify({ ...JSON.parse(state), feeds: [feed] }), lines: slowly() };
  await writeSnapshot(path, snapshotText({ next: 2 }, told), async (heldMs) => {
    held.push(heldMs);
    assert.equal(readFileSync(path, 'utf8'), before);
  });
  assert.equal(held.length, 3, 'the state, and two lines of readings');
  assert.ok((held[2] as number) >= 20 && (held[0] as number) < 20, `${held}`);
  const snapshot = await readSnapshot(path);
  assert.deepEqual([snapshot?.next, snapshot?.state.feeds[0]?.readings.map(({ at }) => at)], [2, [1, 1]]);
  writeFileSync(path, readFileSync(path, 'utf8').replace('[1,1,1,0,1,[1]]', '[1,1,1,0,1,[2]]'));
  assert.equal(await readSnapshot(path), undefined, 'a changed digit');
});
