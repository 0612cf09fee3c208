import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS_DATASET, DatasetRegistry, encodeRecord } from '@airtight/protocol';
import { ManualFlags } from '../control/manual-flags.ts';
import { decodeFrame } from '../decode/decoder.ts';
import { passes, streamItemOf } from './stream-items.ts';

test('visitors get what becomes of alerts about public data, also beside a confidential dataset', () => {
  const registry = new DatasetRegistry();
  const title = { zh: '甲', en: 'a' };
  const datasetOf = (alert: string): string | undefined => ({ a: 'air', c: 'clinic' })[alert];
  const isSeen = (transition: object): boolean => {
    const header = {
      v: 1,
      agency: 'a',
      dataset: ALERTS_DATASET,
      producer: 'p',
      receivedAt: 1,
      door: 'internal',
      contentType: 'application/json',
    } as const;
    const record = encodeRecord(header, Buffer.from(JSON.stringify({ v: 1, at: 1, contract: 'k', agency: 'a', ...transition })));
    const event = decodeFrame({ position: 1, body: Buffer.concat([Uint8Array.of(0), record]) }, registry);
    const item = streamItemOf(event, [], { datasets: registry, flags: new ManualFlags(), datasetOf }, false);
    assert.ok(item !== undefined, event.kind);
    assert.ok(passes(item, {}), 'a person with an account');
    assert.ok(passes(item, { dataset: 'air', producer: 's1' }), 'whoever follows one station');
    return passes(item, { isVisitor: true });
  };
  const acknowledge = (alert: string) => ({ type: 'acknowledge', alert, by: 'lin' });
  assert.ok(isSeen(acknowledge('forgotten')), 'nothing is confidential');
  for (const dataset of ['air', 'clinic'])
    registry.define(0, { type: 'dataset', dataset, title, cadenceMs: 1000, properties: {}, confidential: dataset === 'clinic' });
  assert.deepEqual([acknowledge('a'), acknowledge('c'), acknowledge('forgotten')].map(isSeen), [true, false, false]);
  const raise = (alert: string, dataset: string) => ({
    ...{ type: 'raise', n: 0, alert, dataset, version: 'v', rule: 'r', severity: 'minor', subject: 's', since: 1, values: {} },
    ...{ message: title, evidence: [0] },
  });
  assert.deepEqual([raise('a', 'air'), raise('c', 'clinic')].map(isSeen), [true, false]);
});
