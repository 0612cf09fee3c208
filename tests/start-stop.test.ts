/** `airtight up`: from an empty folder to live stations, and down again without a trace but the data. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LatestItem } from '@airtight/protocol';
import { isAlive } from './harness/processes.ts';
import { startProduct } from './harness/product.ts';
import { airtight } from './harness/programs.ts';
import { until } from './harness/waiting.ts';

test('up --simulate shows live stations without a sign-in; Ctrl-C stops every process cleanly; the next start goes on', async (t) => {
  const product = await startProduct({ arguments: ['--simulate'] });
  t.after(() => product.stop());
  const latest = async () => ((await (await fetch(`${product.httpUrl}/api/v1/latest`)).json()) as { items: LatestItem[] }).items;
  const first = await until('live stations', async () => {
    const items = await latest();
    return items.length >= 40 && items;
  });
  const pids = product.pids();
  assert.equal(await product.halt(), 0);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.ok(!existsSync(join(product.dataDir, 'running.json')));

  await product.start(['--simulate']);
  const newest = Math.max(...first.map((item) => Number(item.record)));
  await until('newer readings than before the stop', async () => (await latest()).some((item) => Number(item.record) > newest));
});

test('without --simulate a visitor reads nothing; a second up on the same data directory is refused and harms nothing', async (t) => {
  const product = await startProduct();
  t.after(() => product.stop());
  for (const path of ['latest', 'observations', 'alerts', 'records/0', 'quarantine', 'status', 'users']) {
    const answer = await fetch(`${product.httpUrl}/api/v1/${path}`);
    assert.equal(answer.status, 401, path);
    assert.equal(((await answer.json()) as { code: string }).code, 'SESSION_REQUIRED', path);
  }
  const pids = product.pids();
  const second = await airtight(['up', '--data', product.dataDir, '--lang', 'en']);
  assert.equal(second.code, 3, second.stdout + second.stderr);
  assert.match(second.stderr, /in use/);
  assert.deepEqual(product.pids(), pids);
});
