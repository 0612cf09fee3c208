import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatasetDefinition, DatasetRegistry, type DeviceRecord } from '@airtight/protocol';
import { DeviceRegistry } from './device-registry.ts';
import { filterCovers, maySubscribe, publishTarget, sparkplugTarget } from './grants.ts';

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

const datasets = new DatasetRegistry();
const registry = new DeviceRegistry();
for (const other of ['s2', 's3', 's4'])
  registry.set({ ...device, producer: other, ...(other === 's2' ? {} : { gateway: 's1' }), revoked: other === 's4' });
const mayPublish = (topic: string): boolean => publishTarget(device, topic, registry, datasets) !== null;

test('a device publishes as itself alone', () => {
  assert.deepEqual(publishTarget(device, 'v1/bj/air/s1', registry, datasets), { agency: 'bj', dataset: 'air', producer: 's1' });
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
  assert.deepEqual(publishTarget(device, 'v1/bj/air/s3', registry, datasets), { agency: 'bj', dataset: 'air', producer: 's3' });
  for (const topic of ['v1/bj/air/s4', 'v1/bj/coldchain/s3', 'v1/tj/air/s3', 'v1/bj/air/unknown'])
    assert.equal(mayPublish(topic), false, topic);
});

test('a network server publishes for its LoRaWAN devices on its own topics', () => {
  const codec: DatasetDefinition['codec'] = { form: 'tlv', entries: [{ tag: '01', bytes: 1, values: [] }] };
  const title = { zh: '一', en: 'one' };
  const own = new DatasetRegistry();
  own.define(0, { type: 'dataset', dataset: 'indoor', title, cadenceMs: 1, properties: {}, codec });
  const devices = new DeviceRegistry();
  const behind = { ...device, gateway: 's1' };
  devices.set({ ...behind, producer: 'hall', datasets: ['air', 'indoor'], foreignId: 'lorawan:24e124136b502217' });
  devices.set({ ...behind, producer: 'attic', foreignId: 'ttn:air@gov/attic-1' });
  devices.set({ ...behind, producer: 'two', datasets: ['air', 'water'], foreignId: 'ttn:air@gov/two' });
  devices.set({ ...behind, producer: 'foreign', gateway: 'other', foreignId: 'ttn:air@gov/foreign' });
  devices.set({ ...behind, producer: 'gone', revoked: true, foreignId: 'ttn:air@gov/gone' });
  const target = (topic: string) => publishTarget(device, topic, devices, own);
  assert.deepEqual(target('application/7f1c/device/24E124136B502217/event/up'), { agency: 'bj', dataset: 'indoor', producer: 'hall' });
  assert.deepEqual(target('v3/air@gov/devices/attic-1/up'), { agency: 'bj', dataset: 'air', producer: 'attic' });
  for (const topic of [
    'application/7f1c/device/24e124136b502218/event/up',
    'application/7f1c/device/24e124136b502217/event/join',
    'application/7f1c/device/24e124136b502217/event/up/x',
    'v3/air/devices/attic-1/up',
    'v3/air@gov/devices/attic-1/join',
    'v3/air@gov/devices/two/up',
    'v3/air@gov/devices/foreign/up',
    'v3/air@gov/devices/gone/up',
  ])
    assert.equal(target(topic), null, topic);
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

test('a Sparkplug edge node publishes as itself and for the devices behind it, and listens to its commands', () => {
  const edge: DeviceRecord = { ...device, producer: 'edge', foreignId: 'sparkplug:g/e', datasets: ['air', 'coldchain'] };
  const behind: DeviceRecord = { ...device, producer: 'd', foreignId: 'sparkplug:g/e/d', gateway: 'edge', datasets: ['coldchain'] };
  const known = new DeviceRegistry();
  known.set(edge);
  known.set(behind);
  known.set({ ...behind, producer: 'gone', foreignId: 'sparkplug:g/e/gone', revoked: true });
  known.set({ ...behind, producer: 'alien', foreignId: 'sparkplug:g/e/alien', gateway: 'another' });
  assert.deepEqual(sparkplugTarget(edge, 'spBv1.0/g/NDATA/e', known), { agency: 'bj', dataset: 'air', producer: 'edge' });
  assert.deepEqual(sparkplugTarget(edge, 'spBv1.0/g/DDATA/e/d', known), { agency: 'bj', dataset: 'coldchain', producer: 'd' });
  for (const topic of ['spBv1.0/g/NDATA/f', 'spBv1.0/h/NDATA/e', 'spBv1.0/g/NCMD/e', 'spBv1.0/g/DCMD/e/d', 'spBv1.0/STATE/airtight'])
    assert.equal(sparkplugTarget(edge, topic, known), null, topic);
  for (const id of ['gone', 'alien', 'unknown']) assert.equal(sparkplugTarget(edge, `spBv1.0/g/DDATA/e/${id}`, known), null, id);
  assert.equal(sparkplugTarget(behind, 'spBv1.0/g/DDATA/e/d', known), null, 'a device speaks through its edge node');
  assert.equal(sparkplugTarget(device, 'spBv1.0/g/NDATA/e', known), null, 'no edge node');
  for (const filter of ['spBv1.0/g/NCMD/e', 'spBv1.0/g/NCMD/e/#', 'spBv1.0/g/DCMD/e/#', 'spBv1.0/STATE/airtight'])
    assert.equal(maySubscribe(edge, filter), true, filter);
  for (const filter of ['spBv1.0/#', 'spBv1.0/g/NCMD/+', 'spBv1.0/g/NDATA/e', 'spBv1.0/g/DCMD/f/#'])
    assert.equal(maySubscribe(edge, filter), false, filter);
  assert.equal(maySubscribe(behind, 'spBv1.0/g/DCMD/e/d'), false);
});
