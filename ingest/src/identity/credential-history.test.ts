import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CREDENTIALS_MAX, type Credential, type DeviceRecord, isValidAt, toDeviceRecord } from '@airtight/protocol';
import { endCredentials, withCredentials } from './credential-history.ts';

const NOW = 1_800_000_000_000;
const password = (id: string, more: Partial<Credential> = {}): Credential =>
  ({ id, kind: 'password', hash: `hash of ${id}`, validFrom: NOW, ...more }) as Credential;
const key = (id: string, more: Partial<Credential> = {}): Credential =>
  ({ id, kind: 'signing-ed25519', publicKey: id, validFrom: NOW, ...more }) as Credential;

function rotated(list: readonly Credential[], fresh: readonly Credential[], now = NOW, overlapMs = 1000): readonly Credential[] {
  const outcome = withCredentials(list, fresh, now, overlapMs);
  assert.ok(outcome.ok);
  return outcome.value;
}

test('a new credential lets the old one of its kind end after the overlap, and touches no other kind', () => {
  const list = rotated([password('a'), key('k')], [password('b')]);
  assert.deepEqual(list, [password('a', { validTo: NOW + 1000 }), key('k'), password('b')]);
  assert.equal(isValidAt(list[0] as Credential, NOW + 999), true);
  assert.equal(isValidAt(list[0] as Credential, NOW + 1000), false);
});

test('rotated again within the overlap, the oldest ends at once: two count at most, and its hash is gone', () => {
  const list = rotated(rotated([password('a')], [password('b')]), [password('c', { validFrom: NOW + 10 })], NOW + 10);
  assert.deepEqual(
    list.map(({ id, validTo }) => [id, validTo]),
    [
      ['a', NOW + 10],
      ['b', NOW + 1010],
      ['c', undefined],
    ],
  );
  assert.equal((list[0] as { hash: string }).hash, '');
});

test('ended credentials stay ended when they were', () => {
  const list = [password('old', { validTo: NOW - 5 }), password('a'), key('k')];
  assert.deepEqual(
    endCredentials(list, NOW).map(({ validTo }) => validTo),
    [NOW - 5, NOW, NOW],
  );
  assert.deepEqual(
    endCredentials(list, NOW, ({ id }) => id === 'a').map(({ validTo }) => validTo),
    [NOW - 5, NOW, undefined],
  );
});

test('the list is bounded: passwords that ended long ago leave, signing keys stay; a key comes once', () => {
  let list: readonly Credential[] = [key('k', { validTo: NOW - 1 })];
  for (let i = 0; i < CREDENTIALS_MAX + 20; i++) list = rotated(list, [password(`p${i}`, { validFrom: NOW + i })], NOW + i, 0);
  assert.equal(list.length, CREDENTIALS_MAX);
  assert.deepEqual([list[0]?.id, list[1]?.id, list.at(-1)?.id], ['k', 'p21', `p${CREDENTIALS_MAX + 19}`]);
  const keys = Array.from({ length: CREDENTIALS_MAX }, (_, i) => key(`k${i}`));
  assert.equal(withCredentials(keys, [password('p')], NOW, 0).ok, false);
  assert.equal(withCredentials([key('k')], [key('k')], NOW, 0).ok, false);
});

test('a device of the first version has its secret as a password that was always valid', () => {
  const first = { type: 'device', producer: 'p', secretHash: 'scrypt$1', simulated: false, revoked: false } as unknown as DeviceRecord;
  const device = toDeviceRecord(first);
  assert.deepEqual(device.credentials, [{ id: 'first', kind: 'password', hash: 'scrypt$1', validFrom: 0 }]);
  assert.equal('secretHash' in device, false);
  assert.equal(toDeviceRecord(device), device);
});
