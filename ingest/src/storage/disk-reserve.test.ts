import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskReserve } from './disk-reserve.ts';
import { type StorageFault, StorageHealth } from './storage-health.ts';

/** As it is now: the type checker takes a getter for a constant. */
const faultOf = (health: StorageHealth): StorageFault | undefined => health.fault;

test('below the reserve nothing is taken; somewhat above it taking goes on; the worst fault of the time is told at its end', async () => {
  const events: string[] = [];
  const tell = (kind: string) => (fault: StorageFault) => void events.push(`${kind} ${fault.code} ${fault.since}`);
  let now = 5;
  const health = new StorageHealth({ onFault: tell('fault'), onCleared: tell('cleared') }, () => now++);
  let free = 1001;
  const reserve = new DiskReserve('/', 1000, health, async () => free);
  await reserve.look();
  assert.equal(faultOf(health), undefined);
  free = 999;
  await reserve.look();
  assert.equal(faultOf(health)?.code, 'DISK_RESERVE_REACHED');
  assert.equal(health.unwritable, false, 'our own control data still has room');
  free = 1050;
  await reserve.look();
  assert.notEqual(faultOf(health), undefined, 'at the edge it does not go on and off');
  health.stalled('records', 'ENOSPC');
  assert.equal(health.unwritable, true);
  health.stalled('batches', 'ENOSPC');
  assert.equal(faultOf(health)?.detail, 'records: ENOSPC, batches: ENOSPC');
  health.resumed('records');
  health.resumed('batches');
  assert.equal(faultOf(health)?.code, 'DISK_RESERVE_REACHED');
  free = 1100;
  await reserve.look();
  assert.equal(faultOf(health), undefined);
  assert.deepEqual(events, [
    'fault DISK_RESERVE_REACHED 5',
    'fault JOURNAL_UNWRITABLE 5',
    'fault JOURNAL_UNWRITABLE 5',
    'fault JOURNAL_UNWRITABLE 5',
    'fault DISK_RESERVE_REACHED 5',
    'cleared JOURNAL_UNWRITABLE 5',
  ]);
});

test('a disk that does not answer, or is gone, changes nothing: failing writes tell', async () => {
  const health = new StorageHealth({ onFault: () => assert.fail('no fault'), onCleared: () => assert.fail('no fault') });
  const reserve = new DiskReserve('/', 1000, health, () => Promise.reject(new Error('EIO')));
  await reserve.look();
  assert.equal(faultOf(health), undefined);
});

test('the free space of a real disk is asked for at the start', async () => {
  const health = new StorageHealth({ onFault: () => undefined, onCleared: () => undefined });
  const reserve = new DiskReserve('/', 1_000_000_000_000_000, health);
  await reserve.start();
  reserve.stop();
  assert.match(faultOf(health)?.detail ?? '', /^\d+ bytes free; the reserve is 1000000000000000$/);
});
