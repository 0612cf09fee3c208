import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { test } from 'node:test';
import { Store } from './store.ts';
import { MERGE_NICENESS, QUERY_NICENESS, threads, yieldThreads } from './thread-priority.ts';

test('merges give way to queries, queries to the main thread, also in threads that come later', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const dir = mkdtempSync(`${tmpdir()}/airtight-thread-priority-`);
  const store = await Store.open({ dir, clickhouseUrl: '' });
  t.after(async () => {
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const before = getPriority();
  yieldThreads();
  await Promise.all([1, 2, 3].map((n) => store.query(`SELECT sum(number % ${n}) FROM numbers_mt(10000000)`)));
  const found = threads().filter(({ name }) => !name.startsWith('node-'));
  const merging = found.filter(({ name }) => name.startsWith('MergeMutate'));
  assert.ok(merging.length > 0, 'the engine names its threads as expected');
  for (const { id } of merging) assert.equal(getPriority(id), MERGE_NICENESS);
  for (const { id, name } of found) assert.ok(getPriority(id) >= QUERY_NICENESS, name);
  assert.equal(getPriority(), before);
});
