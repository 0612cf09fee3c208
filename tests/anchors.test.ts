/**
 * Outside anchors, the whole way: a time-stamping authority that is down for a while and a git repository; then a proof that
 * says, offline, since when the record existed, and one whose time stamp was changed.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '@airtight/ledger/testing/free-port.ts';
import { makeAuthority, type ServedAuthority, serveAuthority } from '@airtight/ledger/testing/local-authority.ts';
import type { LedgerDetail } from '@airtight/protocol';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight, has } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const folder = mkdtempSync(join(tmpdir(), 'airtight-anchors-'));
const repository = join(folder, 'repository');
const bundleFile = join(folder, 'record.airtight-proof.json');
let product: Product;
let device: Device;
let served: ServedAuthority | undefined;

before(() => {
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', repository]);
});
after(async () => {
  await product?.stop();
  await served?.close();
  rmSync(folder, { recursive: true, force: true });
});

const sinks = async () => {
  const { anchors } = (await (await product.fetch('/api/v1/ledger')).json()) as LedgerDetail;
  return new Map(anchors.map((sink) => [sink.id, sink]));
};

test('readings are taken while the authority is down; when it is back they are anchored', async (t) => {
  if (!has(t, 'openssl', 'git')) return;
  const authority = makeAuthority(join(folder, 'authority'));
  const port = await freePort();
  product = await startProduct({
    environment: {
      AIRTIGHT_LEDGER_ANCHOR_TSA_URL: `http://127.0.0.1:${port}/tsa`,
      AIRTIGHT_LEDGER_ANCHOR_TSA_ROOTS_FILE: authority.rootFile,
      AIRTIGHT_LEDGER_ANCHOR_TSA_INTERVAL_MS: '500',
      AIRTIGHT_LEDGER_ANCHOR_GIT_DIR: repository,
      AIRTIGHT_LEDGER_ANCHOR_GIT_INTERVAL_MS: '500',
    },
  });
  device = await product.enrol('anchored-1');
  await publishAll(product, device, [{ t: Date.UTC(2026, 3, 1), m: { pm25: 35.4 } }]);
  await product.untilAnchored();
  const down = await until('the authority is missed', async () => (await sinks()).get('tsa')?.error ?? undefined);
  assert.match(down.detail, /ECONNREFUSED/);
  served = await serveAuthority(authority, port);
  const position = (await product.status()).head - 1;
  await until('the record is anchored by both', async () => {
    const proof = await (await product.fetch(`/api/v1/records/${position}/proof`)).text();
    const { anchors = [] } = JSON.parse(proof) as { anchors?: { sink: string }[] };
    writeFileSync(bundleFile, proof);
    return anchors.length === 2;
  });
  assert.equal((await sinks()).get('tsa')?.error, null);
});

test('airtight verify says offline who vouches for which time, and what it could not check', async (t) => {
  if (!has(t, 'openssl', 'git')) return;
  const verify = (...args: string[]) => airtight(['verify', bundleFile, '--data', product.dataDir, '--lang', 'en', ...args]);
  const roots = ['--tsa-roots', join(folder, 'authority', 'root.crt')];
  const { code, stdout, stderr } = await verify(...roots);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /This checkpoint existed at 20\d\d-\S+Z, says Test tsa \(tsa\)/);
  const commit = execFileSync('git', ['-C', repository, 'log', '--format=%H']).toString().split('\n');
  const named = /git was not checked to the end: look it up: .*"commit":"([0-9a-f]{40})"/.exec(stdout)?.[1] ?? '';
  assert.ok(commit.includes(named), stdout);
  assert.doesNotMatch(stdout, /another trust policy/);
  const untrusting = await verify();
  assert.equal(untrusting.code, 0);
  assert.match(untrusting.stdout, /tsa was not checked to the end: .*no root certificate was given/);
  const receipts = await (await fetch(`${product.httpUrl}/ledger/anchors/index`)).text();
  const [, size] = /^(\d+) tsa rfc3161 /m.exec(receipts) ?? [];
  const token = await fetch(`${product.httpUrl}/ledger/anchors/${size}/tsa`);
  assert.deepEqual([token.status, token.headers.get('access-control-allow-origin')], [200, '*']);
});

test('a changed time stamp fails, and the step is named; so does another root', async (t) => {
  if (!has(t, 'openssl', 'git')) return;
  const bundle = JSON.parse(readFileSync(bundleFile, 'utf8')) as { anchors: { sink: string; receipt: string }[] };
  const changed = join(folder, 'changed.airtight-proof.json');
  const anchors = bundle.anchors.map((anchor) => {
    const receipt = Buffer.from(anchor.receipt, 'base64');
    if (anchor.sink === 'tsa') receipt.writeUInt8((receipt.at(-30) as number) ^ 1, receipt.length - 30);
    return { ...anchor, receipt: receipt.toString('base64') };
  });
  writeFileSync(changed, JSON.stringify({ ...bundle, anchors }));
  const verify = async (file: string, roots: string) => {
    const args = ['verify', file, '--data', product.dataDir, '--tsa-roots', roots, '--json'];
    const { code, stdout } = await airtight(args);
    const { steps } = JSON.parse(stdout) as { steps: { step: string; ok: boolean; code?: string }[] };
    return { code, failing: steps.flatMap((one) => (one.ok ? [] : [[one.step, one.code]])) };
  };
  const own = join(folder, 'authority', 'root.crt');
  assert.deepEqual(await verify(changed, own), { code: 1, failing: [['anchor', 'TIMESTAMP_SIGNATURE_INVALID']] });
  const other = makeAuthority(join(folder, 'other'));
  assert.deepEqual(await verify(bundleFile, other.rootFile), { code: 1, failing: [['anchor', 'TIMESTAMP_UNTRUSTED']] });
});
