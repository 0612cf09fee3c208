/** The service over HTTP, as a process of its own where it matters: locks, kill -9, signals. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  decodeBase64,
  formatEntryBundle,
  inclusionFromTiles,
  leafHash,
  openCheckpoint,
  parseEntryBundle,
  parseVkey,
  type TileSource,
  verifyInclusion,
} from '@airtight/tlog';
import { auditLedger } from './audit/audit-ledger.ts';
import { type LedgerConfig, resolveLedgerConfig } from './config.ts';
import { generateLedgerKey, readLedgerKey, readLedgerVkey } from './ledger-key.ts';
import { ledgerDirectory, type RunningLedger, startLedger } from './service.ts';

const ORIGIN = 'ledger.example/service';
const TOKEN = 'internal-token';
const scratch = mkdtempSync(join(tmpdir(), 'ledger-service-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let made = 0;

/** A data directory with token and key, as the first start leaves it. */
async function dataDirectory(): Promise<string> {
  const dataDir = join(scratch, String(made++));
  mkdirSync(join(dataDir, 'keys'), { recursive: true });
  writeFileSync(join(dataDir, 'keys', 'internal.token'), `${TOKEN}\n`);
  await generateLedgerKey(join(dataDir, 'keys', 'ledger.key'), ORIGIN);
  return dataDir;
}

function configOf(dataDir: string) {
  return resolveLedgerConfig({ dataDir, origin: ORIGIN, port: 0 }, {});
}

/** Runs until the test ends, at the latest. */
async function start(t: TestContext, config: LedgerConfig): Promise<RunningLedger> {
  const ledger = await startLedger(config);
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await ledger.close();
  };
  t.after(close);
  return { url: ledger.url, close };
}

