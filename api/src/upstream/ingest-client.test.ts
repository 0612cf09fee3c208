import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { FEED_FROM_HEADER, FEED_HEAD_HEADER, FEED_NEXT_HEADER } from '@airtight/protocol';
import { IngestClient } from './ingest-client.ts';

test('who goes through the journal once outlasts answers that break off; who follows it is told at once', async (t) => {
  let breaks = 0;
  const server = createServer((_request, response) => {
    const headers = { [FEED_FROM_HEADER]: 3, [FEED_NEXT_HEADER]: 4, [FEED_HEAD_HEADER]: 9, 'content-length': 5 };
    // Before the answer, and in the middle of it.
    if (breaks-- === 2) response.destroy();
    else if (breaks >= 0) response.writeHead(200, headers).write('fr', () => response.destroy());
    else response.writeHead(200, headers).end('frame');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = new IngestClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
  breaks = 2;
  const chunk = await client.feed({ from: 3, waitMs: 0, maxBytes: 1024 });
  assert.deepEqual([chunk.from, chunk.next, chunk.head, Buffer.from(chunk.bytes).toString()], [3, 4, 9, 'frame']);
  breaks = 3;
  await assert.rejects(client.feed({ from: 3, waitMs: 0, maxBytes: 1024 }), { code: 'SERVICE_UNAVAILABLE' });
  breaks = 1;
  await assert.rejects(client.feed({ from: 3, waitMs: 1, maxBytes: 1024 }), { code: 'SERVICE_UNAVAILABLE' });
});
