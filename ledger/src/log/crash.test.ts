/**
 * A fault at every single operation: power cut, EIO, ENOSPC, short write. After each the log is loaded again and held
 * against what was answered. The database is SQLite itself; its commits are atomic, so a power cut comes before or
 * after one.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  ED25519,
  entryBundlePath,
  makeVkey,
  openCheckpoint,
  parseEntryBundle,
  rootFromTiles,
  rootOfLeafHashes,
  TILE_WIDTH,
  type TileSource,
  tilePath,
  tilesForSize,
} from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import type { LedgerKey } from '../ledger-key.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { type LedgerState, openLedgerState } from '../storage/ledger-state.ts';
import { type Fault, SimulatedDisk, type Survival } from '../storage/simulated-disk.ts';
import { createLedger, type Ledger, loadLedger } from './ledger.ts';
import { leafHashesOf } from './right-edge.ts';
import { nodeSha256 } from './sha256.ts';
import { signingKey } from './test-key.ts';

const key: LedgerKey = signingKey('ledger.example/test', 1);
/** Only its name counts, but loadLedger looks for the database file at its real place. */
const dir = mkdtempSync(join(tmpdir(), 'ledger-crash-'));
mkdirSync(join(dir, '.state'));
writeFileSync(join(dir, '.state', 'ledger.sqlite'), '');
after(() => rmSync(dir, { recursive: true }));

/** A tile begun, filled up to one short, completed and passed, and two tiles completed at once. */
const COMMITS: readonly number[] = [2, 253, 3, 1, 511];
const entry = (index: number) => Buffer.from(`entry ${index}`);

/** The database outlives a power cut; its commits are operations of the disk like any other. */
class DurableState implements LedgerState {
  readonly #state: LedgerState;
  disk: SimulatedDisk;
  isFull = false;

  constructor(disk: SimulatedDisk) {
    this.#state = openLedgerState(':memory:');
    this.disk = disk;
  }
  read() {
    return this.#state.read();
  }
  indexOf(leafHash: Uint8Array) {
    return this.#state.indexOf(leafHash);
  }
  commit(...args: Parameters<LedgerState['commit']>) {
    try {
      if (this.isFull) throw Object.assign(new Error('disk full'), { code: 'ENOSPC' });
      this.disk.step();
    } catch (error) {
      // SQLite rolls back and says so when the disk is full.
      throw (error as { code?: string }).code === 'ENOSPC' ? Object.assign(new Error('disk full'), { errcode: 13 }) : error;
    }
    this.#state.commit(...args);
    this.disk.step();
  }
  close() {
    // The database stays open for the next start.
  }
  end() {
    this.#state.close();
  }
}

interface Run {
  readonly disk: SimulatedDisk;
  readonly state: DurableState;
  /** Entries that were answered, with their index. */
  readonly answered: Map<number, string>;
  /** Checkpoints that were seen by writers. */
  readonly notes: string[];
}

async function openOrCreate(disk: SimulatedDisk, state: DurableState): Promise<Ledger> {
  state.disk = disk;
  const options = { dir, key, fs: disk, openState: () => state };
  return createLedger(options).catch((error) => {
    if (error instanceof LedgerError && error.code === 'LEDGER_EXISTS') return loadLedger(options);
    throw error;
  });
}

function newDisk(): SimulatedDisk {
  const directory = () => ({ entries: new Map(), synced: new Map() });
  const root = directory();
  let node = root;
  for (const name of tmpdirParts()) {
    const child = directory();
    node.entries.set(name, child);
    node.synced.set(name, child);
    node = child;
  }
  return new SimulatedDisk(root);
}

function tmpdirParts(): string[] {
  return dir.split('/').slice(1, -1);
}

/** Appends until the fault ends it. */
async function runUntil(fault: Fault | undefined): Promise<Run> {
  const disk = newDisk();
  disk.fault = fault;
  const run: Run = { disk, state: new DurableState(disk), answered: new Map(), notes: [] };
  try {
    const ledger = await openOrCreate(disk, run.state);
    let next = 0;
    for (const count of COMMITS) {
      const entries = Array.from({ length: count }, (_, i) => entry(next + i));
      const { indexes, size } = await ledger.append(entries);
      for (const [at, index] of indexes.entries()) run.answered.set(index, String(entries[at]));
      assert.equal(ledger.published.size, size);
      run.notes.push(ledger.published.note);
      next += count;
      await ledger.removeObsolete();
    }
  } catch (error) {
    assert.match(String(error), /operation|disk (is )?full/);
  }
  return run;
}

