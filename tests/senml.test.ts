/** SenML (RFC 8428) on the whole way: published by mosquitto_pub, read back as observations. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ObservationItem } from '@airtight/protocol';
import { mosquittoPub } from './harness/mosquitto.ts';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { has } from './harness/programs.ts';

let product: Product;

before(async () => {
  product = await startProduct();
});
after(async () => {
  await product?.stop();
});

async function publish(device: Device, pack: string): Promise<void> {
  const { code, stderr } = await mosquittoPub(product, device, device.topic, ['-m', pack]);
  assert.equal(code, 0, stderr);
}

test('a pack with base fields comes back as one observation a record', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const device = await product.enrol('senml-1');
  const pack = '[{"bn":"urn:dev:ow:1:","bt":1735689600,"bu":"ug/m3","n":"pm25","v":35.5},{"n":"pm10","v":80},{"n":"pm25","t":60,"v":36}]';
  for (let round = 0; round < 2; round++) await publish(device, pack);
  await product.untilProjected();
  const observations = await product.all<ObservationItem>('observations', { producer: device.producer });
  assert.deepEqual(
    observations
      .map(({ phenomenonTime, observedProperty, result, unit }) => `${phenomenonTime} ${observedProperty} ${result} ${unit}`)
      .sort(),
    ['2025-01-01T00:00:00.000Z pm10 80 ug/m3', '2025-01-01T00:00:00.000Z pm25 35.5 ug/m3', '2025-01-01T00:01:00.000Z pm25 36 ug/m3'],
    'published twice, stored once',
  );
});

test('a device without a clock that measures the same value twice has two observations, at the times of receipt', async (t) => {
  if (!has(t, 'mosquitto_pub')) return;
  const device = await product.enrol('senml-2');
  for (let round = 0; round < 2; round++) await publish(device, '[{"n":"pm25","u":"ug/m3","v":12}]');
  await product.untilProjected();
  const observations = await product.all<ObservationItem>('observations', { producer: device.producer });
  assert.equal(observations.length, 2);
  for (const { phenomenonTime, receivedAt, result, flags } of observations) {
    assert.equal(phenomenonTime, receivedAt);
    assert.deepEqual([result, flags], [12, []]);
  }
});
