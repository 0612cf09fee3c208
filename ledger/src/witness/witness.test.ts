/** The witness over HTTP, with a clock that stands still: the shared vectors, every status, races, and power cuts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { formatAddCheckpoint, formatNote, formatVkey, makeVkey, monitoringPath, openNote, parseCheckpoint } from '@airtight/tlog';
import Fastify from 'fastify';
import { auditWitness } from '../audit/audit-witness.ts';
import { addWitnessRoutes } from '../http/witness-routes.ts';
import { signingKey } from '../log/test-key.ts';
import { createMetrics } from '../metrics.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { DurableFiles } from '../storage/durable-files.ts';
import { type FileSystem, nodeFileSystem } from '../storage/file-system.ts';
import { type Fault, SimulatedDisk, type Survival } from '../storage/simulated-disk.ts';
import { openCosignedCheckpoints } from './cosigned-checkpoints.ts';
import { type Contradiction, openEvidenceStore } from './evidence.ts';
import { type KnownLog, type KnownLogs, parseKnownLogs } from './known-logs.ts';
import { LogInMemory, numbered, witnessKeyOf } from './testing.ts';
import { Witness } from './witness.ts';

const VECTORS = new URL('../../../../shared/vectors/ledger-vectors.json', import.meta.url);
const vectors = readVectors();
const skip = vectors === undefined ? 'shared/vectors/ledger-vectors.json is not there' : false;
/** The time of the vectors' cosignatures. */
const NOW_MS = 1_767_225_600_000;

