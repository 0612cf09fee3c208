/**
 * Three regions, each with a log and a witness, over real HTTP: every log is cosigned by the other two. Then one of them
 * shows another history, and the others have it in writing.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import {
  cosignersOf,
  decodeBase64,
  type ForkEvidenceFile,
  formatEntryBundle,
  judgeFork,
  openCheckpoint,
  originHash,
  type Policy,
  parseEntryBundle,
  parsePolicy,
  parseVkey,
  type Vkey,
  verifyQuorum,
} from '@airtight/tlog';
import { auditLedger } from './audit/audit-ledger.ts';
import { resolveLedgerConfig } from './config.ts';
import type { CosigningStatus } from './cosigning/collector.ts';
import { generateLedgerKey } from './ledger-key.ts';
import { ledgerDirectory, type RunningLedger, startLedger } from './service.ts';
import { freePort } from './testing/free-port.ts';
import type { EvidenceSummary } from './witness/evidence.ts';
import { generateWitnessKey } from './witness/witness-key.ts';

const TOKEN = 'internal-token';
const NAMES = ['beijing', 'tianjin', 'hebei'] as const;
const DEADLINE_MS = 60_000;
const scratch = mkdtempSync(join(tmpdir(), 'ledger-witnessing-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let made = 0;

interface Region {
  readonly name: string;
  readonly dataDir: string;
  readonly url: string;
  readonly port: number;
  readonly logVkey: string;
  readonly witnessVkey: string;
}

/** Three data directories with keys and policies: each region asks the other two, and both must cosign. */
async function makeRegions(): Promise<[Region, Region, Region]> {
  const root = join(scratch, String(made++));
  const regions = await Promise.all(
    NAMES.map(async (name): Promise<Region> => {
      const dataDir = join(root, name);
      const keys = join(dataDir, 'keys');
      mkdirSync(keys, { recursive: true });
      writeFileSync(join(keys, 'internal.token'), `${TOKEN}\n`);
      const logVkey = await generateLedgerKey(join(keys, 'ledger.key'), `ledger.example.gov/${name}`);
      const witnessVkey = await generateWitnessKey(join(keys, 'witness.key'), `witness.example.gov/${name}`);
      // The policies name it before the service listens on it.
      const port = await freePort();
      return { name, dataDir, port, url: `http://127.0.0.1:${port}`, logVkey, witnessVkey };
    }),
  );
  for (const { name, dataDir, logVkey } of regions) {
    const others = regions.filter((other) => other.name !== name);
    const logs = others.map((other) => `log ${other.logVkey} ${other.url}`);
    const witnesses = others.map((other) => `witness ${other.name} ${other.witnessVkey} ${other.url}/witness/v0`);
    const group = `group provinces all ${others.map((other) => other.name).join(' ')}`;
    writeFileSync(join(dataDir, 'keys', 'witness-logs'), `${logs.join('\n')}\nquorum none\n`);
    writeFileSync(join(dataDir, 'keys', 'policy'), `log ${logVkey}\n${witnesses.join('\n')}\n${group}\nquorum provinces\n`);
  }
  return regions as [Region, Region, Region];
}

async function start(t: TestContext, region: Region, settings: object = {}): Promise<RunningLedger> {
  const file = {
    dataDir: region.dataDir,
    origin: `ledger.example.gov/${region.name}`,
    port: region.port,
    witnessName: `witness.example.gov/${region.name}`,
    policyFile: join(region.dataDir, 'keys', 'policy'),
    cosigningIntervalMs: 20,
    ...settings,
  };
  const ledger = await startLedger(resolveLedgerConfig(file, {}));
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await ledger.close();
  };
  t.after(close);
  return { url: ledger.url, close };
}

async function append({ url }: Region, ...texts: string[]): Promise<number> {
  const body = Buffer.from(formatEntryBundle(texts.map((text) => Buffer.from(text))));
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' };
  const response = await fetch(`${url}/entries`, { method: 'POST', headers, body });
  assert.equal(response.status, 200);
  return ((await response.json()) as { size: number }).size;
}

