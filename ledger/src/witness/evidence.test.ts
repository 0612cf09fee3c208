import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { signingKey } from '../log/test-key.ts';
import { DurableFiles } from '../storage/durable-files.ts';
import { nodeFileSystem } from '../storage/file-system.ts';
import { type Contradiction, type EvidenceStore, findWrongEvidence, openEvidenceStore, PROVEN_MAX, UNPROVEN_MAX } from './evidence.ts';
import { LogInMemory, numbered } from './testing.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ledger-evidence-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
let made = 0;

const key = signingKey('ledger.example/beijing', 1);
const log = new LogInMemory(key, numbered(300));
const fork = new LogInMemory(key, [...numbered(5), ...numbered(300).map((text) => `other ${text}`)]);

async function open(): Promise<{ store: EvidenceStore; files: DurableFiles }> {
  const files = new DurableFiles(nodeFileSystem, join(scratch, String(made++)));
  await files.prepare();
  return { store: await openEvidenceStore(files), files };
}

/** The fork asks for a cosignature on what the witness holds. */
function contradiction(heldSize: number, offeredSize: number): Contradiction {
  const path = fork.path(heldSize, offeredSize);
  const [held, offered] = [log.checkpoint(heldSize), fork.checkpoint(offeredSize)];
  return { origin: key.vkey.name, witness: 'witness.example', held, offered, path, detail: 'refused' };
}

test('the proof that comes with a fork proves it, unless the old size is a power of two', async () => {
  const { store, files } = await open();
  const keep = (what: Contradiction) => store.keep(what, [key.vkey], 0);
  assert.equal((await keep(contradiction(7, 7)))?.proven, 'same-size');
  assert.equal((await keep(contradiction(7, 20)))?.proven, 'other-history');
  assert.equal(await keep(contradiction(7, 20)), null, 'the same again');
  const open8 = contradiction(8, 20);
  assert.equal((await keep(open8))?.proven, null);
  assert.equal(await keep(open8), null);
  assert.equal((await keep({ ...open8, otherRoot: fork.root(8) }))?.proven, 'other-history', 'with the root from the tiles');
  assert.deepEqual(
    store.list().map(({ proven }) => proven !== null),
    [true, true, true],
  );
  assert.ok(store.isProven(key.vkey.name) && !store.isProven('other.example'));
  const again = await openEvidenceStore(files);
  assert.deepEqual(again.list(), store.list());
});

test('a wrong proof between consistent checkpoints proves nothing', async () => {
  const { store } = await open();
  const honest = { ...contradiction(7, 20), offered: log.checkpoint(20) };
  for (const path of [[], log.path(7, 20).toReversed(), fork.path(7, 20)]) {
    const kept = await store.keep({ ...honest, path }, [key.vkey], 0);
    assert.equal(kept?.proven ?? null, null);
  }
  assert.equal(store.isProven(key.vkey.name), false);
});

test('what is kept is bounded, and what proves nothing does not keep out what does', async () => {
  const { store } = await open();
  const unproven = (size: number): Contradiction => ({ ...contradiction(8, size), path: [] });
  for (let size = 9; size < 9 + UNPROVEN_MAX + 5; size++) await store.keep(unproven(size), [key.vkey], size);
  assert.equal(store.list().length, UNPROVEN_MAX);
  for (let size = 8; size < 8 + PROVEN_MAX + 5; size++) await store.keep(contradiction(7, size), [key.vkey], size);
  assert.equal(store.list().filter(({ proven }) => proven !== null).length, PROVEN_MAX);
  assert.equal(store.list()[0]?.seenAt, new Date(8 + PROVEN_MAX - 1).toISOString(), 'newest first');
});

test('a flipped bit anywhere in an evidence file is found', async () => {
  const { store, files } = await open();
  const kept = await store.keep(contradiction(7, 20), [key.vkey], 0);
  const path = `evidence/${kept?.id}.json`;
  const good = Buffer.from((await files.read(path)) ?? []);
  assert.deepEqual(await findWrongEvidence(files), []);
  for (let at = 0; at < good.length; at++) {
    const changed = Buffer.from(good);
    changed[at] = (changed[at] as number) ^ (1 << (at % 8));
    const stub = { list: async () => [`${kept?.id}.json`], read: async () => changed };
    assert.deepEqual(
      (await findWrongEvidence(stub)).map((wrong) => wrong.path),
      [path],
      `byte ${at}`,
    );
  }
});