/** Everything that tlog-tiles asks for is there and right, and every answered entry is in it. */
async function checkLog({ answered, notes }: Run, disk: SimulatedDisk, ledger: Ledger): Promise<void> {
  const file = async (path: string): Promise<Uint8Array> => {
    const bytes = await disk.read(join(dir, path));
    assert.ok(bytes, path);
    return bytes;
  };
  const { size, root, note } = ledger.published;
  assert.equal(String(await file('checkpoint')), note);
  const checkpoint = openCheckpoint(Buffer.from(note), [key.vkey], nodeAlgorithms);
  assert.ok(checkpoint.ok && checkpoint.value.size === size);
  const entries: Uint8Array[] = [];
  const levels: Uint8Array[] = [];
  for (const { level, index, width } of tilesForSize(size)) {
    if (level === 0) {
      const bundle = parseEntryBundle(await file(entryBundlePath(index, width)), width);
      assert.ok(bundle.ok);
      entries.push(...bundle.value);
    }
    levels[level] = Buffer.concat([levels[level] ?? new Uint8Array(0), await file(tilePath(level, index, width))]);
  }
  const leaves = leafHashesOf(entries);
  assert.ok(Buffer.from(levels[0] ?? new Uint8Array(0)).equals(leaves));
  assert.deepEqual(Buffer.from(rootOfLeafHashes(leaves, nodeSha256)), Buffer.from(root));
  const source: TileSource = { read: file };
  assert.deepEqual(Buffer.from(await rootFromTiles(source, size, nodeSha256)), Buffer.from(root));
  for (const [index, text] of answered) assert.equal(String(entries[index]), text, `answered entry ${index}`);
  for (const earlier of notes) {
    const opened = openCheckpoint(Buffer.from(earlier), [key.vkey], nodeAlgorithms);
    assert.ok(opened.ok && opened.value.size <= size, 'a published checkpoint is not taken back');
    const prefix = rootOfLeafHashes(leaves.subarray(0, opened.value.size * 32), nodeSha256);
    assert.deepEqual(Buffer.from(prefix), Buffer.from(opened.value.root), 'the log extends every published checkpoint');
  }
}

/** Partial tiles go once the full one is there: what a crash left of them goes at the next start. */
async function checkObsolete(disk: SimulatedDisk, { published: { size } }: Ledger): Promise<void> {
  for (const { level, index, width } of tilesForSize(size)) {
    if (width < TILE_WIDTH) continue;
    for (const path of [tilePath(level, index), ...(level === 0 ? [entryBundlePath(index)] : [])]) {
      assert.deepEqual(await disk.list(join(dir, `${path}.p`)), [], path);
    }
  }
}

/** Starts again on what a power cut left, checks, appends, checks again. */
async function restart(run: Run, survival: Survival, recoveryFault?: number): Promise<void> {
  let disk = run.disk.afterPowerCut(survival);
  if (recoveryFault !== undefined) {
    disk.fault = { operation: recoveryFault, kind: 'stop' };
    await openOrCreate(disk, run.state).catch((error) => assert.match(String(error), /stopped/));
    disk = disk.afterPowerCut(survival);
  }
  const ledger = await openOrCreate(disk, run.state);
  await checkLog(run, disk, ledger);
  await checkObsolete(disk, ledger);
  const again = entry(0);
  const { indexes } = await ledger.append([again, Buffer.from('after the fault')]);
  assert.equal(indexes[0], 0, 'sent again, or the first of all');
  await ledger.removeObsolete();
  await checkLog(run, disk, ledger);
}

/** Deterministic choices. */
function seeded(seed: number): (chance: number) => boolean {
  let state = seed + 1;
  return (chance) => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 < chance;
  };
}

const operations = (await runUntil(undefined)).disk.operations;

test('without a fault everything is answered and right', async () => {
  assert.ok(operations > 60, `${operations} operations`);
  const run = await runUntil(undefined);
  assert.equal(
    run.answered.size,
    COMMITS.reduce((sum, count) => sum + count),
  );
  await restart(run, 'all');
});

for (const survival of ['none', 'all', 'some'] as const) {
  test(`power cut before every operation; of the unsynced changes survive: ${survival}`, async () => {
    for (let operation = 0; operation < operations; operation++) {
      const run = await runUntil({ operation, kind: 'stop' });
      await restart(run, survival === 'some' ? seeded(operation) : survival);
      run.state.end();
    }
  });
}