const scratch = mkdtempSync(join(tmpdir(), 'ledger-witness-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let made = 0;

const logKey = signingKey('ledger.example.gov/beijing', 1);
const key = witnessKeyOf('witness.example.gov/tianjin', 2);
const knownLogs = parseKnownLogs(`log ${formatVkey(logKey.vkey)}\nquorum none\n`);
const log = new LogInMemory(logKey, numbered(600));
const origin = logKey.vkey.name;

// biome-ignore lint/suspicious/noExplicitAny: the file has a shape of its own for every key
function readVectors(): any {
  try {
    return JSON.parse(readFileSync(VECTORS, 'utf8'));
  } catch {
    return undefined;
  }
}

interface Opened {
  readonly witness: Witness;
  readonly contradictions: Contradiction[];
  readonly failures: unknown[];
}

interface Clocks {
  readonly nowMs?: () => number;
  readonly monotonicMs?: () => number;
}

async function open(fs: FileSystem, dir: string, logs: KnownLogs = knownLogs, isNewKey = true, clocks: Clocks = {}): Promise<Opened> {
  const files = new DurableFiles(fs, dir);
  await files.prepare();
  const contradictions: Contradiction[] = [];
  const failures: unknown[] = [];
  const witness = new Witness({
    key,
    logs,
    cosigned: await openCosignedCheckpoints(files, key, logs, isNewKey),
    nowMs: () => NOW_MS,
    monotonicMs: () => performance.now(),
    ...clocks,
    onContradiction: async (contradiction: Contradiction, _log: KnownLog) => {
      contradictions.push(contradiction);
    },
    onFailure: (error) => failures.push(error),
  });
  return { witness, contradictions, failures };
}

/** Served on loopback until the test ends. */
async function serve(t: TestContext, witness: Witness): Promise<string> {
  const server = Fastify({ forceCloseConnections: true });
  const metrics = createMetrics({ size: () => 0, pending: () => 0, finalSize: () => 0, anchorLags: () => [] });
  const files = new DurableFiles(nodeFileSystem, join(scratch, String(made++)));
  addWitnessRoutes(server, { witness, evidence: await openEvidenceStore(files), policy: null }, metrics);
  t.after(() => server.close());
  return `${await server.listen({ host: '127.0.0.1', port: 0 })}/witness/v0`;
}

async function post(url: string, body: string | Uint8Array, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', headers, body: Buffer.from(body) });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

const newDirectory = () => join(scratch, String(made++));

test('the shared vectors: requests, statuses, and answers to the byte', { skip }, async (t) => {
  const { witness } = await open(nodeFileSystem, newDirectory());
  const url = await serve(t, witness);
  const protocol = vectors.witness_protocol;
  assert.equal((await fetch(`${url}/${protocol.monitoring_path_for_this_origin}`)).status, 404, 'never cosigned');
  for (const name of ['add_checkpoint_0_to_7', 'add_checkpoint_7_to_300', 'stale_old_size_after_that', 'add_checkpoint_300_again']) {
    const { request, status, content_type: type, response, response_for_witness1_at_time_1767225600: cosignature } = protocol[name];
    const answer = await post(url, request);
    assert.equal(answer.status, status, name);
    if (type !== undefined) assert.deepEqual([answer.type, answer.body], [type, response], name);
    if (cosignature !== undefined) assert.equal(answer.body, cosignature, name);
  }
  const served = await fetch(`${url}/${protocol.monitoring_path_for_this_origin}`);
  const lines = vectors.cosigned_checkpoint.signed.split('\n').slice(0, -2);
  assert.equal(await served.text(), `${lines.join('\n')}\n`, "the log's and the witness's signature");
  for (const { checkpoint, what } of vectors.must_reject) {
    assert.notEqual((await post(url, `old 300\n\n${checkpoint}`)).status, 200, what);
  }
  for (const { checkpoint, what } of vectors.must_accept) assert.equal((await post(url, `old 300\n\n${checkpoint}`)).status, 200, what);
});

test('every refusal of the specification', async (t) => {
  const { witness, contradictions } = await open(nodeFileSystem, newDirectory());
  const url = await serve(t, witness);
  const statusOf = async (body: string | Uint8Array) => (await post(url, body)).status;
  const stranger = new LogInMemory(signingKey('ledger.example.gov/nobody', 9), numbered(9));
  const impostor = new LogInMemory(signingKey(origin, 9), numbered(9));
  const fork = new LogInMemory(logKey, [...numbered(6), ...numbered(600).map((text) => `other ${text}`)]);
  assert.equal(await statusOf(stranger.request(0, 9)), 404);
  assert.equal(await statusOf(impostor.request(0, 9)), 403, 'no signature of a known key');
  assert.equal(await statusOf(`old 0\n\n${log.checkpoint(9).replace('\n9\n', '\n8\n')}`), 403, 'a known key signed another text');
  assert.equal(await statusOf(log.request(0, 7)), 200);

  const malformed = ['', 'old 7', 'old 7\n', 'old 7\n\n', `old 07\n\n${log.checkpoint(7)}`, `old -1\n\n${log.checkpoint(7)}`];
  const hash = 'A'.repeat(43);
  malformed.push(`new 7\n\n${log.checkpoint(7)}`, `old 7\nAAAA\n\n${log.checkpoint(7)}`, `old 7\n${hash}=x\n\n${log.checkpoint(7)}`);
  malformed.push(`old 7\n${`${hash}=\n`.repeat(64)}\n${log.checkpoint(8)}`, `old 9007199254740993\n\n${log.checkpoint(7)}`);
  malformed.push(`old 8\n\n${log.checkpoint(7)}`);
  for (const body of malformed) assert.equal(await statusOf(body), 400, JSON.stringify(body.slice(0, 60)));
  assert.equal(await statusOf(Buffer.alloc(200_000, 'a')), 413, 'a body is bounded');

  for (const [old, size] of [
    [0, 9],
    [6, 9],
    [8, 9],
    [0, 7],
  ] as const) {
    assert.deepEqual(await post(url, log.request(old, size)), { status: 409, type: 'text/x.tlog.size', body: '7\n' });
  }
  const wrong = [
    formatAddCheckpoint({ oldSize: 7, path: [], note: log.checkpoint(9) }),
    formatAddCheckpoint({ oldSize: 7, path: [...log.path(7, 9), Buffer.alloc(32)], note: log.checkpoint(9) }),
    formatAddCheckpoint({ oldSize: 7, path: log.path(7, 9).toReversed(), note: log.checkpoint(9) }),
    formatAddCheckpoint({ oldSize: 7, path: [Buffer.alloc(32)], note: log.checkpoint(7) }),
  ];
  for (const body of wrong) assert.equal(await statusOf(body), 422);
  assert.equal(contradictions.length, 3, 'a superfluous hash between equal trees contradicts nothing');
  assert.equal(await statusOf(fork.request(7, 7)), 422, 'same size, other root');
  assert.equal(await statusOf(fork.request(7, 9)), 422, 'other history');
  assert.equal(contradictions.length, 5);

  const empty = `${origin}\n0\n${'A'.repeat(43)}=\n`;
  assert.equal(await statusOf(`old 0\n\n${formatNote(empty, [logKey.signNote(empty)])}`), 422, 'the empty tree has one root');
  assert.equal(await statusOf(log.request(7, 9)), 200, 'the log itself goes on');
});

test('a proof for an empty old tree is empty', async (t) => {
  const { witness } = await open(nodeFileSystem, newDirectory());
  const url = await serve(t, witness);
  const body = formatAddCheckpoint({ oldSize: 0, path: [Buffer.alloc(32)], note: log.checkpoint(9) });
  assert.equal((await post(url, body)).status, 422);
});

test('any media type, or none, will do', async (t) => {
  const { witness } = await open(nodeFileSystem, newDirectory());
  const url = await serve(t, witness);
  for (const [at, type] of ['text/plain; charset=utf-8', 'application/json', 'application/octet-stream', 'x/y'].entries()) {
    assert.equal((await post(url, log.request(at, at + 1), { 'content-type': type })).status, 200, type);
  }
  assert.equal((await post(url, log.request(4, 5))).status, 200);
});

test('32 updates at once never take a log back', async (t) => {
  const dir = newDirectory();
  const { witness } = await open(nodeFileSystem, dir);
  const url = await serve(t, witness);
  const order: { oldSize: number; size: number }[] = [];
  let known = 0;
  const client = async (step: number): Promise<void> => {
    for (let round = 0; round < 6; round++) {
      const oldSize = known;
      const size = oldSize + 1 + ((step * 7 + round) % 5);
      const answer = await post(url, log.request(oldSize, size));
      if (answer.status === 200) order.push({ oldSize, size });
      else assert.ok([409, 429].includes(answer.status), answer.body);
      known = Math.max(known, answer.status === 409 ? Number(answer.body) : answer.status === 200 ? size : 0);
    }
  };
  await Promise.all(Array.from({ length: 32 }, (_, step) => client(step)));
  assert.ok(order.length >= 6);
  order.sort((a, b) => a.size - b.size);
  for (const [at, { oldSize }] of order.entries()) assert.equal(oldSize, order[at - 1]?.size ?? 0, 'one line of sizes, no branch');
  const last = order.at(-1)?.size;
  assert.equal(witness.latest(origin)?.size, last);
  assert.equal((await open(nodeFileSystem, dir, knownLogs, false)).witness.latest(origin)?.size, last, 'as it stands on disk');
});

test('one log may ask for so many cosignatures; repeats within a second cost none', async () => {
  // Its time stands still: what a second gives back must not depend on how many a machine makes in one.
  const { witness } = await open(nodeFileSystem, newDirectory(), knownLogs, true, { monotonicMs: () => 0 });
  const statuses: number[] = [];
  for (let size = 1; size <= 200 && !statuses.includes(429); size++)
    statuses.push((await witness.addCheckpoint(log.request(size - 1, size))).status);
  assert.equal(statuses.at(-1), 429);
  const size = witness.latest(origin)?.size ?? 0;
  assert.equal(size, 100);
  assert.equal((await witness.addCheckpoint(log.request(size, size))).status, 200, 'a repeat needs no write');
});

test('a later repeat has a fresh time', async () => {
  let nowMs = NOW_MS;
  const { witness } = await open(nodeFileSystem, newDirectory(), knownLogs, true, { nowMs: () => nowMs });
  const first = await witness.addCheckpoint(log.request(0, 7));
  nowMs += 60_000;
  const second = await witness.addCheckpoint(log.request(7, 7));
  assert.ok(first.status === 200 && second.status === 200);
  const times = [first, second].map(({ cosignatures }) => {
    const opened = openNote(Buffer.from(log.checkpoint(7) + cosignatures), [key.vkey], nodeAlgorithms);
    return opened.ok ? opened.value.verified[0]?.time : opened.code;
  });
  assert.deepEqual(times, [NOW_MS / 1000, NOW_MS / 1000 + 60]);
});

test('two keys of one origin are one log: either may sign', async () => {
  const next = signingKey(origin, 8);
  const logs = parseKnownLogs(`log ${formatVkey(logKey.vkey)}\nlog ${formatVkey(next.vkey)} https://x.example/\nquorum none\n`);
  const { witness } = await open(nodeFileSystem, newDirectory(), logs);
  assert.equal((await witness.addCheckpoint(log.request(0, 7))).status, 200);
  assert.equal((await witness.addCheckpoint(new LogInMemory(next, numbered(9)).request(7, 9))).status, 200);
  assert.throws(() => parseKnownLogs('log x\nquorum none\n'), { code: 'CONFIG_INVALID' });
});

test('a memory that is lost or was changed is refused; a new key may take over what is there', async () => {
  const dir = newDirectory();
  const { witness } = await open(nodeFileSystem, dir);
  await witness.addCheckpoint(log.request(0, 7));
  const reopened = await open(nodeFileSystem, dir, knownLogs, false);
  assert.equal((await reopened.witness.addCheckpoint(log.request(0, 9))).status, 409);
  await assert.rejects(open(nodeFileSystem, newDirectory(), knownLogs, false), { code: 'WITNESS_STATE_INVALID' });
  const files = new DurableFiles(nodeFileSystem, dir);
  const next = witnessKeyOf('witness.example.gov/tianjin', 12);
  assert.equal((await openCosignedCheckpoints(files, next, knownLogs, true)).latest(origin)?.size, 7);
  const path = monitoringPath(origin);
  const good = Buffer.from((await files.read(path)) ?? []);
  for (const damaged of [good.subarray(0, -1), Buffer.alloc(0), Buffer.from(String(good).replace('\n7\n', '\n6\n'))]) {
    await files.write([{ path, bytes: damaged }]);
    await assert.rejects(open(nodeFileSystem, dir, knownLogs, false), { code: 'WITNESS_STATE_INVALID' });
  }
  await files.write([
    { path, bytes: good },
    { path: 'vkeys', bytes: Buffer.from(`${formatVkey(makeVkey('x', 4, key.vkey.publicKey))}\n`) },
  ]);
  await assert.rejects(open(nodeFileSystem, dir, knownLogs, false), { code: 'WITNESS_STATE_INVALID' });
});

test('the audit names a cosigned checkpoint and an evidence file that were changed', async () => {
  const dir = newDirectory();
  mkdirSync(dir);
  const files = new DurableFiles(nodeFileSystem, join(dir, 'witness'));
  const { witness, contradictions } = await open(nodeFileSystem, join(dir, 'witness'));
  await witness.addCheckpoint(log.request(0, 7));
  await witness.addCheckpoint(new LogInMemory(logKey, numbered(600).toReversed()).request(7, 9));
  const kept = await (await openEvidenceStore(files)).keep(contradictions[0] as Contradiction, [logKey.vkey], NOW_MS);
  assert.equal(kept?.proven, 'other-history');
  assert.deepEqual(await auditWitness(dir), []);
  const cosigned = String(await files.read(monitoringPath(origin)));
  const flipped = cosigned.replace(/(— ledger\S+ \S{20})(.)/, (_, before, at) => `${before}${at === 'A' ? 'B' : 'A'}`);
  await files.write([{ path: monitoringPath(origin), bytes: Buffer.from(flipped) }]);
  assert.equal((await auditWitness(dir, [logKey.vkey])).length, 1, "the log's signature, where its key is known");
  await assert.rejects(open(nodeFileSystem, join(dir, 'witness'), knownLogs, false), { code: 'WITNESS_STATE_INVALID' });
  await files.write([{ path: monitoringPath(origin), bytes: Buffer.from(cosigned) }]);
  for (const path of ['vkeys', monitoringPath(origin), `evidence/${kept?.id}.json`]) {
    const good = Buffer.from((await files.read(path)) ?? []);
    const changed = Buffer.from(good);
    changed[30] = (changed[30] as number) ^ 1;
    await files.write([{ path, bytes: changed }]);
    const findings = await auditWitness(dir);
    const isNamed = findings.some(({ file, code }) => file === `witness/${path}` && code === 'WITNESS_STATE_INVALID');
    assert.ok(isNamed, JSON.stringify(findings));
    await files.write([{ path, bytes: good }]);
  }
});

const UPDATES: readonly number[] = [0, 3, 7, 7, 64, 300];
const DISK_DIRECTORY = '/witness';

interface Run {
  readonly disk: SimulatedDisk;
  /** Largest size for which a cosignature was given out. */
  given: number;
  readonly statuses: number[];
}

/** Cosigns one checkpoint after the other until the fault ends it. */
async function runUntil(fault: Fault | undefined): Promise<Run> {
  const run: Run = { disk: new SimulatedDisk(), given: 0, statuses: [] };
  run.disk.fault = fault;
  let nowMs = NOW_MS;
  try {
    const { witness } = await open(run.disk, DISK_DIRECTORY, knownLogs, true, { nowMs: () => nowMs });
    for (const size of UPDATES) {
      nowMs += 1000;
      const answer = await witness.addCheckpoint(log.request(run.given, size));
      run.statuses.push(answer.status);
      if (answer.status === 200) run.given = size;
    }
  } catch (error) {
    assert.match(String(error), /operation|disk (is )?full/);
  }
  return run;
}

/** What a witness remembers after a power cut, and that it goes on from there. */
async function checkAfterPowerCut(run: Run, survival: Survival, what: string): Promise<void> {
  const disk = run.disk.afterPowerCut(survival);
  const { witness } = await open(disk, DISK_DIRECTORY, knownLogs, true);
  const remembered = witness.latest(origin)?.size ?? 0;
  assert.ok(remembered >= run.given, `${what}: cosigned ${run.given}, remembers ${remembered}`);
  assert.ok(remembered === 0 || UPDATES.includes(remembered), what);
  if (run.given > 0) assert.equal((await witness.addCheckpoint(log.request(0, 600))).status, 409, what);
  const goes = await witness.addCheckpoint(log.request(remembered, 600));
  assert.equal(goes.status, 200, what);
  const note = Buffer.from((await disk.read(`${DISK_DIRECTORY}/${monitoringPath(origin)}`)) ?? []);
  const opened = openNote(note, [key.vkey, logKey.vkey], nodeAlgorithms);
  const checkpoint = opened.ok ? parseCheckpoint(opened.value.text) : opened;
  assert.ok(checkpoint.ok && checkpoint.value.size === 600, what);
}

test('a power cut before every operation: no cosignature is given that is not remembered', async () => {
  const { disk, given } = await runUntil(undefined);
  assert.equal(given, 300);
  assert.ok(disk.operations > 30, `${disk.operations} operations`);
  let seed = 1;
  const some = (chance: number): boolean => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647 < chance;
  };
  for (let operation = 0; operation < disk.operations; operation++) {
    for (const survival of ['none', 'all', some] as const) {
      await checkAfterPowerCut(await runUntil({ operation, kind: 'stop' }), survival, `stop at ${operation}`);
    }
  }
});

test('EIO, ENOSPC and short writes at every operation', async () => {
  const { operations } = (await runUntil(undefined)).disk;
  for (const kind of ['EIO', 'ENOSPC', 'short'] as const) {
    for (let operation = 0; operation < operations; operation++) {
      const run = await runUntil({ operation, kind });
      const what = `${kind} at ${operation}: ${run.statuses}`;
      if (kind === 'short') assert.equal(run.given, 300, what);
      await checkAfterPowerCut(run, operation % 2 === 0 ? 'none' : 'all', what);
    }
  }
});

test('after a failed write a witness answers no more; after a full disk it does', async () => {
  const disk = new SimulatedDisk();
  const { witness, failures } = await open(disk, DISK_DIRECTORY);
  assert.equal((await witness.addCheckpoint(log.request(0, 3))).status, 200);
  disk.fault = { operation: disk.operations, kind: 'ENOSPC' };
  assert.equal((await witness.addCheckpoint(log.request(3, 7))).status, 503);
  assert.deepEqual(failures, []);
  assert.equal((await witness.addCheckpoint(log.request(3, 7))).status, 200);
  disk.fault = { operation: disk.operations, kind: 'EIO' };
  assert.equal((await witness.addCheckpoint(log.request(7, 9))).status, 503);
  assert.equal(failures.length, 1);
  assert.equal((await witness.addCheckpoint(log.request(7, 9))).status, 503);
});
