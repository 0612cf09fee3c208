import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceRecord } from '@airtight/protocol';
import { filterCovers, mayPublish, maySubscribe } from './grants.ts';

const device: DeviceRecord = {
  type: 'device',
  producer: 's1',
  agency: 'bj',
  kind: 'air-station',
  name: { zh: '一', en: 'one' },
  datasets: ['air'],
  subscribe: ['v1/bj/live/+/s2'],
  secretHash: '',
  simulated: false,
  revoked: false,
};

test('a device publishes as itself alone', () => {
  assert.equal(mayPublish(device, 'v1/bj/air/s1'), true);
  for (const topic of [
    'v1/bj/air/s2',
    'v1/tj/air/s1',
    'v1/bj/coldchain/s1',
    'v1/bj/live/s1',
    'v1/bj/air/s1/receipt',
    'v1/bj/sys.devices/s1',
    'x',
  ]) {
    assert.equal(mayPublish(device, topic), false, topic);
  }
});

test('a device hears its own receipts and what it was granted', () => {
  assert.equal(maySubscribe(device, 'v1/bj/air/s1/receipt'), true);
  assert.equal(maySubscribe(device, 'v1/bj/live/air/s2'), true);
  for (const filter of ['#', 'v1/#', 'v1/bj/live/#', 'v1/bj/live/+/+', 'v1/bj/air/s2/receipt', '$SYS/#'])
    assert.equal(maySubscribe(device, filter), false, filter);
});

test('a filter covers those it contains', () => {
  assert.equal(filterCovers('#', 'a/b'), true);
  assert.equal(filterCovers('a/#', 'a'), true);
  assert.equal(filterCovers('a/+', 'a/#'), false);
  assert.equal(filterCovers('a/+', 'a/+'), true);
  assert.equal(filterCovers('a/b', 'a/+'), false);
  assert.equal(filterCovers('a', 'a/b'), false);
});
