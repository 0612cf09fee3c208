import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { BATCH_MAX_RECORDS, encodeRecord } from '@airtight/protocol';
import { BatchThread } from './batch-thread.ts';
import type { ClosedBatch } from './batcher.ts';
import { RunningRoot } from './running-root.ts';

function bodyOf(i: number): Buffer {
  const header = {
    v: 1,
    agency: 'a',
    dataset: 'd',
    producer: 'p',
    receivedAt: 1000 + i,
    door: 'mqtt',
    contentType: 'application/json',
  } as const;
  return Buffer.concat([Buffer.of(0), encodeRecord(header, Buffer.from(`${i}`))]);
}

function frameOf(body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

test('batches come back in order, cover every record once, and have the right root', async () => {
  const first = 7000;
  const total = BATCH_MAX_RECORDS * 2 + 100;
  const closed: ClosedBatch[] = [];
  const done = Promise.withResolvers<void>();
  const thread = new BatchThread({
    ...{ first, from: first, gapWindowMs: 60_000, onGaps: () => undefined, onState: () => undefined },
    onClosed: (batches) => {
      closed.push(...batches);
      // The rest is closed by its age.
      if (closed.reduce((sum, { count }) => sum + count, 0) === total) done.resolve();
    },
    onFatal: done.reject,
  });
  for (let i = 0; i < total; ) {
    const group = Array.from({ length: Math.min(1 + (i % 700), total - i) }, (_, j) => frameOf(bodyOf(i + j)));
    thread.add(Buffer.concat(group));
    i += group.length;
  }
  await done.promise;
  await thread.close();
  let position = first;
  const root = new RunningRoot();
  for (const batch of closed) {
    assert.equal(batch.first, position);
    assert.equal(batch.firstAt, 1000 + position - first);
    assert.equal(batch.lastAt, 1000 + position - first + batch.count - 1);
    root.reset();
    for (let i = 0; i < batch.count; i++) root.add(bodyOf(position - first + i));
    assert.equal(batch.root, root.finish());
    position += batch.count;
  }
  assert.equal(position, first + total);
});
