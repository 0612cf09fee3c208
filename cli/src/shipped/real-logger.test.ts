/** shipment-type1 over a day of two real loggers, against plain scans of their files. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { shippingAlarms } from '@airtight/standards/who-pqs-tr07.ts';
import { ContractBench, HOUR_MS, MINUTE_MS } from './contract-bench.ts';

const FOLDER = join(import.meta.dirname, '../../../../shared/data/coldchain-ruuvi');

for (const file of ['fridge.csv.gz', 'fruits.csv.gz']) {
  test(`${file}: excursions of half an hour, and no alarm of the indicator`, (t) => {
    const path = join(FOLDER, file);
    if (!existsSync(path)) return t.skip(`${file} is not there`);
    const samples = gunzipSync(readFileSync(path))
      .toString()
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','))
      .map(([time = '', celsius]) => ({ at: Date.parse(time.replace(/(\d\d)$/, ':$1')), celsius: Number(celsius) }));
    const start = samples[0]?.at ?? 0;
    const bench = new ContractBench('shipment-type1', 1000, { start });
    for (const { at, celsius } of samples) bench.read('logger', 'freeze-sensitive-1', (at - start) / 1000, { temp: celsius });
    const expected: string[] = [];
    let [since, before, active] = [Number.NaN, Number.NaN, false];
    for (const { at, celsius } of samples) {
      const second = (ms: number): number => (ms - start) / 1000;
      const isOut = celsius < 2 || celsius > 8;
      if (!isOut && active) expected.push(`excursion clear @${second(at)}`);
      if (!isOut) active = false;
      // Over more than an hour nobody knows.
      since = !isOut ? Number.NaN : Number.isNaN(since) || at - before > HOUR_MS ? at : since;
      if (isOut && !active && at - since >= 30 * MINUTE_MS) {
        expected.push(`excursion raise minor ${second(since)} @${second(at)}`);
        active = true;
      }
      before = at;
    }
    assert.ok(expected.length > 0);
    assert.deepEqual(
      bench.told.filter((line) => line.startsWith('excursion ')),
      expected,
    );
    assert.deepEqual(shippingAlarms(1, samples), []);
    assert.deepEqual(
      bench.told.filter((line) => /^(hot-45|warm-30|frozen) /.test(line)),
      [],
    );
  });
}
