import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leafHash, nobleSha256, rootOfLeafHashes } from '@airtight/tlog';
import { RunningRoot } from './running-root.ts';

test('the running root is the RFC 6962 root at every size up to 300 and at a full batch', () => {
  const running = new RunningRoot();
  for (const size of [...Array.from({ length: 300 }, (_, i) => i + 1), 4095, 4096]) {
    running.reset();
    const hashes = new Uint8Array(size * 32);
    for (let i = 0; i < size; i++) {
      const entry = Buffer.from(String(i));
      running.add(Buffer.concat([Buffer.of(0), entry]));
      hashes.set(leafHash(entry, nobleSha256), i * 32);
    }
    assert.equal(running.count, size);
    assert.equal(running.finish(), Buffer.from(rootOfLeafHashes(hashes, nobleSha256)).toString('hex'), `size ${size}`);
  }
});