test('power cut, and a second one while recovering', async () => {
  for (let operation = 0; operation < operations; operation += 1) {
    const run = await runUntil({ operation, kind: 'stop' });
    await restart(run, operation % 2 === 0 ? 'none' : seeded(operation), operation % 17);
    run.state.end();
  }
});

for (const kind of ['EIO', 'ENOSPC'] as const) {
  test(`${kind} at every operation: nothing is answered that is not kept, and nothing more is taken`, async () => {
    for (let operation = 0; operation < operations; operation++) {
      const run = await runUntil({ operation, kind });
      await restart(run, operation % 2 === 0 ? 'none' : 'all');
      run.state.end();
    }
  });
}

test('short writes are completed', async () => {
  for (let operation = 0; operation < operations; operation++) {
    const run = await runUntil({ operation, kind: 'short' });
    assert.equal(run.answered.size, 770, 'a short write is no failure');
    run.state.end();
  }
});

test('a full database answers OVERLOADED and goes on; any other failure stops the log', async () => {
  const disk = newDisk();
  const state = new DurableState(disk);
  const ledger = await openOrCreate(disk, state);
  await ledger.append([entry(0)]);
  state.isFull = true;
  await assert.rejects(ledger.append([entry(1)]), { code: 'OVERLOADED' });
  assert.deepEqual(await disk.list(join(dir, '.state', 'new')), [], 'nothing of it is left on the full disk');
  state.isFull = false;
  assert.equal((await ledger.append([entry(1)])).indexes[0], 1);
  disk.fault = { operation: disk.operations + 3, kind: 'EIO' };
  await assert.rejects(ledger.append([entry(2)]), /EIO/);
  await assert.rejects(ledger.append([entry(3)]), { code: 'SERVICE_UNAVAILABLE' });
});

test('a log that is not what its checkpoint says is refused', async () => {
  const load = async (tamper: (disk: SimulatedDisk) => void): Promise<string> => {
    const run = await runUntil(undefined);
    tamper(run.disk);
    return loadLedger({ dir, key, fs: run.disk, openState: () => run.state }).then(
      () => 'loaded',
      (error) => `${error.code} ${error.detail}`,
    );
  };
  const flip = (path: string, at: number) => (disk: SimulatedDisk) =>
    disk.tamper(join(dir, path), (bytes) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));
  const remove = (path: string) => (disk: SimulatedDisk) => disk.tamper(join(dir, path), () => null);
  assert.equal(await load(() => undefined), 'loaded');
  assert.match(await load(flip('checkpoint', 0)), /^CHECKPOINT_INVALID checkpoint/);
  assert.match(await load(flip('checkpoint', 30)), /^CHECKPOINT_INVALID checkpoint/);
  assert.match(await load(flip('tile/0/003.p/2', 5)), /^LEDGER_TILE_MISMATCH tile\/0\/003\.p\/2/);
  assert.match(await load(flip('tile/entries/003.p/2', 5)), /^LEDGER_TILE_MISMATCH tile\/entries\/003\.p\/2/);
  assert.match(await load(flip('tile/1/000.p/3', 70)), /^LEDGER_TILE_MISMATCH tile\/1\/000\.p\/3/);
  assert.match(await load(flip('tile/1/000.p/1', 0)), /^LEDGER_ROOT_MISMATCH/);
  assert.equal(await load(remove('tile/0/003.p/2')), 'loaded', 'the last commit can be written again');
  assert.equal(await load(remove('checkpoint')), 'loaded');

  const other = makeVkey(key.vkey.name, ED25519, signingKey('x', 2).vkey.publicKey);
  const run = await runUntil(undefined);
  const options = { dir, key: { ...key, vkey: other }, fs: run.disk, openState: () => run.state };
  await assert.rejects(loadLedger(options), { code: 'CHECKPOINT_INVALID' });
});

test('an old copy of the database does not go back behind what was published', async () => {
  const disk = newDisk();
  const old = new DurableState(disk);
  const first = await openOrCreate(disk, old);
  await first.append([entry(0)]);
  const forked = new DurableState(disk);
  const before = old.read();
  assert.ok(before);
  forked.commit(null, before, []);
  await first.append([entry(1)]);
  await assert.rejects(loadLedger({ dir, key, fs: disk, openState: () => forked }), { code: 'LEDGER_BEHIND_CHECKPOINT' });
});
