import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flag, Observation, Result } from '@airtight/protocol';
import { PackedObservations } from './packed-observations.ts';

const ORIGIN = { agency: 'bj', dataset: 'air', producer: 's1' };
const FLAGS: readonly (readonly Flag[])[] = [[], ['late'], ['late', 'q=N'], ['range']];
const RESULTS: readonly Result[] = [1.5, -0, 1e-300, 9_007_199_254_740_991, 'NW', '', true, false, 'true', '1.5'];

function observation(n: number): Observation {
  return {
    ...ORIGIN,
    observedProperty: `p${n % 7}`,
    phenomenonTime: 1_700_000_000_000 + n,
    receivedAt: 1_700_000_100_000,
    result: RESULTS[n % RESULTS.length] as Result,
    unit: n % 3 === 0 ? 'ug/m3' : '',
    flags: FLAGS[n % FLAGS.length] as readonly Flag[],
    position: 42,
  };
}

test('observations come out as they went in, over the border of a page', () => {
  const packed = new PackedObservations();
  const records = Array.from({ length: 9000 }, (_, record) => Array.from({ length: record % 17 }, (_, i) => observation(record * 31 + i)));
  const places = records.map((observations) => packed.add(observations));
  for (const [record, observations] of records.entries())
    assert.deepStrictEqual(
      packed.unpack(places[record] as number, observations.length, ORIGIN, 1_700_000_100_000, 42),
      observations.map((one) => ({ ...one })),
    );
});

test('what is held is counted, texts included', () => {
  const packed = new PackedObservations();
  packed.add([observation(0)]);
  const before = packed.sizeBytes;
  packed.add([{ ...observation(0), result: 'x'.repeat(1000) }]);
  assert.ok(packed.sizeBytes >= before + 1000);
});
