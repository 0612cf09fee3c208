/** I4: a client of the live stream whose connection breaks again and again has every event once and in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertItem } from '@airtight/protocol';
import { readJournal } from './harness/evidence.ts';
import { startProduct } from './harness/product.ts';
import { Publisher } from './harness/publisher.ts';
import { seededRandom } from './harness/random.ts';
import { StreamClient } from './harness/stream-client.ts';
import { pause, until } from './harness/waiting.ts';

const DROPS = 100;
const CONNECTED_MAX_MS = 60;
const SEED = 20_260_301;

test(`a stream client dropped ${DROPS} times at random has every event once and in order`, async (t) => {
  const product = await startProduct();
  t.after(() => product.stop());
  const devices = [await product.enrol('resume-1'), await product.enrol('resume-2')];
  await product.untilProjected();
  const { head: since } = await product.status();
  const steady = new StreamClient(product, since);
  const unlucky = new StreamClient(product, since);
  await steady.connect();
  const publishers = devices.map((device) => new Publisher(product, device, Date.now() - 86_400_000));
  t.after(() => {
    for (const publisher of publishers) publisher.close();
    for (const client of [steady, unlucky]) client.drop();
  });
  for (const publisher of publishers) await publisher.start();

  const random = seededRandom(SEED);
  for (let drop = 0; drop < DROPS; drop++) {
    await unlucky.connect();
    await pause(random.between(0, CONNECTED_MAX_MS));
    unlucky.drop();
  }
  await unlucky.connect();
  // The numbers have grown beyond the limit of heavy pollution, so the contract speaks too.
  await until('both devices have an alert', async () => (await product.all<AlertItem>('alerts')).length >= devices.length);
  for (const publisher of publishers) await publisher.finish();
  const { head } = await product.status();
  await until('both clients reach the end', () => steady.cursor >= head && unlucky.cursor >= head);
  steady.drop();
  unlucky.drop();

  assert.equal(unlucky.connections, DROPS + 1);
  assert.deepEqual(unlucky.holes, []);
  assert.deepEqual(steady.holes, []);
  const positions = (client: StreamClient) => client.events.filter((event) => event.position < head).map((event) => event.position);
  const published = (await readJournal(product)).filter(
    ({ header, position }) => ['air', 'alerts'].includes(header.dataset) && position >= since && position < head,
  );
  assert.ok(published.length > DROPS, `${published.length} records`);
  assert.ok(published.some(({ header }) => header.dataset === 'alerts'));
  assert.deepEqual(
    positions(steady),
    published.map(({ position }) => position),
  );
  assert.deepEqual(
    unlucky.events.filter((event) => event.position < head),
    steady.events.filter((event) => event.position < head),
  );
});
