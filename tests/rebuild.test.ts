/** I3: a store that is built again from the journal answers every query with the same bytes, and comes to the same alerts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertItem } from '@airtight/protocol';
import { type Device, type Product, startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { publishAll } from './harness/publisher.ts';
import { until } from './harness/waiting.ts';

const HOUR_MS = 3_600_000;
const QUARTER_MS = 900_000;
/** Midnight in Beijing, some days ago: the same hours whenever the test runs. */
const START_MS = Math.floor((Date.now() - 10 * 86_400_000) / 86_400_000) * 86_400_000;

/** Three days of hours with an episode of heavy pollution on the second one, and a correction of its last hour. */
function airReadings(): object[] {
  const hours = Array.from({ length: 72 }, (_, hour) => ({
    id: `air-${hour}`,
    t: START_MS + hour * HOUR_MS,
    m: { pm25: hour >= 24 && hour < 40 ? 180 + hour : 20 + (hour % 24), pm10: 60 + hour, o3: 80, no2: 30.5, so2: 8, co: 0.7 },
  }));
  return [...hours, { id: 'air-39-corrected', t: START_MS + 39 * HOUR_MS, m: { pm25: 160, pm10: { v: 90, u: 'ug/m3', q: 'N' } } }];
}

/** Two days of a fridge that is warm for eleven hours and cold for two. */
function fridgeReadings(): object[] {
  const temperature = (quarter: number) => {
    if (quarter >= 40 && quarter < 84) return 9.4;
    if (quarter >= 120 && quarter < 128) return -0.9;
    return 4.6;
  };
  return Array.from({ length: 192 }, (_, quarter) => ({
    seq: quarter,
    t: START_MS + quarter * QUARTER_MS,
    m: { tvc: temperature(quarter), door: quarter % 50 === 0 },
  }));
}

/** Texts of the answers that must not change, by what was asked. */
async function answers(product: Product, devices: readonly Device[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const span = { from: new Date(START_MS).toISOString(), to: new Date(START_MS + 72 * HOUR_MS).toISOString() };
  for (const { producer, dataset } of devices) {
    for (const resource of ['latest', 'observations']) {
      const items = await product.all<object>(resource, { producer, dataset });
      texts.set(`${resource} of ${producer}`, JSON.stringify(items));
    }
    for (const observedProperty of dataset === 'air' ? ['pm25', 'pm10', 'aqi'] : ['tvc']) {
      const query = new URLSearchParams({ producer, dataset, observedProperty, maxPoints: '100', ...span });
      texts.set(`series ${observedProperty} of ${producer}`, await (await product.fetch(`/api/v1/series?${query}`)).text());
    }
  }
  texts.set('alerts', JSON.stringify(await product.all<AlertItem>('alerts', { state: 'all' })));
  return texts;
}

test('rebuild into an empty store: byte-equal answers and alerts', async (t) => {
  const product = await startProduct();
  t.after(() => product.stop());
  const devices = [await product.enrol('rebuild-air'), await product.enrol('rebuild-fridge', 'coldchain', 'fridge')];
  const [air, fridge] = devices as [Device, Device];
  await publishAll(product, air, airReadings());
  await publishAll(product, fridge, fridgeReadings());
  await until('the contracts have spoken', async () => {
    const alerts = (await product.all<AlertItem>('alerts', { state: 'all' })).filter((alert) =>
      devices.some(({ producer }) => producer === alert.subject),
    );
    const over = alerts.filter(({ clearedAt }) => clearedAt !== null).map(({ rule }) => rule);
    return ['heavy', 'heat', 'freeze'].every((rule) => over.includes(rule));
  });
  await product.untilProjected();
  const before = await answers(product, devices);
  assert.ok((before.get('observations of rebuild-air') ?? '').length > 10_000);

  await product.halt();
  const rebuild = await airtight(['rebuild', '--data', product.dataDir, '--lang', 'en'], 300_000);
  assert.equal(rebuild.code, 0, rebuild.stdout + rebuild.stderr);
  await product.start();
  await product.untilProjected();
  const after = await answers(product, devices);
  for (const [asked, text] of before) {
    if (asked === 'alerts') continue;
    assert.equal(after.get(asked), text, asked);
  }
  // Time goes on and is on record, so silence may have raised alerts meanwhile; those of before are unchanged.
  const alertsAfter = JSON.parse(after.get('alerts') ?? '[]') as AlertItem[];
  for (const alert of JSON.parse(before.get('alerts') ?? '[]') as AlertItem[]) {
    assert.deepEqual(
      alertsAfter.filter(({ alert: id }) => id === alert.alert),
      [alert],
    );
  }
});
