/** Outside anchors of a running ledger: a local authority, a real git repository and a file; sinks that fail, crashes, restarts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { type CoveringAnchor, formatEntryBundle, parseCheckpoint, verifyTimeStamp } from '@airtight/tlog';
import { anchorTarget } from './anchoring/anchor-sink.ts';
import type { SinkStatus } from './anchoring/anchorer.ts';
import { nodeCertifiedSignature } from './anchoring/certified-signature.ts';
import { certificatesIn } from './anchoring/root-certificates.ts';
import { auditAnchors } from './audit/audit-anchors.ts';
import { type LedgerConfig, resolveLedgerConfig } from './config.ts';
import { generateLedgerKey, readLedgerVkey } from './ledger-key.ts';
import { ledgerDirectory, type RunningLedger, startLedger } from './service.ts';
import { freePort } from './testing/free-port.ts';
import { hasOpenssl, makeAuthority, serveAuthority } from './testing/local-authority.ts';

const TOKEN = 'internal-token';
const ORIGIN = 'ledger.example.gov/beijing';
const DEADLINE_MS = 60_000;
/** Short, so that the tests need not wait; a sink anchors whatever is new within it. */
const INTERVAL_MS = '100';
const scratch = mkdtempSync(join(tmpdir(), 'ledger-anchoring-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const skip = hasOpenssl() ? false : 'the program openssl, version 3, is not there';
let made = 0;

const newFolder = (): string => {
  const dir = join(scratch, String(made++));
  mkdirSync(dir);
  return dir;
};

async function newDataDir(): Promise<string> {
  const dir = newFolder();
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'keys', 'internal.token'), TOKEN);
  await generateLedgerKey(join(dir, 'keys', 'ledger.key'), ORIGIN);
  return dir;
}

function configOf(dataDir: string, settings: Partial<LedgerConfig>): LedgerConfig {
  const section = { origin: ORIGIN, port: 0, ...settings };
  return resolveLedgerConfig(section, {
    AIRTIGHT_DATA: dataDir,
    AIRTIGHT_LEDGER_ANCHOR_TSA_INTERVAL_MS: INTERVAL_MS,
    AIRTIGHT_LEDGER_ANCHOR_FILE_INTERVAL_MS: INTERVAL_MS,
    AIRTIGHT_LEDGER_ANCHOR_GIT_INTERVAL_MS: INTERVAL_MS,
  });
}

async function start(t: TestContext, dataDir: string, settings: Partial<LedgerConfig>): Promise<RunningLedger> {
  const running = await startLedger(configOf(dataDir, settings));
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= running.close();
    return closed;
  };
  t.after(close);
  return { url: running.url, close };
}

const authorization = { authorization: `Bearer ${TOKEN}` };

async function append(ledger: RunningLedger, ...entries: string[]): Promise<void> {
  const body = Buffer.from(formatEntryBundle(entries.map((entry) => Buffer.from(entry))));
  const headers = { ...authorization, 'content-type': 'application/octet-stream' };
  const answer = await fetch(`${ledger.url}/entries`, { method: 'POST', body, headers });
  assert.equal(answer.status, 200);
}

