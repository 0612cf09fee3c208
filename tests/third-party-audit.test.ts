/**
 * Whoever has nothing but the static files under /ledger/, the log's name and its verifier key can check everything with
 * tools that others wrote. Here: Go's checksum database library reads every file, makes and checks proofs, and finds what
 * was changed.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ED25519, entryBundlePath, formatVkey, makeVkey, parseCheckpoint, parseNote, tilePath, tilesForSize } from '@airtight/tlog';
import { LogAuditor } from './harness/log-auditor.ts';
import { type Product, startProduct } from './harness/product.ts';

/** Two full tiles and a partial one, so that there is a second level too. */
const ENTRIES = 600;
const REQUEST_ENTRIES = 200;

async function append(product: Product): Promise<void> {
  const entries = Array.from({ length: ENTRIES }, (_, i) => Buffer.from(`{"entry":${i}}`));
  for (let at = 0; at < ENTRIES; at += REQUEST_ENTRIES) await product.appendEntries(entries.slice(at, at + REQUEST_ENTRIES));
}

/** Files of the log as they are served, from the checkpoint on: nothing is read from the data directory. */
async function mirror(url: string): Promise<Map<string, Buffer>> {
  const read = async (path: string): Promise<Buffer> => {
    const response = await fetch(`${url}${path}`);
    assert.equal(response.status, 200, path);
    return Buffer.from(await response.arrayBuffer());
  };
  const files = new Map([['checkpoint', await read('checkpoint')]]);
  for (const { level, index, width } of tilesForSize(sizeOf(files.get('checkpoint') as Buffer))) {
    for (const path of [tilePath(level, index, width), ...(level === 0 ? [entryBundlePath(index, width)] : [])]) {
      files.set(path, await read(path));
    }
  }
  return files;
}

function sizeOf(note: Uint8Array): number {
  const parsed = parseNote(note);
  const checkpoint = parsed.ok ? parseCheckpoint(parsed.value.text) : parsed;
  assert.ok(checkpoint.ok);
  return checkpoint.value.size;
}

/** Any web server will do for a copy of a log. */
async function serve(t: TestContext, files: ReadonlyMap<string, Buffer>): Promise<string> {
  const server = createServer((request, response) => {
    const bytes = files.get((request.url ?? '').slice(1));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function flipBit(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] as number) ^ 1;
  return flipped;
}

test('a stranger audits the ledger with Go’s library, and finds every flipped bit and every cut-off file', async (t) => {
  const auditor = await LogAuditor.build(t);
  if (auditor === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'airtight-third-party-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const product = await startProduct();
  t.after(() => product.stop());
  const vkey = readFileSync(join(product.dataDir, 'keys/ledger.vkey'), 'utf8').trim();
  const url = `${product.httpUrl}/ledger/`;
  await product.untilAnchored();
  const before = await mirror(url);
  await append(product);
  const passed = await auditor.audit(url, vkey, keep(folder, before));
  assert.equal(passed.code, 0, passed.stderr);
  const [size = 0, inclusions = 0] = (/^size (\d+), \d+ files, (\d+) inclusion proofs/.exec(passed.stdout) ?? []).slice(1).map(Number);
  assert.ok(size >= ENTRIES && inclusions > ENTRIES / 3, passed.stdout);

  const files = await mirror(url);
  const copy = await serve(t, files);
  assert.equal((await auditor.audit(copy, vkey)).code, 0, 'a copy is as good as the original');
  for (const [path, bytes] of [...files]) {
    for (const damaged of [flipBit(bytes, Math.floor(bytes.length / 2)), bytes.subarray(0, -1)]) {
      files.set(path, damaged);
      const { code, stderr } = await auditor.audit(copy, vkey);
      // A flipped bit can leave a bundle well-formed; the root over all entries finds it then.
      const named = path.includes('entries') ? [path, 'entries'] : [path];
      assert.deepEqual([code, named.includes(stderr.split(': ')[0] ?? '')], [1, true], `${path}: ${stderr}`);
    }
    files.set(path, bytes);
  }
  const shrunk = await auditor.audit(await serve(t, before), vkey, keep(folder, files));
  assert.match(shrunk.stderr, /covers \d+ entries, the log has \d+/, 'a log that shows less than before');
  assert.equal(shrunk.code, 1);
  const stranger = formatVkey(makeVkey(vkey.split('+')[0] as string, ED25519, new Uint8Array(32).fill(9)));
  assert.match((await auditor.audit(copy, stranger)).stderr, /^checkpoint: /);
});

/** The checkpoint among these files, as an auditor keeps it. */
function keep(folder: string, files: ReadonlyMap<string, Buffer>): string {
  const file = join(folder, 'checkpoint');
  writeFileSync(file, files.get('checkpoint') as Buffer);
  return file;
}
