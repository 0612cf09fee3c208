import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS_DATASET, DatasetRegistry } from '@airtight/protocol';
import { ManualFlags } from '../control/manual-flags.ts';
import { journalEvent } from '../testing/journal-event.ts';
import { passes, streamItemOf } from './stream-items.ts';

test('visitors get what becomes of alerts about public data, also beside a confidential dataset', () => {
  const registry = new DatasetRegistry();
  const title = { zh: '甲', en: 'a' };
  const datasetOf = (alert: string): string | undefined => ({ a: 'air', c: 'clinic' })[alert];
  const isSeen = (transition: object): boolean => {
    const payload = { v: 1, at: 1, contract: 'k', agency: 'a', ...transition };
    const event = journalEvent(1, { dataset: ALERTS_DATASET, door: 'internal' }, payload, registry);
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
