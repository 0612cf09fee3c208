import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceRecord } from '@airtight/protocol';
import { DeviceRegistry } from './device-registry.ts';
import { filterCovers, maySubscribe, publishTarget } from './grants.ts';

const device: DeviceRecord = {
  type: 'device',
  producer: 's1',
  agency: 'bj',
  kind: 'air-station',
  name: { zh: '一', en: 'one' },
  datasets: ['air'],
  subscribe: ['v1/bj/live/+/s2'],
  credentials: [],
  simulated: false,
  revoked: false,
};

const registry = new DeviceRegistry();
for (const other of ['s2', 's3', 's4'])
  registry.set({ ...device, producer: other, ...(other === 's2' ? {} : { gateway: 's1' }), revoked: other === 's4' });
const mayPublish = (topic: string): boolean => publishTarget(device, topic, registry) !== null;

test('a device publishes as itself alone', () => {
  assert.deepEqual(publishTarget(device, 'v1/bj/air/s1', registry), { agency: 'bj', dataset: 'air', producer: 's1' });
  for (const topic of [
    'v1/bj/air/s2',
    'v1/tj/air/s1',
    'v1/bj/coldchain/s1',
    'v1/bj/live/s1',
    'v1/bj/air/s1/receipt',
    'v1/bj/sys.devices/s1',
    'x',
  ]) {
    assert.equal(mayPublish(topic), false, topic);
  }
});

test('a gateway publishes as the devices behind it too, while they are not revoked', () => {
  assert.deepEqual(publishTarget(device, 'v1/bj/air/s3', registry), { agency: 'bj', dataset: 'air', producer: 's3' });
  for (const topic of ['v1/bj/air/s4', 'v1/bj/coldchain/s3', 'v1/tj/air/s3', 'v1/bj/air/unknown'])
    assert.equal(mayPublish(topic), false, topic);
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
