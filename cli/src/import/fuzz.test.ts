/** Whatever is in a file, its reader answers readings that the platform takes, or that the file is broken, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzWatched } from '@airtight/ingest/testing/fuzz.ts';
import { DECODERS } from '../testing/file-decoders.ts';

const INPUTS = 50_000;
const HEAP_GROWTH_MAX_BYTES = 8 * 1024 * 1024;
const options = { seed: 20_261_122, inputsPerDecoder: Math.ceil(INPUTS / DECODERS.length), inputMaxMs: 2000 };
const STUCK_MS = 20_000;

test('every reader takes the files the mutations start from', () => {
  for (const { name, seeds, decode } of DECODERS) for (const seed of seeds) assert.ok(decode(Buffer.from(seed)), name);
});

test(`${INPUTS} mutated files over all readers end without throw, hang or memory growth`, async (t) => {
  const report = await fuzzWatched(import.meta.resolve('../testing/file-decoders.ts'), options, STUCK_MS);
  assert.deepEqual(report.faults, []);
  assert.ok(report.inputs >= INPUTS, `${report.inputs} inputs`);
  assert.ok(report.heapGrowthBytes < HEAP_GROWTH_MAX_BYTES, `the heap grew by ${report.heapGrowthBytes} bytes`);
  for (const { name } of DECODERS) assert.ok((report.taken[name] ?? 0) > 0, `${name} took nothing`);
  t.diagnostic(`${report.inputs} inputs, heap ${Math.round(report.heapGrowthBytes / 1024)} KiB, taken ${JSON.stringify(report.taken)}`);
});
