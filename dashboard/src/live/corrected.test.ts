import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LatestItem } from '@airtight/protocol';
import { corrected } from './live-store.ts';

const base = {
  agency: 'a',
  dataset: 'air',
  producer: 'p',
  phenomenonTime: '2026-01-01T00:00:00.000Z',
  receivedAt: '2026-01-01T00:00:01.000Z',
};
const value = (result: number) => ({ result, unit: 'ug/m3', flags: [], quality: { flag: 1, tests: {} } });
const index = { standard: 'HJ 633-2012', aqi: 50, level: 1, primary: [], iaqi: {} } as const;
const known: LatestItem = { ...base, record: '1', values: { pm25: value(1), pm10: value(2) }, index: { ...index, primary: [] } };

test('a later record for a moment corrects what it names, and leaves the rest with its own record', () => {
  const item: LatestItem = { ...base, record: '2', values: { pm25: value(3) }, index: { ...index, aqi: 3, primary: [] } };
  const { index: shown, ...whole } = corrected(known, item);
  assert.equal(shown, undefined, 'the index of a part is not shown');
  assert.deepEqual(whole, { ...base, record: '2', values: { pm10: { ...value(2), record: '1' }, pm25: value(3) } });
  const again = corrected(whole, { ...base, record: '3', values: { pm25: value(4) } });
  assert.equal(again.values['pm10']?.record, '1');
  const full: LatestItem = { ...known, record: '2' };
  assert.equal(corrected(known, full), full);
});