async function get<T>({ url }: Region, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

async function statusOf(region: Region): Promise<CosigningStatus> {
  return (await get<{ log: CosigningStatus }>(region, '/cosigning')).log;
}

async function evidenceOf(region: Region): Promise<readonly EvidenceSummary[]> {
  return (await get<{ items: EvidenceSummary[] }>(region, '/witness/v0/evidence')).items;
}

/** Waits for what must come; the time is a bound, not an expectation. */
async function until<T>(what: string, read: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await read();
    if (isThere(value)) return value;
    if (Date.now() > deadline) throw new Error(`${what}: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const untilFinal = (region: Region, size: number) =>
  until(
    `${region.name} final at ${size}`,
    () => statusOf(region),
    ({ finalSize }) => (finalSize ?? -1) >= size,
  );

function policyOf({ dataDir }: Region): Policy {
  const policy = parsePolicy(readFileSync(join(dataDir, 'keys', 'policy'), 'utf8'));
  assert.ok(policy.ok);
  return policy.value;
}

function vkeyOf({ logVkey }: Region): Vkey {
  const vkey = parseVkey(logVkey);
  assert.ok(vkey.ok);
  return vkey.value;
}

async function textAt({ url }: Region, path: string): Promise<string> {
  const response = await fetch(`${url}${path}`);
  assert.equal(response.status, 200, path);
  return response.text();
}

test('three regions cosign each other; a checkpoint is public at once and final when both others have cosigned', async (t) => {
  const regions = await makeRegions();
  const [beijing, tianjin, hebei] = regions;
  const first = await start(t, beijing);
  assert.equal((await fetch(`${beijing.url}/checkpoint.final`)).status, 404, 'nobody else is there yet');
  assert.equal(await append(beijing, 'a', 'b', 'c'), 3);
  const alone = openCheckpoint(Buffer.from(await textAt(beijing, '/checkpoint')), [vkeyOf(beijing)]);
  assert.ok(alone.ok && alone.value.size === 3, 'the log does not wait for witnesses');
  const down = await until(
    'errors are told',
    () => statusOf(beijing),
    ({ witnesses }) => witnesses.every(({ error }) => error !== null),
  );
  assert.deepEqual([down.finalSize, down.isFinal, down.quorum], [null, false, 'provinces']);

  const second = await start(t, tianjin);
  const third = await start(t, hebei);
  await untilFinal(beijing, 3);
  for (const region of regions) {
    await append(region, ...Array.from({ length: 200 }, (_, i) => `${region.name} ${i}`));
    const size = await append(region, ...Array.from({ length: 100 }, (_, i) => `${region.name} ${200 + i}`));
    const status = await untilFinal(region, size);
    assert.ok(status.witnesses.every(({ error, cosignedAt, url }) => error === null && cosignedAt !== null && url !== null));
    const note = Buffer.from(await textAt(region, '/checkpoint.final'));
    const cosigners = verifyQuorum(note, policyOf(region));
    assert.ok(cosigners.ok && cosigners.value.length === 2, JSON.stringify(cosigners));
    const opened = openCheckpoint(note, [vkeyOf(region)]);
    assert.ok(opened.ok && opened.value.size >= size);
    const info = await get<{ final: { size: number; checkpoint: string } }>(region, '/info');
    assert.equal(info.final.size, opened.value.size);
    const audit = await auditLedger(ledgerDirectory(region.dataDir), region.logVkey);
    assert.ok(audit.ok, JSON.stringify(audit.finding));
    assert.deepEqual(await evidenceOf(region), []);
  }
  const monitored = await textAt(tianjin, `/witness/v0/${originHash('ledger.example.gov/beijing')}/checkpoint`);
  const byTianjin = cosignersOf(Buffer.from(monitored), policyOf(beijing));
  assert.ok(byTianjin.ok && byTianjin.value[0]?.name === 'tianjin');
  assert.equal((await fetch(`${tianjin.url}/witness/v0/${originHash('nobody')}/checkpoint`)).status, 404);

  // What was cosigned stays cosigned over a restart without witnesses. The log itself may have grown by then: a restart enters what was cosigned for the peers.
  const before = await textAt(beijing, '/checkpoint.final');
  assert.match(before, /witness\.example\.gov\/hebei/);
  await Promise.all([first.close(), second.close(), third.close()]);
  const restarted = await start(t, beijing);
  assert.equal(await textAt(beijing, '/checkpoint.final'), before);
  assert.equal(openSize(before, beijing), 303);
  const metrics = await textAt(beijing, '/metrics');
  assert.match(metrics, /^airtight_ledger_final_size_entries 303$/m);
  await restarted.close();

  // What was final by the policy of then is not by a stricter one.
  const policyFile = join(scratch, 'stricter');
  const text = readFileSync(join(beijing.dataDir, 'keys', 'policy'), 'utf8');
  const members = `witness third ${beijing.witnessVkey}\ngroup provinces all third `;
  writeFileSync(policyFile, text.replace('group provinces all ', members));
  await start(t, beijing, { policyFile });
  assert.equal((await fetch(`${beijing.url}/checkpoint.final`)).status, 404);
  const stricter = await statusOf(beijing);
  assert.deepEqual([stricter.finalSize, stricter.isFinal, stricter.witnesses.length], [null, false, 3]);
});

function openSize(note: string, region: Region): number | string {
  const checkpoint = openCheckpoint(Buffer.from(note), [vkeyOf(region)]);
  return checkpoint.ok ? checkpoint.value.size : checkpoint.detail;
}

test('what was cosigned for others is entered in the own log', async (t) => {
  const [beijing, tianjin, hebei] = await makeRegions();
  await start(t, beijing);
  await start(t, tianjin, { peerCheckpointIntervalMs: 100 });
  await start(t, hebei);
  await append(beijing, 'a', 'b', 'c');
  await untilFinal(beijing, 3);
  const entries = await until(
    'the entry',
    async () => {
      const { size } = await get<{ size: number }>(tianjin, '/info');
      if (size === 0) return [];
      const bundle = await fetch(`${tianjin.url}/tile/entries/000.p/${size}`);
      const parsed = parseEntryBundle(new Uint8Array(await bundle.arrayBuffer()), size);
      return parsed.ok ? parsed.value.map((entry) => JSON.parse(Buffer.from(entry).toString())) : [];
    },
    (found) => found.some(({ origin, size }) => origin === 'ledger.example.gov/beijing' && size === 3),
  );
  const entry = entries.find(({ origin, size }) => origin === 'ledger.example.gov/beijing' && size === 3);
  assert.deepEqual(Object.keys(entry), ['checkpoint', 'origin', 'size', 'type', 'v']);
  assert.equal(entry.type, 'peer-checkpoint');
  assert.equal(openSize(entry.checkpoint, beijing), 3);
  const cosigners = cosignersOf(Buffer.from(entry.checkpoint), policyOf(beijing));
  assert.ok(cosigners.ok && cosigners.value.some(({ name }) => name === 'tianjin'));
});

for (const sharedSize of [13, 16]) {
  test(`a fork after ${sharedSize} entries: the others refuse, and all three keep evidence that proves it`, async (t) => {
    const [beijing, tianjin, hebei] = await makeRegions();
    await start(t, tianjin);
    await start(t, hebei);
    const honest = await start(t, beijing);
    await append(beijing, ...Array.from({ length: sharedSize - 3 }, (_, i) => `entry ${i}`));
    await untilFinal(beijing, sharedSize - 3);
    await honest.close();
    const copy = join(beijing.dataDir, '..', 'copy');
    cpSync(beijing.dataDir, copy, { recursive: true });
    const again = await start(t, beijing);
    await append(beijing, 'one history 0', 'one history 1', 'one history 2');
    await untilFinal(beijing, sharedSize);
    await again.close();

    // The same log from the copy: an old state of it, which then goes on otherwise.
    const forked = { ...beijing, dataDir: copy };
    await start(t, forked);
    const behind = await until(
      'an old copy',
      () => statusOf(forked),
      ({ witnesses }) => witnesses.every(({ error }) => error !== null),
    );
    assert.match(String(behind.witnesses[0]?.error?.detail), /is it an old copy/);
    await append(forked, ...Array.from({ length: 6 }, (_, i) => `another history ${i}`));
    const evidence = await Promise.all(
      [forked, tianjin, hebei].map((region) =>
        until(
          `evidence at ${region.name}`,
          () => evidenceOf(region),
          (items) => items.some(({ proven }) => proven !== null),
        ),
      ),
    );
    for (const [at, region] of [forked, tianjin, hebei].entries()) {
      const summary = evidence[at]?.find(({ proven }) => proven !== null) as EvidenceSummary;
      assert.deepEqual([summary.origin, summary.proven, summary.heldSize], ['ledger.example.gov/beijing', 'other-history', sharedSize]);
      const file = await get<ForkEvidenceFile>(region, `/witness/v0/evidence/${summary.id}`);
      const judged = judgeFork(
        {
          held: Buffer.from(file.held),
          offered: Buffer.from(file.offered),
          path: file.path.map((hash) => decodeBase64(hash) ?? new Uint8Array(0)),
          otherRoot: decodeBase64(file.otherRoot ?? '') ?? new Uint8Array(0),
        },
        [vkeyOf(beijing)],
      );
      assert.ok(judged.ok && judged.value === 'other-history', JSON.stringify(judged));
      const onDisk = readFileSync(join(ledgerDirectory(region.dataDir), 'witness', 'evidence', `${summary.id}.json`), 'utf8');
      assert.deepEqual(JSON.parse(onDisk), file);
    }
    const status = await statusOf(forked);
    assert.deepEqual([status.isFrozen, status.isFinal, status.finalSize], [true, false, sharedSize - 3]);
    const held = await textAt(tianjin, `/witness/v0/${originHash('ledger.example.gov/beijing')}/checkpoint`);
    assert.equal(openSize(held, beijing), sharedSize, 'the fork was not cosigned');
    const served = cosignersOf(Buffer.from(await textAt(forked, '/checkpoint')), policyOf(beijing));
    assert.ok(served.ok && served.value.length === 0);
  });
}

test('a log that is proven to have two histories makes nothing final, even where the quorum would be reached', async (t) => {
  const [beijing, tianjin, hebei] = await makeRegions();
  const policyFile = join(beijing.dataDir, 'keys', 'policy');
  writeFileSync(policyFile, readFileSync(policyFile, 'utf8').replace(' all ', ' any '));
  await start(t, tianjin);
  const honest = await start(t, beijing);
  await append(beijing, 'a', 'b', 'c');
  await untilFinal(beijing, 3);
  await honest.close();
  const copy = join(beijing.dataDir, '..', 'copy');
  cpSync(beijing.dataDir, copy, { recursive: true });
  const again = await start(t, beijing);
  await append(beijing, 'one history');
  await untilFinal(beijing, 4);
  await again.close();
  const forked = { ...beijing, dataDir: copy };
  await start(t, forked);
  await append(forked, 'another history', 'and more of it');
  await until(
    'it knows',
    () => statusOf(forked),
    ({ isFrozen }) => isFrozen,
  );
  // Hebei has never seen this log: to it, the fork is the history.
  await start(t, hebei);
  const status = await until(
    'Hebei cosigns',
    () => statusOf(forked),
    ({ witnesses }) => witnesses.some(({ name, size }) => name === 'hebei' && size === 5),
  );
  assert.deepEqual([status.isFrozen, status.finalSize, status.isFinal], [true, 3, false]);
  const note = await until(
    'its cosignature',
    () => textAt(forked, '/checkpoint'),
    (text) => text.includes('witness.example.gov/hebei'),
  );
  assert.equal(openSize(note, beijing), 5);
  assert.equal(openSize(await textAt(forked, '/checkpoint.final'), beijing), 3);
});

test('settings that cannot work are refused', async () => {
  const [region, other] = await makeRegions();
  const config = (settings: object) =>
    resolveLedgerConfig({ dataDir: region.dataDir, origin: 'ledger.example.gov/beijing', port: 0, ...settings }, {});
  await assert.rejects(startLedger(config({ policyFile: join(scratch, 'none') })), { code: 'CONFIG_INVALID' });
  await assert.rejects(startLedger(config({ witnessName: 'other.example' })), { code: 'LEDGER_KEY_INVALID' });
  const bad = join(scratch, 'bad-policy');
  writeFileSync(bad, 'quorum all\n');
  await assert.rejects(startLedger(config({ policyFile: bad })), { code: 'CONFIG_INVALID' });
  const othersPolicy = join(other.dataDir, 'keys', 'policy');
  await assert.rejects(startLedger(config({ policyFile: othersPolicy })), { code: 'CONFIG_INVALID' }, "another log's policy");
  writeFileSync(bad, `witness w ${region.witnessVkey} witness.example.gov\nquorum w\n`);
  await assert.rejects(startLedger(config({ policyFile: bad })), { code: 'CONFIG_INVALID' }, 'no address to ask');
  const name = 'witness.example.gov/beijing';
  await assert.rejects(startLedger(config({ witnessName: name, witnessLogsFile: join(scratch, 'none') })), { code: 'CONFIG_INVALID' });
  const logKey = join(region.dataDir, 'keys', 'ledger.key');
  const asWitness = { witnessName: 'ledger.example.gov/beijing', witnessKeyFile: logKey };
  await assert.rejects(startLedger(config(asWitness)), { code: 'LEDGER_KEY_INVALID' }, "a log's key does not cosign");
});
