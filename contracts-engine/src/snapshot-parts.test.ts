import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from './engine.ts';
import { joinSnapshot } from './snapshot-parts.ts';

test('readings that are missing, or too many, are refused', () => {
  const engine = new Engine();
  const { state } = engine.snapshotParts();
  const feed = { dataset: 'air', producer: 's1', agency: 'bj', readings: 2, watermark: 2, pruneAt: 32 };
  const line = '{"agency":"bj","dataset":"air","producer":"s1","properties":["a"],"rows":[[1,1,1,0,1,[1]]]}';
  const told = () => ({ ...JSON.parse(state), feeds: [feed] });
  assert.equal(joinSnapshot(told(), [line, line]).feeds[0]?.readings.length, 2);
  assert.throws(() => joinSnapshot(told(), [line]), /fewer readings/);
  assert.throws(() => joinSnapshot(told(), [line, line, line]), /more readings/);
});