async function sinkStatus(ledger: RunningLedger, id: string): Promise<SinkStatus> {
  const { sinks } = (await (await fetch(`${ledger.url}/anchoring`, { headers: authorization })).json()) as { sinks: SinkStatus[] };
  return sinks.find((sink) => sink.id === id) as SinkStatus;
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const anchored = (ledger: RunningLedger, id: string, size: number) =>
  until(`${id} has size ${size}`, async () => {
    const status = await sinkStatus(ledger, id);
    return status.latest?.size === size ? status : undefined;
  });

async function fetchBytes(ledger: RunningLedger, path: string): Promise<Buffer> {
  const answer = await fetch(`${ledger.url}/${path}`);
  assert.equal(answer.status, 200, path);
  return Buffer.from(await answer.arrayBuffer());
}

const git = (dir: string, ...args: string[]): string => execFileSync('git', ['-C', dir, ...args]).toString();

function newRepository(...args: string[]): string {
  const dir = newFolder();
  git(dir, 'init', '--quiet', '--initial-branch=main', ...args);
  return dir;
}

test('a time stamp for each new checkpoint, as static files that OpenSSL and we verify', { skip }, async (t) => {
  const dataDir = await newDataDir();
  const authority = makeAuthority(newFolder(), { key: 'p256' });
  copyFileSync(authority.rootFile, join(dataDir, 'keys', 'tsa-roots.pem'));
  const served = await serveAuthority(authority);
  t.after(() => served.close());
  const ledger = await start(t, dataDir, { anchorTsaUrl: served.url });
  assert.equal((await sinkStatus(ledger, 'tsa')).latest, null);
  await append(ledger, 'a', 'b');
  const first = await anchored(ledger, 'tsa', 2);
  assert.equal(first.latest?.authority, 'Test tsa');
  await append(ledger, 'c');
  await anchored(ledger, 'tsa', 3);
  const [note, token] = [await fetchBytes(ledger, 'anchors/2/checkpoint'), await fetchBytes(ledger, 'anchors/2/tsa')];
  const { body, imprint } = anchorTarget(note.toString());
  assert.ok(parseCheckpoint(body).ok);
  const roots = certificatesIn(readFileSync(authority.rootFile, 'utf8'));
  const stamp = verifyTimeStamp(token, { imprint, roots, verifySignature: nodeCertifiedSignature });
  assert.deepEqual([stamp.ok, stamp.ok && stamp.value.unchecked], [true, null]);
  const index = (await fetchBytes(ledger, 'anchors/index')).toString();
  assert.match(index, /^2 tsa rfc3161 \S+Z [0-9a-f]{64} [0-9a-f]{64}\n3 tsa rfc3161 \S+Z [0-9a-f]{64} [0-9a-f]{64}\n$/);
  const covering = await fetch(`${ledger.url}/anchors-covering/1`, { headers: authorization });
  const { items } = (await covering.json()) as { items: CoveringAnchor[] };
  assert.deepEqual(
    items.map(({ sink, size, checkpoint }) => [sink, size, checkpoint]),
    [['tsa', 2, body]],
    'the earliest one that covers it',
  );
  assert.equal((await fetch(`${ledger.url}/anchors/.state/tsa`)).status, 404, 'the outbox is not served');
  assert.equal((await fetch(`${ledger.url}/anchors-covering/1`)).status, 401);
  assert.match((await fetchBytes(ledger, 'metrics')).toString(), /airtight_ledger_anchors_total\{sink="tsa"\} 2/);
  await ledger.close();
  const vkey = await readLedgerVkey(join(dataDir, 'keys', 'ledger.key'), ORIGIN);
  const dir = ledgerDirectory(dataDir);
  const audit = async () => (await auditAnchors({ dir, vkey, tsaRoots: roots })).map(({ file }) => file);
  assert.deepEqual(await audit(), []);
  for (const file of ['anchors/2/checkpoint', 'anchors/3/tsa']) {
    const before = readFileSync(join(dir, file));
    for (const at of [0, Math.floor(before.length / 2), before.length - 3]) {
      writeFileSync(
        join(dir, file),
        before.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      );
      assert.ok(
        (await audit()).every((found) => found.startsWith(dirname(file))),
        file,
      );
      assert.ok((await audit()).length > 0, `${file}, byte ${at}`);
    }
    writeFileSync(join(dir, file), before);
  }
  rmSync(join(dir, 'anchors/2/tsa'));
  assert.deepEqual(await audit(), ['anchors/2/tsa']);
});

test('an authority that is down or lies keeps nothing up: the log grows, and what was begun is anchored in the end', {
  skip,
}, async (t) => {
  const dataDir = await newDataDir();
  const authority = makeAuthority(newFolder());
  copyFileSync(authority.rootFile, join(dataDir, 'keys', 'tsa-roots.pem'));
  let damage = (answer: Uint8Array): Uint8Array => answer;
  // The same one comes back later.
  const port = await freePort();
  const served = await serveAuthority(authority, port, (answer) => damage(answer));
  damage = (answer) => answer.map((byte, at) => (at === answer.length - 20 ? byte ^ 1 : byte));
  const ledger = await start(t, dataDir, { anchorTsaUrl: served.url });
  await append(ledger, 'a');
  const lied = await until('the lie is seen', async () => (await sinkStatus(ledger, 'tsa')).error?.detail);
  assert.match(lied, /^TIMESTAMP_(SIGNATURE_INVALID|MALFORMED)/);
  // TimeStampResp { status rejection, failInfo badDataFormat }: RFC 3161 §2.4.2.
  damage = () => Buffer.from('30093007020102030204' + '04', 'hex').subarray(0, 11);
  await until('the refusal is seen', async () =>
    (await sinkStatus(ledger, 'tsa')).error?.detail.includes('TIMESTAMP_REFUSED') ? true : undefined,
  );
  await append(ledger, 'b');
  await served.close();
  await until('the connection is refused', async () =>
    (await sinkStatus(ledger, 'tsa')).error?.detail.includes('ECONNREFUSED') ? true : undefined,
  );
  const waiting = await sinkStatus(ledger, 'tsa');
  assert.deepEqual([waiting.latest, waiting.pending?.size], [null, 1]);
  await ledger.close();
  const back = await serveAuthority(authority, port);
  t.after(() => back.close());
  const again = await start(t, dataDir, { anchorTsaUrl: back.url });
  await anchored(again, 'tsa', 2);
  const index = (await fetchBytes(again, 'anchors/index')).toString();
  assert.deepEqual(index.match(/^\d+/gm), ['1', '2'], 'the one that was on its way, then what came since');
  assert.equal((await sinkStatus(again, 'tsa')).error, null);
});

test('who sees a receipt sees no error of an earlier attempt beside it', { skip }, async (t) => {
  const dataDir = await newDataDir();
  const authority = makeAuthority(newFolder());
  copyFileSync(authority.rootFile, join(dataDir, 'keys', 'tsa-roots.pem'));
  const port = await freePort();
  const ledger = await start(t, dataDir, { anchorTsaUrl: `http://127.0.0.1:${port}/` });
  await append(ledger, 'a');
  await until('the authority is missed', async () => (await sinkStatus(ledger, 'tsa')).error?.detail);
  const served = await serveAuthority(authority, port);
  t.after(() => served.close());
  await until('the receipt', async () => {
    const { items } = (await (await fetch(`${ledger.url}/anchors-covering/0`, { headers: authorization })).json()) as { items: unknown[] };
    return items.length > 0 ? true : undefined;
  });
  assert.equal((await sinkStatus(ledger, 'tsa')).error, null);
});

test('settings that cannot anchor are refused at the start', { skip }, async () => {
  const dataDir = await newDataDir();
  const refused = (settings: Partial<LedgerConfig>) => assert.rejects(startLedger(configOf(dataDir, settings)), { code: 'CONFIG_INVALID' });
  await refused({ anchorTsaUrl: 'http://127.0.0.1:1/' });
  writeFileSync(join(dataDir, 'keys', 'tsa-roots.pem'), 'nothing');
  await refused({ anchorTsaUrl: 'http://127.0.0.1:1/' });
  await refused({ anchorTsaUrl: 'ftp://127.0.0.1/' });
  await refused({ anchorGitDir: newFolder() });
});

test('a line for each checkpoint in a file that only grows; one that was cut is not written to', async (t) => {
  const dataDir = await newDataDir();
  const anchorFile = join(newFolder(), 'anchors.txt');
  writeFileSync(anchorFile, 'what others wrote\n');
  const ledger = await start(t, dataDir, { anchorFile });
  await append(ledger, 'a');
  await anchored(ledger, 'file', 1);
  await append(ledger, 'b');
  const { latest } = await anchored(ledger, 'file', 2);
  assert.equal(latest?.time, null);
  const lines = readFileSync(anchorFile, 'utf8').split('\n');
  assert.deepEqual([lines.length, lines[0], lines[3]], [4, 'what others wrote', '']);
  const { root, imprint } = anchorTarget((await fetchBytes(ledger, 'anchors/2/checkpoint')).toString());
  assert.ok(lines[2]?.endsWith(` ${ORIGIN} 2 ${root} ${Buffer.from(imprint).toString('hex')}`), lines.join());
  await ledger.close();
  // As after a crash between the line and its receipt.
  const folder = join(ledgerDirectory(dataDir), 'anchors');
  rmSync(join(folder, '2', 'file'));
  const [first] = readFileSync(join(folder, 'index'), 'utf8').split('\n');
  writeFileSync(join(folder, 'index'), `${first}\n`);
  const again = await start(t, dataDir, { anchorFile });
  await anchored(again, 'file', 2);
  assert.equal(readFileSync(anchorFile, 'utf8').split('\n').length, 4, 'not a second line');
  truncateSync(anchorFile, 60);
  await append(again, 'c');
  const detail = await until('the cut is seen', async () => (await sinkStatus(again, 'file')).error?.detail);
  assert.match(detail, /has shrunk from \d+ to 60 bytes/);
  assert.equal(readFileSync(anchorFile).length, 60);
});

test('a commit for each checkpoint, pushed when the remote is there', async (t) => {
  const dataDir = await newDataDir();
  const [anchorGitDir, remote] = [newRepository(), join(scratch, 'remote.git')];
  git(anchorGitDir, 'remote', 'add', 'origin', remote);
  const ledger = await start(t, dataDir, { anchorGitDir, anchorGitRemote: 'origin' });
  await append(ledger, 'a');
  await until('the push fails', async () => (await sinkStatus(ledger, 'git')).error?.detail);
  assert.equal((await sinkStatus(ledger, 'git')).latest, null, 'no receipt before it is pushed');
  await ledger.close();
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
  const again = await start(t, dataDir, { anchorGitDir, anchorGitRemote: 'origin' });
  await anchored(again, 'git', 1);
  await append(again, 'b');
  await anchored(again, 'git', 2);
  const log = git(remote, 'log', '--format=%s', 'main').trim().split('\n');
  const note = (await fetchBytes(again, 'anchors/2/checkpoint')).toString();
  const { imprint } = anchorTarget(note);
  assert.equal(log.length, 2);
  assert.equal(log[0], `${ORIGIN} 2 ${Buffer.from(imprint).toString('hex')}`);
  assert.equal(git(remote, 'show', 'main:checkpoints/ledger.example.gov_beijing'), note);
  const receipt = JSON.parse((await fetchBytes(again, 'anchors/2/git')).toString());
  assert.equal(receipt.commit, git(remote, 'rev-parse', 'main').trim());
  assert.ok(existsSync(join(anchorGitDir, '.git')));
});
