import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BatchStore } from './batch-store.ts';

const dir = mkdtempSync(join(tmpdir(), 'batches-'));
after(() => rmSync(dir, { recursive: true }));
const ROOT = 'ab'.repeat(32);
const closed = (first: number, count: number) => ({
  first,
  count,
  firstAt: first,
  lastAt: first + count,
  root: ROOT,
  salted: false,
  producers: { count: 1, root: ROOT },
});

test('batches form a chain, are found by record position, and go on after reopening', async () => {
  let store = new BatchStore(dir, 'test/1');
  assert.equal(store.find(0), null);
  await store.seal([closed(0, 10), closed(10, 1)]);
  await store.anchor([100]);
  store.close();
  store = new BatchStore(dir, 'test/1');
  assert.equal(store.sealedThrough, 11);
  assert.equal(store.anchoredThrough, 10);
  for (let seq = 2; seq < 40; seq++) await store.seal([closed(11 + (seq - 2) * 5, 5)]);
  let prev: string | null = null;
  for (let seq = 0; seq < store.count; seq++) {
    const { batch, bytes } = store.read(seq);
    assert.equal(batch.prev, prev);
    assert.equal(batch.seq, seq);
    prev = hash('sha256', bytes, 'hex');
  }
  for (let position = 0; position < store.sealedThrough; position++) {
    const { first, count } = store.find(position)?.batch ?? assert.fail();
    assert.ok(position >= first && position < first + count);
  }
  assert.equal(store.find(store.sealedThrough), null);
  assert.equal(store.read(0).ledgerIndex, 100);
  assert.equal(store.read(1).ledgerIndex, null);
  store.close();
});
