/** Cosignatures on the published checkpoints, over restarts, power cuts and a change of the log's key. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { formatNote, openCheckpoint, openNote, parseNote } from '@airtight/tlog';
import { LedgerError } from '../ledger-error.ts';
import { nodeAlgorithms } from '../signature-algorithms.ts';
import { type FileSystem, nodeFileSystem } from '../storage/file-system.ts';
import { type LedgerState, openLedgerState } from '../storage/ledger-state.ts';
import { SimulatedDisk } from '../storage/simulated-disk.ts';
import { witnessKeyOf } from '../witness/testing.ts';
import { createLedger, type Ledger, loadLedger, type PublishedCheckpoint } from './ledger.ts';
import { signingKey } from './test-key.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ledger-cosigned-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const key = signingKey('ledger.example/cosigned', 6);
const nextKey = signingKey('ledger.example/cosigned', 7);
const witness = witnessKeyOf('witness.example', 8);
const entries = (count: number, name: string) => Array.from({ length: count }, (_, i) => Buffer.from(`${name} ${i}`));

/** The published checkpoint as the collector publishes it again. */
function cosigned({ size, root, note }: PublishedCheckpoint): PublishedCheckpoint {
  const parsed = parseNote(Buffer.from(note));
  assert.ok(parsed.ok);
  const { text, textBytes, signatures } = parsed.value;
  return { size, root, note: formatNote(text, [...signatures, witness.cosign(textBytes, 1_800_000_000)]) };
}

test('cosignatures are added to the newest checkpoint only; the final one never goes back', async () => {
  const dir = join(scratch, 'newest');
  const ledger = await createLedger({ dir, key });
  await ledger.append(entries(3, 'a'));
  const at3 = cosigned(ledger.published);
  await ledger.publishCosigned(at3, false);
  assert.equal(readFileSync(join(dir, 'checkpoint'), 'utf8'), at3.note);
  assert.deepEqual([ledger.published.note, ledger.final], [at3.note, null]);
  await ledger.append(entries(3, 'b'));
  const plain6 = ledger.published;
  await ledger.publishCosigned(at3, true);
  assert.equal(readFileSync(join(dir, 'checkpoint'), 'utf8'), plain6.note, 'an older one does not replace the newest');
  assert.equal(readFileSync(join(dir, 'checkpoint.final'), 'utf8'), at3.note);
  await ledger.publishCosigned(cosigned(plain6), true);
  await ledger.publishCosigned(at3, true);
  assert.equal(ledger.final?.size, 6);
  // A commit and cosignatures at once: whichever comes first, the newest checkpoint stays.
  const [appended] = await Promise.all([ledger.append(entries(1, 'c')), ledger.publishCosigned(cosigned(plain6), true)]);
  assert.deepEqual([appended.size, ledger.published.size, ledger.final?.size], [7, 7, 6]);
  ledger.close();
  const again = await loadLedger({ dir, key });
  assert.deepEqual([again.published.size, again.final?.size, again.final?.note], [7, 6, cosigned(plain6).note]);
  await again.append(entries(2, 'd'));
  again.close();
});

test('cosignatures that are slow to be written do not replace the checkpoint of a commit that came meanwhile', async () => {
  const dir = join(scratch, 'slow');
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let isSlow = false;
  const fs: FileSystem = {
    ...nodeFileSystem,
    async replace(from, to) {
      if (isSlow && to === join(dir, 'checkpoint')) {
        isSlow = false;
        reached.resolve();
        await goOn.promise;
      }
      await nodeFileSystem.replace(from, to);
    },
  };
  const ledger = await createLedger({ dir, key, fs });
  await ledger.append(entries(3, 'a'));
  isSlow = true;
  const slow = ledger.publishCosigned(cosigned(ledger.published), true);
  await reached.promise;
  const appended = ledger.append(entries(3, 'b'));
  // A commit that did not wait for its turn would be done long before.
  const first = await Promise.race([appended.then(() => 'append'), new Promise((resolve) => setTimeout(resolve, 200, 'turn'))]);
  goOn.resolve();
  await Promise.all([slow, appended]);
  assert.equal(first, 'turn');
  assert.equal(readFileSync(join(dir, 'checkpoint'), 'utf8'), ledger.published.note);
  assert.deepEqual([ledger.published.size, ledger.final?.size], [6, 3]);
  ledger.close();
});

test('a final checkpoint that is not the log’s is refused at the start', async () => {
  const dir = join(scratch, 'tampered');
  const ledger = await createLedger({ dir, key });
  await ledger.append(entries(3, 'a'));
  await ledger.publishCosigned(cosigned(ledger.published), true);
  await ledger.append(entries(3, 'b'));
  await ledger.publishCosigned(cosigned(ledger.published), true);
  const note = String(ledger.final?.note);
  ledger.close();
  const loadWith = (content: string): Promise<string> => {
    writeFileSync(join(dir, 'checkpoint.final'), content);
    return loadLedger({ dir, key }).then(
      (loaded) => {
        loaded.close();
        return String(loaded.final?.size);
      },
      (error) => error.code,
    );
  };
  const sign = (text: string) => formatNote(text, [key.signNote(text)]);
  const [origin, , root] = note.split('\n');
  assert.equal(await loadWith(note), '6');
  assert.equal(await loadWith(note.replace('\n6\n', '\n5\n')), 'CHECKPOINT_INVALID');
  assert.equal(await loadWith(''), 'CHECKPOINT_INVALID');
  assert.equal(await loadWith(sign(`${origin}\n5\n${root}\n`)), 'LEDGER_ROOT_MISMATCH');
  assert.equal(await loadWith(sign(`${origin}\n9\n${root}\n`)), 'LEDGER_BEHIND_CHECKPOINT');
  const foreign = `other.example\n6\n${root}\n`;
  assert.equal(await loadWith(formatNote(foreign, [nextKey.signNote(foreign)])), 'CHECKPOINT_INVALID');
});

