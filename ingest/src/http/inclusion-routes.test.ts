/** Many records with one proof for each batch: what comes leads to the roots that were sealed. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeBatchRecord } from '@airtight/protocol';
import { leafHash, rootFromMultiProof } from '@airtight/tlog';
import type { Ingest } from '../ingest.ts';
import { startWithoutTicks } from '../testing/start-ingest.ts';

const TOKEN = 'token of our own services';
const dir = mkdtempSync(join(tmpdir(), 'inclusions-'));
let ledger: Server;
/** Whether the ledger takes entries. */
let isOpen = true;
let size = 0;
let ingest: Ingest;

before(async () => {
  ledger = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (!isOpen) return void response.writeHead(503).end();
      const bytes = Buffer.concat(parts);
      const indexes: number[] = [];
      for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) indexes.push(size++);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ indexes, size }));
    });
  });
  await new Promise<void>((resolve) => ledger.listen(0, '127.0.0.1', resolve));
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'keys/token'), TOKEN);
  const env = {
    AIRTIGHT_DATA: dir,
    AIRTIGHT_TOKEN_FILE: join(dir, 'keys/token'),
    AIRTIGHT_LEDGER_URL: `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`,
  };
  ingest = await startWithoutTicks(env);
});
after(async () => {
  await ingest.close();
  ledger.closeAllConnections();
  ledger.close();
  rmSync(dir, { recursive: true });
});

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
async function ask(path: string, body?: object): Promise<any> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
  return (await fetch(`${ingest.url}${path}`, init)).json();
}

async function write(count: number, tag: string): Promise<number[]> {
  const records = Array.from({ length: count }, (_, i) => ({ agency: 'a', dataset: 'sys.notes', producer: 'p', payload: { tag, i } }));
  const { results } = await ask('/records', { records });
  return results.map(({ position }: { position: number }) => position);
}

async function statusUntil(field: 'sealedThrough' | 'anchoredThrough', position: number): Promise<void> {
  while ((await ask('/status'))[field] <= position) await sleep(50);
}

test('records of several batches, each batch with one proof that leads to its root', { timeout: 120_000 }, async () => {
  const written = [await write(40, 'one')];
  await statusUntil('anchoredThrough', written[0]?.at(-1) as number);
  written.push(await write(9, 'two'));
  await statusUntil('anchoredThrough', written[1]?.at(-1) as number);
  const positions = written.flat().filter((_, i) => i % 3 !== 1);
  const { batches, done } = await ask('/inclusions', { positions });
  assert.equal(done, positions.length);
  assert.ok(batches.length >= 2);
  const got: number[] = [];
  for (const { batch, ledgerIndex, path, records } of batches) {
    const record = decodeBatchRecord(Buffer.from(batch, 'base64'));
    assert.ok(record.ok && ledgerIndex < size);
    const { first, count, root } = record.value;
    for (const one of records) assert.equal(Buffer.from(leafHash(Buffer.from(one.record, 'base64'))).toString('base64'), one.leafHash);
    const computed = rootFromMultiProof({
      size: count,
      leaves: records.map((one: { position: number; leafHash: string }) => ({
        index: one.position - first,
        leafHash: Uint8Array.from(Buffer.from(one.leafHash, 'base64')),
      })),
      hashes: path.map((hash: string) => Uint8Array.from(Buffer.from(hash, 'base64'))),
    });
    assert.ok(computed.ok);
    assert.equal(Buffer.from(computed.value).toString('hex'), root);
    got.push(...records.map(({ position }: { position: number }) => position));
  }
  assert.deepEqual(got, positions);
});

test('what is not there, not sealed or not anchored is refused by its code', { timeout: 120_000 }, async () => {
  const codeOf = async (positions: number[]) => (await ask('/inclusions', { positions })).code;
  assert.equal(await codeOf([999_999]), 'NOT_FOUND');
  assert.equal(await codeOf([3, 3]), 'REQUEST_INVALID');
  assert.equal(await codeOf([3, 2]), 'REQUEST_INVALID');
  assert.equal(await codeOf([]), 'REQUEST_INVALID');
  isOpen = false;
  const [position] = (await write(1, 'late')) as [number];
  assert.equal(await codeOf([0, position]), 'RECORD_NOT_SEALED');
  await statusUntil('sealedThrough', position);
  assert.equal(await codeOf([0, position]), 'RECORD_NOT_ANCHORED');
  isOpen = true;
});
