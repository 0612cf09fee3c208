import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldAlert, type StorageFaultRecord } from '@airtight/protocol';
import { storageAlert } from './storage-alert.ts';

const record: StorageFaultRecord = {
  type: 'storage-fault',
  code: 'JOURNAL_UNWRITABLE',
  detail: 'records: ENOSPC',
  from: Date.UTC(2026, 0, 2, 3, 4, 5),
  until: Date.UTC(2026, 0, 4, 3, 4, 5),
};

test('a fault of the storage is an alert that began with it, is raised when it is over, and has ended', () => {
  const [raised, cleared] = storageAlert(record);
  const item = foldAlert(foldAlert(undefined, raised, 7), cleared, 8);
  assert.deepEqual(
    [item?.contract, item?.rule, item?.severity, item?.raisedAt, item?.clearedAt],
    ['sys.storage', 'JOURNAL_UNWRITABLE', 'severe', '2026-01-04T03:04:05.000Z', '2026-01-04T03:04:05.000Z'],
  );
  assert.equal(raised.since, record.from);
  for (const text of Object.values(raised.message)) assert.match(text, /2026-01-02T03:04:05.000Z.*172800.*JOURNAL_UNWRITABLE.*ENOSPC/);
  assert.deepEqual(storageAlert(record), [raised, cleared]);
  assert.notEqual(storageAlert({ ...record, from: record.from + 1 })[0].alert, raised.alert);
});
