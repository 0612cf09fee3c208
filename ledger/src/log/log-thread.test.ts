import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { auditLedger } from '../audit/audit-ledger.ts';
import { generateLedgerKey } from '../ledger-key.ts';
import { type LogPlace, LogThread } from './log-thread.ts';

const ORIGIN = 'ledger.example/thread';
const scratch = mkdtempSync(join(tmpdir(), 'ledger-thread-'));
after(() => rmSync(scratch, { recursive: true }));
const texts = (count: number, name: string) => Array.from({ length: count }, (_, i) => Buffer.from(`${name} ${i}`));

async function newPlace(name: string): Promise<{ place: LogPlace; vkey: string }> {
  const keyFile = join(scratch, `${name}.key`);
  const vkey = await generateLedgerKey(keyFile, ORIGIN);
  return { place: { dir: join(scratch, name, 'ledger'), origin: ORIGIN, keyFile, nextKeyFile: '' }, vkey };
}

function startThread(place: LogPlace, fatal: unknown[] = []): Promise<LogThread> {
  return LogThread.start(place, { onSyncs: () => undefined, onFatal: (error) => fatal.push(error) });
}

test('appends, answers with the checkpoint that covers the entries, and closes when all is answered', async () => {
  const { place, vkey } = await newPlace('good');
  let syncs = 0;
  const fatal: unknown[] = [];
  const log = await LogThread.start(place, { onSyncs: (count) => (syncs += count), onFatal: (error) => fatal.push(error) });
  const syncsBefore = syncs;
  assert.equal(log.published.size, 0);
  assert.deepEqual(await log.append([...texts(300, 'a'), Buffer.from('a 3')]), {
    indexes: [...Array.from({ length: 300 }, (_, i) => i), 3],
    size: 300,
    added: 300,
  });
  assert.equal(log.published.size, 300);
  // Entry and hash tiles, a full and a partial one each, the level above, the checkpoint, and the directories.
  assert.ok(syncs - syncsBefore >= 6, `${syncs - syncsBefore} syncs`);
  await assert.rejects(startThread(place), { name: 'LedgerError', code: 'LEDGER_LOCKED' });
  await log.removeObsolete();
  const { note, ...rest } = log.published;
  const cosigned = { ...rest, note: `${note}— witness.example/w ${Buffer.alloc(76).toString('base64')}\n` };
  await log.publishCosigned(cosigned, true);
  assert.deepEqual([log.published.note, log.final?.note], [cosigned.note, cosigned.note]);
  await log.forgetFinal();
  assert.equal(log.final, null);

  const last = [log.append(texts(2, 'b')), log.append(texts(2, 'c'))];
  await log.close();
  assert.deepEqual(
    (await Promise.all(last)).map(({ indexes }) => indexes),
    [
      [300, 301],
      [302, 303],
    ],
  );
  await assert.rejects(log.append(texts(1, 'late')), { code: 'SERVICE_UNAVAILABLE' });
  assert.deepEqual(fatal, []);
  assert.deepEqual([(await auditLedger(place.dir, vkey)).ok, log.published.size], [true, 304]);

  const again = await startThread(place);
  assert.deepEqual((await again.append([Buffer.from('b 1'), Buffer.from('d')])).indexes, [301, 304]);
  await again.close();
});

test('a disk that fails refuses the append and all after it; what was answered is there after the next start', async () => {
  const { place, vkey } = await newPlace('failing');
  const log = await startThread(place);
  await log.append(texts(3, 'kept'));
  rmSync(join(place.dir, '.state', 'new'), { recursive: true });
  await assert.rejects(log.append(texts(1, 'x')), /ENOENT/);
  await assert.rejects(log.append(texts(1, 'y')), { name: 'LedgerError', code: 'SERVICE_UNAVAILABLE' });
  assert.equal(log.published.size, 3);
  await log.close();

  const again = await startThread(place);
  assert.deepEqual((await again.append([Buffer.from('kept 2'), Buffer.from('x 0')])).indexes, [2, 3]);
  await again.close();
  assert.equal((await auditLedger(place.dir, vkey)).ok, true);
});

test('a log that cannot be opened is refused by code', async () => {
  const { place } = await newPlace('closed');
  await assert.rejects(startThread({ ...place, origin: 'other.example' }), { code: 'LEDGER_KEY_INVALID' });
  mkdirSync(join(place.dir, 'tile'), { recursive: true });
  await assert.rejects(startThread(place), { code: 'LEDGER_MISSING' }, 'tiles without their database are not begun anew');
  writeFileSync(place.keyFile, 'no key', { mode: 0o600 });
  await assert.rejects(startThread(place), { code: 'LEDGER_KEY_INVALID' });
});
