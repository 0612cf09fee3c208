/**
 * Three regions, as `airtight regions` runs them: each cosigns the other two, and a proof of one convinces whoever asks for
 * two of three witnesses. Then one of them signs another history: the others refuse it and keep what convicts it, and all
 * three raise an alert.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePorts } from '@airtight/ledger/testing/free-port.ts';
import type { AlertItem, LatestItem, LedgerDetail, ObservationItem, RegionAlertItem } from '@airtight/protocol';
import { cosignersOf, decodeBase64, judgeFork, originHash, parsePolicy, parseVkey, readCheckpoint } from '@airtight/tlog';
import { childrenOf, isAlive } from './harness/processes.ts';
import { airtight, root } from './harness/programs.ts';
import { Hopeless, until } from './harness/waiting.ts';

const REGIONS = ['beijing', 'tianjin', 'hebei'] as const;
type Name = (typeof REGIONS)[number];
/** Ports of the command: ten from one region to the next, four of each. */
const PORT_STEP = 10;
const START_DEADLINE_MS = 240_000;

const folder = mkdtempSync(join(tmpdir(), 'airtight-regions-'));
const commonPolicy = join(folder, 'policy');
let firstPort = 0;
let demo: ChildProcess;
let output = '';

before(async () => {
  [firstPort = 0] = await freePorts(REGIONS.flatMap((_, region) => [0, 1, 2, 3].map((port) => region * PORT_STEP + port)));
  const size = ['--stations', '2', '--fridges', '1'];
  const args = ['cli/src/main.ts', 'regions', '--data', folder, '--port', String(firstPort), ...size, '--lang', 'en'];
  demo = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [demo.stdout, demo.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(
    'the regions cosign each other',
    () => {
      if (demo.exitCode !== null) throw new Hopeless(output);
      return output.includes('Ctrl-C');
    },
    START_DEADLINE_MS,
  );
});
after(async () => {
  demo?.kill('SIGINT');
  await until('the regions stop', () => demo.exitCode !== null || demo.signalCode !== null);
  rmSync(folder, { recursive: true, force: true });
});

async function get<T>(region: Name, path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${firstPort + REGIONS.indexOf(region) * PORT_STEP}${path}`);
  if (!response.ok) throw new Error(`${region} ${path}: ${response.status} ${await response.text()}`);
  return (response.headers.get('content-type')?.includes('json') ? response.json() : response.text()) as Promise<T>;
}

const ledgerOf = (region: Name) => get<LedgerDetail>(region, '/api/v1/ledger');

interface Verdict {
  readonly ok: boolean;
  readonly steps: readonly { readonly step: string; readonly ok: boolean; readonly code: string | null }[];
  readonly cosigners: readonly { readonly name: string }[];
}

/** What `airtight verify` says of a record's bundle under a policy, as somebody offline. */
async function verify(region: Name, record: string, policy: string): Promise<Verdict> {
  const file = join(folder, `${region}-${record}.airtight-proof.json`);
  writeFileSync(file, JSON.stringify(await get(region, `/api/v1/records/${record}/proof`)));
  const { stdout, stderr } = await airtight(['verify', file, '--policy', policy, '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Verdict;
}

async function someRecord(region: Name): Promise<string> {
  const { items } = await get<{ items: LatestItem[] }>(region, '/api/v1/latest');
  assert.ok(items[0], `${region} has readings`);
  return items[0].record;
}

const failedSteps = ({ steps }: Verdict) => steps.filter(({ ok }) => !ok).map(({ step, code }) => `${step}: ${code}`);

test('each region is cosigned by the other two, and everybody can see it', async () => {
  for (const region of REGIONS) {
    const others = REGIONS.filter((other) => other !== region);
    const ledger = await until(`${region} has two witnesses`, async () => {
      const detail = await ledgerOf(region);
      return detail.witnesses.every(({ cosignedAt, error }) => cosignedAt !== null && error === null) && detail;
    });
    assert.deepEqual(ledger.witnesses.map(({ name }) => name).sort(), [...others].sort());
    assert.deepEqual([ledger.isFrozen, ledger.evidence], [false, []]);
    assert.deepEqual(
      ledger.ownWitness?.logs.map(({ origin }) => origin).sort(),
      others.map((other) => `ledger.example.gov/${other}`).sort(),
    );
    const final = await get<string>(region, '/ledger/checkpoint.final');
    const policy = parsePolicy(readFileSync(commonPolicy, 'utf8'));
    assert.ok(policy.ok);
    const cosigners = cosignersOf(Buffer.from(final), policy.value);
    assert.ok(cosigners.ok);
    assert.deepEqual(cosigners.value.map(({ name }) => name).sort(), [...others].sort());
  }
});

test('a proof of Beijing verifies under a policy that asks for two of three witnesses', async () => {
  const record = await someRecord('beijing');
  const verdict = await until('the record is under a final checkpoint', async () => {
    const answer = await verify('beijing', record, commonPolicy);
    return answer.ok && answer;
  });
  assert.deepEqual(verdict.cosigners.map(({ name }) => name).sort(), ['hebei', 'tianjin']);
  const own = await verify('beijing', record, join(folder, 'beijing', 'keys', 'policy'));
  assert.ok(own.ok, JSON.stringify(own));
});

test('Tianjin forks: refused, kept as evidence that convicts it, and an alert of the highest severity in all three regions', async () => {
  const origin = 'ledger.example.gov/tianjin';
  const monitoring = `/witness/v0/${originHash(origin)}/checkpoint`;
  const fork = await airtight(['regions', '--data', folder, '--fork', 'tianjin', '--lang', 'en']);
  assert.equal(fork.code, 0, `${fork.stdout}${fork.stderr}\n${output}`);
  const vkey = parseVkey(readFileSync(join(folder, 'tianjin', 'keys', 'ledger.vkey'), 'utf8').trim());
  assert.ok(vkey.ok);
  const honest = readCheckpoint(readFileSync(join(folder, 'tianjin', 'ledger.honest', 'checkpoint.final')));
  assert.ok(honest.ok);
  for (const region of REGIONS) {
    const alerts = await until(`the alert in ${region}`, async () => {
      const { items } = await get<{ items: AlertItem[] }>(region, '/api/v1/alerts');
      const forks = items.filter(({ contract }) => contract === 'sys.ledger-fork');
      return forks.length > 0 && forks;
    });
    // One for each checkpoint that is contradicted; the two witnesses of Tianjin may hold two.
    assert.ok(alerts.length <= (region === 'tianjin' ? 2 : 1), JSON.stringify(alerts));
    assert.deepEqual([alerts[0]?.severity, alerts[0]?.subject, alerts[0]?.state], ['extreme', origin, 'unacknowledged']);
    const id = String(alerts[0]?.values['evidence']);
    const file = await get<{ held: string; offered: string; path: string[]; otherRoot: string | null }>(
      region,
      `/witness/v0/evidence/${id}`,
    );
    const bytes = (text: string) => decodeBase64(text) ?? new Uint8Array(0);
    const judged = judgeFork(
      {
        held: Buffer.from(file.held),
        offered: Buffer.from(file.offered),
        path: file.path.map(bytes),
        ...(file.otherRoot === null ? {} : { otherRoot: bytes(file.otherRoot) }),
      },
      [vkey.value],
    );
    assert.ok(judged.ok, `${region}: ${JSON.stringify(judged)}`);
  }
  const forked = await until('Tianjin is frozen', async () => {
    const ledger = await ledgerOf('tianjin');
    return ledger.isFrozen && ledger;
  });
  assert.equal(forked.finalSize, null);
  for (const region of ['beijing', 'hebei'] as const) {
    const held = readCheckpoint(Buffer.from(await get<string>(region, monitoring)));
    assert.ok(held.ok && held.value.size >= honest.value.size);
    assert.notDeepEqual(held.value.root, decodeBase64(forked.root), 'the fork is not cosigned');
  }
});

test('the regions told each other of it, signed, and it is proven there when enough witnesses have cosigned', async () => {
  for (const [sender, receiver] of [
    ['beijing', 'hebei'],
    ['hebei', 'beijing'],
  ] as const) {
    const received = await until(`${receiver} hears of it from ${sender}`, async () => {
      const { items } = await get<{ items: RegionAlertItem[] }>(receiver, '/api/v1/region-alerts');
      // Tianjin, one of the two witnesses, was away while it began to fork: an alert does not wait for it, its proof follows.
      return items.find(({ region, contract, verified }) => region === sender && contract === 'sys.ledger-fork' && verified);
    });
    assert.deepEqual([received.severity, received.keyName, received.messages.length], ['extreme', `alerts.example.gov/${sender}`, 1]);
    assert.equal(received.messages[0]?.proof, 'verified');
  }
});

test('what the forked region shows convinces nobody; the others go on', async () => {
  const [, first = Number.NaN, last = Number.NaN] = (/batch of records #(\d+) to #(\d+)/.exec(output) ?? []).map(Number);
  const { items } = await get<{ items: ObservationItem[] }>('tianjin', '/api/v1/observations?limit=10000');
  const rewritten = items.find(({ record }) => Number(record) >= first && Number(record) <= last);
  const untouched = items.find(({ record }) => Number(record) < first || Number(record) > last);
  assert.ok(rewritten && untouched, output);
  assert.deepEqual(failedSteps(await verify('tianjin', rewritten.record, commonPolicy)), [
    'ledger: PROOF_MISMATCH',
    'witnesses: QUORUM_NOT_MET',
  ]);
  assert.deepEqual(failedSteps(await verify('tianjin', untouched.record, commonPolicy)), ['witnesses: QUORUM_NOT_MET']);
  const { finalSize } = await ledgerOf('beijing');
  await until('Beijing becomes final further on', async () => ((await ledgerOf('beijing')).finalSize ?? 0) > (finalSize ?? 0));
});

test('Ctrl-C ends all of it', async () => {
  const children = [...childrenOf(demo.pid ?? 0).keys()];
  assert.equal(children.length, 2 * REGIONS.length, 'the services and the devices of each region');
  const processes = [...children, ...children.flatMap((pid) => [...childrenOf(pid).keys()])];
  demo.kill('SIGINT');
  await until('it stops', () => demo.exitCode !== null);
  assert.equal(demo.exitCode, 0, output);
  await until('nothing of it is left', () => !processes.some(isAlive));
});
