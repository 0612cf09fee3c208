/** Whatever a device sends, no decoder throws, hangs or keeps memory. A fault names decoder and input; the seed gives it again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DECODERS } from '../testing/decoders.ts';
import { type FuzzedDecoder, fuzz, fuzzWatched } from '../testing/fuzz.ts';

const INPUTS = 200_000;
const HEAP_GROWTH_MAX_BYTES = 8 * 1024 * 1024;
const options = { seed: 20_261_122, inputsPerDecoder: Math.ceil(INPUTS / DECODERS.length), inputMaxMs: 2000 };
const STUCK_MS = 20_000;

test('every decoder takes the inputs the mutations start from', () => {
  for (const { name, seeds, decode } of DECODERS) {
    const taken = seeds.filter((seed) => decode(Buffer.from(seed)));
    assert.ok(name.startsWith('codec') ? taken.length > 0 : taken.length === seeds.length, name);
  }
});

test(`${INPUTS} mutated inputs over all decoders end without throw, hang or memory growth`, async (t) => {
  const report = await fuzzWatched(import.meta.resolve('../testing/decoders.ts'), options, STUCK_MS);
  assert.deepEqual(report.faults, []);
  assert.ok(report.inputs >= 100_000, `${report.inputs} inputs`);
  assert.ok(report.heapGrowthBytes < HEAP_GROWTH_MAX_BYTES, `the heap grew by ${report.heapGrowthBytes} bytes`);
  // Mutations that nothing survives would test the first check alone.
  for (const { name } of DECODERS) assert.ok((report.taken[name] ?? 0) > 0, `${name} took nothing`);
  t.diagnostic(`${report.inputs} inputs, heap ${Math.round(report.heapGrowthBytes / 1024)} KiB, taken ${JSON.stringify(report.taken)}`);
});

const seeds = [Buffer.from('{"t":1}')];
const small = { seed: 1, inputsPerDecoder: 200, inputMaxMs: 100 };

test('a decoder that throws is reported, with the input', () => {
  const thrower: FuzzedDecoder = {
    name: 'thrower',
    seeds,
    decode(input) {
      if (input.includes('[')) throw new TypeError('brackets');
      return true;
    },
  };
  const { faults } = fuzz([thrower], small);
  assert.ok(faults.length > 0);
  assert.match(faults[0]?.reason ?? '', /TypeError: brackets/);
  assert.ok(Buffer.from(faults[0]?.input ?? '', 'hex').includes('['));
  assert.deepEqual(fuzz([thrower], small).faults[0]?.index, faults[0]?.index, 'the seed gives it again');
});

test('a decoder that is slow, or keeps what it read, is reported', () => {
  const slow: FuzzedDecoder = {
    name: 'slow',
    seeds,
    decode() {
      for (const until = performance.now() + 150; performance.now() < until; );
      return true;
    },
  };
  assert.match(fuzz([slow], { ...small, inputsPerDecoder: 1 }).faults[0]?.reason ?? '', /took \d+ ms/);
  const kept: unknown[] = [];
  const keeper: FuzzedDecoder = {
    name: 'keeper',
    seeds,
    decode: (input) => kept.push(Array.from({ length: 10_000 }, () => input.length)) > 0,
  };
  assert.ok(fuzz([keeper], small).heapGrowthBytes > HEAP_GROWTH_MAX_BYTES);
});

test('a decoder that never comes back is reported', async () => {
  const endless = 'export const DECODERS = [{ name: "endless", seeds: [new Uint8Array(1)], decode() { for (;;); } }];';
  const { faults } = await fuzzWatched(`data:text/javascript,${encodeURIComponent(endless)}`, small, 1000);
  assert.match(faults[0]?.reason ?? '', /hangs/);
});