test('a key is replaced with an overlap in which both sign; without it the new key is refused', async () => {
  const dir = join(scratch, 'rotation');
  const signers = ({ note }: PublishedCheckpoint): boolean[] => {
    const opened = openNote(Buffer.from(note), [key.vkey, nextKey.vkey], nodeAlgorithms);
    assert.ok(opened.ok, JSON.stringify(opened));
    return [key, nextKey].map(({ vkey }) => opened.value.verified.some((verified) => verified.vkey === vkey));
  };
  const created = await createLedger({ dir, key });
  await created.append(entries(3, 'a'));
  await created.publishCosigned(cosigned(created.published), true);
  created.close();
  await assert.rejects(loadLedger({ dir, key: nextKey }), { code: 'CHECKPOINT_INVALID' });

  const both = await loadLedger({ dir, key, nextKey });
  assert.deepEqual(signers(both.published), [true, true], 'at once, also when nothing is appended');
  assert.equal(readFileSync(join(dir, 'checkpoint'), 'utf8'), both.published.note);
  for (const { vkey } of [key, nextKey]) {
    assert.ok(openCheckpoint(Buffer.from(both.published.note), [vkey]).ok, 'a reader who knows one of the keys is content');
  }
  await both.append(entries(300, 'b'));
  assert.deepEqual(signers(both.published), [true, true]);
  both.close();

  const alone = await loadLedger({ dir, key: nextKey });
  assert.deepEqual(signers(alone.published), [false, true]);
  assert.equal(alone.final, null, 'only the former key signed it');
  await alone.append(entries(1, 'c'));
  assert.equal(alone.published.size, 304);
  assert.deepEqual(signers(alone.published), [false, true]);
  alone.close();
  await assert.rejects(loadLedger({ dir, key }), { code: 'CHECKPOINT_INVALID' }, 'there is no way back');
});

/** Where the simulated disk keeps the log; the database file must be at its real place for loadLedger. */
const dir = join(scratch, 'simulated');

test('a power cut before every operation of publishing cosignatures leaves a log that loads', async () => {
  const run = async (operation: number, survival: 'none' | 'all') => {
    const disk = new SimulatedDisk();
    await makeParents(disk, dir);
    const before = disk.operations;
    const state = openLedgerState(':memory:');
    const kept: LedgerState = {
      read: () => state.read(),
      indexOf: (hash) => state.indexOf(hash),
      commit: (...change) => state.commit(...change),
      close: () => undefined,
    };
    const options = { dir, key, openState: () => kept };
    disk.fault = { operation: before + operation, kind: 'stop' };
    let finalSize = 0;
    try {
      const ledger: Ledger = await createLedger({ ...options, fs: disk });
      for (const count of [2, 254, 3]) {
        await ledger.append(entries(count, String(count)));
        const target = cosigned(ledger.published);
        await ledger.publishCosigned(target, false);
        await ledger.publishCosigned(target, true);
        finalSize = target.size;
      }
    } catch (error) {
      assert.match(String(error), /operation/);
    }
    const fs = disk.afterPowerCut(survival);
    const opened = await loadLedger({ ...options, fs }).catch((error) => {
      // Cut off before the log was created.
      assert.ok(error instanceof LedgerError && error.code === 'LEDGER_MISSING' && finalSize === 0, String(error));
      return undefined;
    });
    if (opened !== undefined) await checkReopened(opened, survival === 'all' ? finalSize : 0);
    state.close();
    return disk.operations - before;
  };
  await createLedger({ dir, key }).then((real) => real.close());
  const operations = await run(Number.POSITIVE_INFINITY, 'all');
  assert.ok(operations > 60, `${operations} operations`);
  for (let operation = 0; operation < operations; operation++) {
    await run(operation, 'none');
    await run(operation, 'all');
  }
});

async function checkReopened(ledger: Ledger, leastFinalSize: number): Promise<void> {
  const { published, final } = ledger;
  assert.ok(openCheckpoint(Buffer.from(published.note), [key.vkey], nodeAlgorithms).ok);
  assert.ok((final?.size ?? 0) <= published.size && (final?.size ?? 0) >= leastFinalSize);
  await ledger.append(entries(1, 'after'));
  await ledger.publishCosigned(cosigned(ledger.published), true);
  assert.equal(ledger.final?.size, ledger.published.size);
}

async function makeParents(disk: SimulatedDisk, path: string): Promise<void> {
  const parents: string[] = [];
  for (let at = dirname(path); at !== '/'; at = dirname(at)) parents.unshift(at);
  for (const parent of parents) {
    await disk.makeDirectory(parent);
    await (await disk.openDirectory(dirname(parent))).sync();
  }
}
