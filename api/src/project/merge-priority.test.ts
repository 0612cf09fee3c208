import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, getPriority, tmpdir } from 'node:os';
import { test } from 'node:test';
import { yieldMerging } from './merge-priority.ts';
import { Store } from './store.ts';

test('threads that merge have the lowest priority, those that answer queries keep theirs', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const dir = mkdtempSync(`${tmpdir()}/airtight-merge-priority-`);
  const store = await Store.open({ dir, clickhouseUrl: '' });
  t.after(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const before = getPriority();
  const threads = yieldMerging();
  assert.ok(threads.length > 0, 'the engine names its threads as expected');
  for (const thread of threads) assert.equal(getPriority(thread), constants.priority.PRIORITY_LOW);
  assert.equal(getPriority(), before);
});