async function post(url: string, body: Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/entries`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream', ...headers },
    body: Buffer.from(body),
  });
  const answer = (await response.json()) as { indexes: number[]; size: number; code: string };
  return { status: response.status, ...answer };
}

const bundle = (...texts: string[]) => formatEntryBundle(texts.map((text) => Buffer.from(text)));

function tilesOver(url: string): TileSource {
  return {
    async read(path) {
      const response = await fetch(`${url}/${path}`);
      if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
  };
}

test('entries are sequenced, published and provable by what is served', async (t) => {
  const dataDir = await dataDirectory();
  const ledger = await start(t, configOf(dataDir));
  const vkey = await readLedgerVkey(configOf(dataDir).keyFile, ORIGIN);
  const texts = Array.from({ length: 300 }, (_, i) => `entry ${i}`);
  assert.deepEqual((await post(ledger.url, bundle(...texts.slice(0, 256)))).size, 256);
  const { indexes, size } = await post(ledger.url, bundle('entry 3', ...texts.slice(256)));
  assert.deepEqual([indexes[0], indexes[1], indexes.at(-1), size], [3, 256, 299, 300]);

  const served = await fetch(`${ledger.url}/checkpoint`);
  assert.equal(served.headers.get('content-type'), 'text/plain; charset=utf-8');
  const note = await served.text();
  const key = parseVkey(vkey);
  assert.ok(key.ok);
  const checkpoint = openCheckpoint(Buffer.from(note), [key.value]);
  assert.ok(checkpoint.ok && checkpoint.value.size === 300);
  for (const index of [0, 255, 256, 299]) {
    const path = await inclusionFromTiles(tilesOver(ledger.url), index, 300);
    const leaf = leafHash(Buffer.from(texts[index] as string));
    assert.ok(verifyInclusion({ index, size: 300, leafHash: leaf, root: checkpoint.value.root, path }).ok);
  }
  const entries = parseEntryBundle(await tilesOver(ledger.url).read('tile/entries/001.p/44'), 44);
  assert.ok(entries.ok && Buffer.from(entries.value[43] as Uint8Array).toString() === 'entry 299');

  const info = await fetch(`${ledger.url}/info`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const { root, ...rest } = (await info.json()) as { [key: string]: unknown };
  const policy = `log ${vkey}\nquorum none\n`;
  assert.deepEqual(rest, { origin: ORIGIN, vkey, nextVkey: null, policy, size: 300, checkpoint: note, final: null });
  assert.deepEqual(decodeBase64(String(root)), checkpoint.value.root);
  const metrics = await (await fetch(`${ledger.url}/metrics`)).text();
  assert.match(metrics, /^airtight_ledger_entries_total 300$/m);
  assert.match(metrics, /^airtight_ledger_repeats_total 1$/m);
  assert.match(metrics, /# EOF\s*$/);
  await ledger.close();
  assert.equal((await auditLedger(ledgerDirectory(dataDir), vkey)).ok, true);
});

test('what is not asked for properly is refused with a code', async (t) => {
  const ledger = await start(t, configOf(await dataDirectory()));
  const codeOf = async (body: Uint8Array, headers?: Record<string, string>) => {
    const { status, code } = await post(ledger.url, body, headers);
    return `${status} ${code}`;
  };
  assert.equal(await codeOf(bundle('x'), { authorization: 'Bearer wrong' }), '401 SESSION_REQUIRED');
  assert.equal(await codeOf(bundle('x'), { authorization: TOKEN }), '401 SESSION_REQUIRED');
  assert.equal(await codeOf(new Uint8Array(0)), '400 ENTRY_BUNDLE_MALFORMED');
  assert.equal(await codeOf(Uint8Array.of(0, 2, 65)), '400 ENTRY_BUNDLE_MALFORMED');
  assert.equal(await codeOf(bundle(...Array(257).fill('x'))), '400 ENTRY_BUNDLE_MALFORMED');
  assert.equal(await codeOf(new Uint8Array(1024 * 1024 + 1)), '413 PAYLOAD_TOO_LARGE');
  assert.equal(await codeOf(bundle('x'), { 'content-type': 'text/csv' }), '400 REQUEST_INVALID');
  assert.equal((await fetch(`${ledger.url}/info`)).status, 401);
  await post(ledger.url, bundle('x'));
  const statusOf = async (path: string) => (await fetch(`${ledger.url}${path}`)).status;
  assert.equal(await statusOf('/tile/0/000.p/1'), 200);
  assert.equal(await statusOf('/tile/entries/000.p/1'), 200);
  const paths = [
    '/tile/0/000',
    '/tile/0/000.p/0',
    '/tile/0/000.p/256',
    '/tile/0/0',
    '/tile/64/000',
    '/tile/0/000.p/1/',
    '/tile/',
    '/nothing',
  ];
  for (const path of [...paths, '/.state/ledger.sqlite', '/tile/%2e%2e/.state/ledger.sqlite', '/tile/0%2f..%2f..%2fcheckpoint']) {
    assert.equal(await statusOf(path), 404, path);
  }
  for (const path of ['/livez', '/readyz']) assert.equal(await statusOf(path), 200);
  await ledger.close();
});

test('one key signs one log: another directory, another origin or an open key file is refused', async (t) => {
  const dataDir = await dataDirectory();
  const config = configOf(dataDir);
  await assert.rejects(generateLedgerKey(config.keyFile, ORIGIN), { code: 'LEDGER_KEY_EXISTS' });
  await assert.rejects(generateLedgerKey(join(scratch, 'k'), 'not an origin'), { code: 'LEDGER_KEY_INVALID' });
  assert.equal(statSync(config.keyFile).mode & 0o777, 0o600);
  const first = await start(t, config);
  await post(first.url, bundle('x'));
  await first.close();
  await assert.rejects(startLedger({ ...config, dataDir: join(scratch, 'elsewhere') }), { code: 'LEDGER_MISSING' });
  await assert.rejects(startLedger({ ...config, origin: 'other.example' }), { code: 'LEDGER_KEY_INVALID' });
  rmSync(ledgerDirectory(dataDir), { recursive: true });
  await assert.rejects(startLedger(config), { code: 'LEDGER_MISSING' }, 'a lost log is not begun anew under its key');
  writeFileSync(config.keyFile, readFileSync(config.keyFile), { mode: 0o644 });
  const open = join(scratch, 'open.key');
  writeFileSync(open, readFileSync(config.keyFile), { mode: 0o644 });
  await assert.rejects(readLedgerKey(open, ORIGIN), { code: 'LEDGER_KEY_INVALID' });
  await assert.rejects(startLedger({ ...config, tokenFile: join(scratch, 'none') }), { code: 'CONFIG_INVALID' });
});

test('the key is replaced while the log goes on; the new key begins no log of its own', async (t) => {
  const dataDir = await dataDirectory();
  const config = configOf(dataDir);
  const nextKeyFile = join(dataDir, 'keys', 'next.key');
  const vkeys = [await readLedgerVkey(config.keyFile, ORIGIN), await generateLedgerKey(nextKeyFile, ORIGIN)].map(parseVkey);
  const signedBy = async ({ url }: RunningLedger): Promise<boolean[]> => {
    const note = Buffer.from(await (await fetch(`${url}/checkpoint`)).arrayBuffer());
    return vkeys.map((vkey) => vkey.ok && openCheckpoint(note, [vkey.value]).ok);
  };
  const run = async (settings: object, expected: boolean[]): Promise<void> => {
    const ledger = await start(t, { ...config, ...settings });
    assert.deepEqual(await signedBy(ledger), expected);
    await post(ledger.url, bundle(`entry ${JSON.stringify(settings)}`));
    assert.deepEqual(await signedBy(ledger), expected);
    await ledger.close();
  };
  await run({}, [true, false]);
  await run({ nextKeyFile }, [true, true]);
  await run({ keyFile: nextKeyFile }, [false, true]);
  await assert.rejects(startLedger(config), { code: 'CHECKPOINT_INVALID' });
  rmSync(ledgerDirectory(dataDir), { recursive: true });
  await assert.rejects(startLedger({ ...config, keyFile: nextKeyFile }), { code: 'LEDGER_MISSING' });
});

test('a second process is refused while the first one runs', async (t) => {
  const config = configOf(await dataDirectory());
  const first = await start(t, config);
  const second = startProcess(t, config.dataDir);
  const [code] = await once(second.child, 'exit');
  assert.equal(code, 1);
  assert.match(second.output(), /LEDGER_LOCKED/);
  await first.close();
});

interface LedgerProcess {
  readonly child: ChildProcess;
  output(): string;
  url(): Promise<string>;
}

function startProcess(t: TestContext, dataDir: string): LedgerProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./main.ts', import.meta.url))], {
    env: { ...process.env, AIRTIGHT_DATA: dataDir, AIRTIGHT_LEDGER_ORIGIN: ORIGIN, AIRTIGHT_LEDGER_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  const listening = Promise.withResolvers<string>();
  const take = (chunk: Buffer): void => {
    output += chunk;
    const url = /"url":"([^"]+)"/.exec(output)?.[1];
    if (url !== undefined) listening.resolve(url);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  child.on('exit', () => listening.reject(new Error(`ended before it listened: ${output}`)));
  listening.promise.catch(() => undefined);
  return { child, output: () => output, url: () => listening.promise };
}

test('kill -9 under load: every answered entry is there after the restart, and the log audits', async (t) => {
  const dataDir = await dataDirectory();
  const vkey = await readLedgerVkey(join(dataDir, 'keys', 'ledger.key'), ORIGIN);
  const answered = new Map<number, string>();
  for (let round = 0; round < 4; round++) {
    const ledger = startProcess(t, dataDir);
    const url = await ledger.url();
    const send = async (writer: number): Promise<void> => {
      for (let i = 0; ; i++) {
        const texts = Array.from({ length: 1 + (i % 30) }, (_, n) => `${round} ${writer} ${i} ${n}`);
        const { indexes } = await post(url, bundle(...texts));
        for (const [at, index] of indexes.entries()) answered.set(index, texts[at] as string);
      }
    };
    const writers = Promise.allSettled([send(0), send(1), send(2)]);
    // Somewhere within a commit: the count of answers, not a clock, says when.
    const goal = answered.size + 200 + round * 37;
    while (answered.size < goal) await new Promise((resolve) => setImmediate(resolve));
    const exited = once(ledger.child, 'exit');
    ledger.child.kill('SIGKILL');
    await Promise.all([writers, exited]);
  }
  const ledger = startProcess(t, dataDir);
  const url = await ledger.url();
  const all = [...answered];
  for (let at = 0; at < all.length; at += 256) {
    const part = all.slice(at, at + 256);
    const { indexes } = await post(url, bundle(...part.map(([, text]) => text)));
    assert.deepEqual(
      indexes,
      part.map(([index]) => index),
    );
  }
  const exited = once(ledger.child, 'exit');
  ledger.child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null], ledger.output());
  for (const line of ledger.output().trim().split('\n')) JSON.parse(line);
  const report = await auditLedger(ledgerDirectory(dataDir), vkey);
  assert.equal(report.ok, true, JSON.stringify(report.finding));
  assert.ok(report.entries >= answered.size);
});
