import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodeFileSystem } from '../storage/file-system.ts';
import { createLedger, type Ledger, loadLedger } from './ledger.ts';
import { PENDING_MAX_ENTRIES, Sequencer, type SequencerEvents } from './sequencer.ts';
import { signingKey } from './test-key.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ledger-sequencer-'));
after(() => rmSync(scratch, { recursive: true }));
const key = signingKey('ledger.example/sequencer', 5);
const silent: SequencerEvents = { onCommit: () => undefined, onFailure: () => undefined };
const text = (count: number, name: string) => Array.from({ length: count }, (_, i) => Buffer.from(`${name} ${i}`));

test('requests that come together are committed together, in order; repeats get the first index', async () => {
  const ledger = await createLedger({ dir: join(scratch, 'together'), key });
  const commits: number[] = [];
  const sequencer = new Sequencer(ledger, { ...silent, onCommit: ({ added }) => commits.push(added) });
  const answers = await Promise.all([
    sequencer.add(text(2, 'a')),
    sequencer.add(text(2, 'b')),
    sequencer.add([...text(1, 'a'), Buffer.from('c'), Buffer.from('c')]),
  ]);
  assert.deepEqual(answers, [
    { indexes: [0, 1], size: 5 },
    { indexes: [2, 3], size: 5 },
    { indexes: [0, 4, 4], size: 5 },
  ]);
  assert.deepEqual(commits, [5]);
  assert.deepEqual(await sequencer.add(text(2, 'b')), { indexes: [2, 3], size: 5 });
  assert.deepEqual(commits, [5, 0]);
  await sequencer.close();
  ledger.close();

  const again = await loadLedger({ dir: join(scratch, 'together'), key });
  assert.deepEqual((await again.append(text(2, 'b'))).indexes, [2, 3], 'after a restart too');
  again.close();
});

test('what waits is bounded; after the queue has emptied requests are taken again', async () => {
  const ledger = await createLedger({ dir: join(scratch, 'bounded'), key });
  const sequencer = new Sequencer(ledger, silent);
  const first = Array.from({ length: PENDING_MAX_ENTRIES / 256 }, (_, i) => sequencer.add(text(256, `r${i}`)));
  await assert.rejects(sequencer.add(text(1, 'one too many')), { code: 'OVERLOADED' });
  const answers = await Promise.all(first);
  assert.deepEqual(
    answers.map(({ indexes }) => indexes[0]),
    answers.map((_, at) => at * 256),
  );
  const large = Array.from({ length: 256 }, (_, i) => Buffer.alloc(65_535, `${i} `));
  const many = [sequencer.add(large), sequencer.add(large), sequencer.add(large)];
  const outcomes = await Promise.allSettled(many);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
    'bytes count too',
  );
  await sequencer.close();
  ledger.close();
});

test('closing commits what waits and takes nothing more', async () => {
  const ledger = await createLedger({ dir: join(scratch, 'closing'), key });
  const sequencer = new Sequencer(ledger, silent);
  const last = sequencer.add(text(3, 'last'));
  await sequencer.close();
  assert.deepEqual((await last).indexes, [0, 1, 2]);
  await assert.rejects(sequencer.add(text(1, 'late')), { code: 'SERVICE_UNAVAILABLE' });
  ledger.close();
});

test('a failed commit refuses all that wait, stops, and says so once', async () => {
  const dir = join(scratch, 'failing');
  const created = await createLedger({ dir, key });
  created.close();
  let broken = false;
  const fs = {
    ...nodeFileSystem,
    rename: (from: string, to: string) => (broken ? Promise.reject(new Error('EIO')) : nodeFileSystem.rename(from, to)),
  };
  const ledger: Ledger = await loadLedger({ dir, key, fs });
  const failures: unknown[] = [];
  const sequencer = new Sequencer(ledger, { ...silent, onFailure: (error) => failures.push(error) });
  await sequencer.add(text(1, 'good'));
  broken = true;
  const outcomes = await Promise.allSettled([
    sequencer.add(text(256, 'x')),
    ...Array.from({ length: 6 }, (_, i) => sequencer.add(text(256, `y${i}`))),
  ]);
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'SERVICE_UNAVAILABLE'));
  assert.match(String(failures), /^Error: EIO$/);
  assert.equal(sequencer.stopped?.code, 'SERVICE_UNAVAILABLE');
  ledger.close();
  const again = await loadLedger({ dir, key });
  assert.ok(again.published.size >= 1);
  again.close();
});
