import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AirtightError } from '@airtight/protocol';
import { type StorageFault, StorageHealth } from '../storage/storage-health.ts';
import { FaultyDisk } from './faulty-disk.ts';
import { Journal } from './journal.ts';
import { scanSegment, segmentPath } from './segment.ts';

const root = mkdtempSync(join(tmpdir(), 'write-faults-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

function open() {
  const dir = join(root, String(folders++));
  const disk = new FaultyDisk();
  const faults: StorageFault[] = [];
  const cleared: StorageFault[] = [];
  const health = new StorageHealth({ onFault: (fault) => faults.push(fault), onCleared: (fault) => cleared.push(fault) });
  return { dir, disk, faults, cleared, health, journal: Journal.open(dir, { disk, health }) };
}

const text = (body: Buffer | null): string | undefined => body?.toString('utf8', 1);

async function failures(disk: FaultyDisk, count: number): Promise<void> {
  while (disk.failed < count) await delay(5);
}

for (const errno of ['ENOSPC', 'EIO']) {
  for (const leavesBytes of [0, 5, 30, 45, 10_000]) {
    test(`${errno} after ${leavesBytes} bytes: the flush lasts until the group is written whole, once`, async () => {
      const { dir, disk, faults, cleared, health, journal } = open();
      journal.append('a', Buffer.from('first'), 0);
      await journal.flush();
      Object.assign(disk, { errno, leavesBytes });
      journal.append('b', Buffer.alloc(20, 98), 0);
      journal.append('c', Buffer.alloc(20, 99), 0);
      let flushed = false;
      const flushing = journal.flush().then(() => {
        flushed = true;
      });
      await failures(disk, 2);
      journal.append('d', Buffer.from('meanwhile'), 0);
      assert.equal(flushed, false);
      assert.equal(journal.committed, 1);
      assert.match(health.fault?.detail ?? '', new RegExp(`: ${errno}$`));
      assert.equal(health.fault?.code, 'JOURNAL_UNWRITABLE');
      disk.errno = undefined;
      await flushing;
      await journal.flush();
      assert.equal(journal.committed, 4);
      assert.equal(health.fault, undefined);
      assert.equal(faults.length, 1, 'told once');
      assert.equal(cleared.length, 1);
      journal.close();
      const scan = scanSegment(readFileSync(segmentPath(dir, 0)));
      assert.equal(scan.fault, undefined);
      assert.equal(scan.offsets.length, 4);
      const again = Journal.open(dir);
      assert.deepEqual(
        [0, 1, 2, 3].map((position) => text(again.read(position))?.slice(0, 6)),
        ['afirst', 'bbbbbb', 'cccccc', 'dmeanw'],
      );
      again.close();
    });
  }
}

test('a process that ends while the disk is full leaves a journal that opens, with nothing that was acknowledged missing', async () => {
  const { dir, disk, journal } = open();
  journal.append('a', Buffer.from('first'), 0);
  await journal.flush();
  Object.assign(disk, { errno: 'ENOSPC', leavesBytes: 3 });
  journal.append('b', Buffer.from('second'), 0);
  const flushing = journal.flush();
  await failures(disk, 1);
  journal.close();
  await assert.rejects(flushing, /closed/);
  const again = Journal.open(dir);
  assert.equal(again.committed, 1);
  again.close();
});

test('after an error of the disk the file is opened anew, and a committed record that is gone is told, not passed over', async () => {
  const { dir, disk, journal } = open();
  journal.append('a', Buffer.from('first'), 0);
  await journal.flush();
  const opened = disk.opened.length;
  disk.errno = 'EIO';
  journal.append('b', Buffer.from('second'), 0);
  const flushing = journal.flush();
  await failures(disk, 1);
  const path = segmentPath(dir, 0);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(12) ^ 1, 12);
  writeFileSync(path, bytes);
  disk.errno = undefined;
  await assert.rejects(flushing, (error: unknown) => error instanceof AirtightError && error.code === 'JOURNAL_CORRUPT');
  assert.ok(disk.opened.slice(opened).includes(path));
  assert.throws(() => journal.append('c', Buffer.from('third'), 0), 'nothing is taken any more');
  journal.close();
});

test('an error that waiting does not mend ends the journal at once', async () => {
  const { disk, journal, health } = open();
  disk.errno = 'EBADF';
  journal.append('a', Buffer.from('first'), 0);
  await assert.rejects(journal.flush(), /EBADF/);
  await assert.rejects(journal.flush(), /EBADF/);
  assert.equal(health.fault, undefined);
  journal.close();
});
