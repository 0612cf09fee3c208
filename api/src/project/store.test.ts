import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DatasetRegistry, encodeRecord } from '@airtight/protocol';
import { ManualFlags } from '../control/manual-flags.ts';
import { decodeFrame, type ReadingsEvent } from '../decode/decoder.ts';
import { quoteText } from '../query/literal.ts';
import { readObservations } from '../query/observations.ts';
import { ObservationRows } from './rows.ts';
import { Store } from './store.ts';

const dir = mkdtempSync(join(tmpdir(), 'airtight-store-'));
let store: Store;

before(async () => {
  store = await Store.open({ dir, clickhouseUrl: '' });
});
after(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

function eventOf(position: number, payload: unknown, producer = 'p'): ReadingsEvent {
  const header = { v: 1, agency: 'a', dataset: 'x', producer, receivedAt: 5, door: 'mqtt', contentType: 'application/json' } as const;
  const record = encodeRecord(header, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)));
  const event = decodeFrame({ position, body: Buffer.concat([Uint8Array.of(0), record]) }, new DatasetRegistry());
  assert.equal(event.kind, 'readings');
  return event as ReadingsEvent;
}

test('every value comes back as it was sent', async () => {
  const values: [string, unknown][] = [
    ['zero', 0],
    ['tenth', 0.1],
    ['big', 1.7976931348623157e308],
    ['tiny', 5e-324],
    ['whole', 9_007_199_254_740_991],
    ['third', 1 / 3],
    ['yes', true],
    ['no', false],
    ['empty', ''],
    ['text', `it's "quoted"\\ and\nbroken\t行 😀`],
    ['lookalike', '1'],
  ];
  const rows = new ObservationRows();
  // -0 exists in JSON, but JSON.stringify does not write it.
  rows.push(eventOf(1, `{"t":253402300799999,"m":{"minus":-0,${JSON.stringify(Object.fromEntries(values)).slice(1)}}`));
  await store.insert('observations', rows.columns, rows.count, 'values');
  const { items } = await readObservations(
    store,
    { dataset: 'x', limit: 100 },
    { datasets: new DatasetRegistry(), flags: new ManualFlags() },
  );
  assert.deepEqual(
    items.map((item) => [item.observedProperty, item.result]),
    [['minus', -0], ...values],
  );
  assert.ok(Object.is(items[0]?.result, -0));
  assert.equal(items[0]?.phenomenonTime, '9999-12-31T23:59:59.999Z');
});

test('a block with the same token is there once; one record of the largest shape is one part', async () => {
  const rows = new ObservationRows();
  const reading = { t: 1, m: Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`p${i}`, i])) };
  rows.push(
    eventOf(
      2,
      Array.from({ length: 1000 }, (_, t) => ({ ...reading, t })),
      'large',
    ),
  );
  assert.equal(rows.count, 64_000);
  const partsBefore = await parts();
  for (let time = 0; time < 2; time++) await store.insert('observations', rows.columns, rows.count, 'large');
  assert.deepEqual(await store.query(`SELECT count() FROM airtight.observations WHERE producer = 'large'`), [[64_000]]);
  assert.equal((await parts()) - partsBefore, 1);
});

async function parts(): Promise<number> {
  const [row] = await store.query(`SELECT countIf(level = 0) FROM system.parts WHERE database = 'airtight' AND table = 'observations'`);
  return (row as [number])[0];
}

test('a text cannot leave its quotes', async () => {
  for (const text of [`'`, `\\'`, `\\`, `x' OR 1=1 --`, `\n`, `{a:String}`, `行`]) {
    assert.deepEqual(await store.query(`SELECT ${quoteText(text)}`), [[text]]);
  }
});

test('a query that takes too long ends with a code, and holds up no other', async () => {
  const slow = assert.rejects(store.query('SELECT max(sipHash64(number)) FROM numbers(100000000000)', 'quick', 300), {
    code: 'QUERY_TOO_SLOW',
  });
  assert.deepEqual(await store.query('SELECT 1'), [[1]]);
  await slow;
});

test('beyond the line of waiting queries the caller is refused at once', async () => {
  const results = await Promise.allSettled(Array.from({ length: 100 }, () => store.query('SELECT sleep(0.01)', 'bulk')));
  const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code);
  assert.deepEqual([...new Set(refused)], ['OVERLOADED']);
  assert.ok(refused.length >= 100 - 2 - 16 - 10, `${refused.length} refused`);
  assert.deepEqual(await store.query('SELECT 1', 'bulk'), [[1]]);
});

test('a second process is refused and changes nothing', () => {
  const module = fileURLToPath(new URL('./store.ts', import.meta.url));
  const script = `const { Store } = await import(${JSON.stringify(module)});
    await Store.open({ dir: ${JSON.stringify(dir)}, clickhouseUrl: '' }).catch((error) => { console.log(error.code); process.exit(3); });`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.deepEqual([status, stdout.trim()], [3, 'SERVICE_UNAVAILABLE']);
});
