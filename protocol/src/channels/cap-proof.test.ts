/** A message of a public feed is held against the record that it tells: whatever was changed in it is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapAlert, CapInfo } from '@airtight/standards/cap.ts';
import { leafHash } from '@airtight/tlog';
import type { AlertTransition } from '../alerts/alert.ts';
import { alertText } from '../alerts/alert-text.ts';
import { ALERTS_DATASET } from '../control.ts';
import { encodeRecord } from '../records/record.ts';
import { CAP_PARAMETERS, capDifferences } from './cap-proof.ts';

const SINCE = Date.UTC(2026, 0, 5, 3);
const raise: AlertTransition = {
  ...{ v: 1, type: 'raise', n: 0, alert: 'a'.repeat(32), at: SINCE + 1000, contract: 'heavy', version: 'b'.repeat(64), rule: 'r' },
  ...{ severity: 'severe', agency: 'bj', dataset: 'air', subject: 's1', since: SINCE, values: { pm25: 180.5, wd: 'N' } },
  message: { zh: 's1：180.5，自 2026-01-05T03:00:00.000Z', en: 's1: 180.5 since 2026-01-05T03:00:00.000Z, not s10' },
  evidence: [1],
};

function proven(transition: AlertTransition) {
  const record = encodeRecord(
    {
      ...{ v: 1, agency: 'bj', dataset: ALERTS_DATASET, producer: 'heavy', receivedAt: SINCE, door: 'internal' },
      contentType: 'application/json',
    },
    new TextEncoder().encode(JSON.stringify(transition)),
  );
  return { record, position: 17, checkpoint: 'ledger.example.cn/bj\n9\nroot\n' };
}

function capOf(transition: AlertTransition, change: Partial<CapInfo> = {}): CapAlert {
  const told = { ...raise, ...transition } as typeof raise & { type: 'raise' };
  const leaf = Buffer.from(leafHash(proven(transition).record)).toString('hex');
  const parameter = [
    [CAP_PARAMETERS.record, '17'],
    [CAP_PARAMETERS.leaf, leaf],
    [CAP_PARAMETERS.ledger, 'ledger.example.cn/bj'],
    [CAP_PARAMETERS.contract, `heavy ${'b'.repeat(64)}`],
    [CAP_PARAMETERS.rule, 'heavy/r'],
    [CAP_PARAMETERS.subject, 's1'],
    ...Object.entries(told.values).map(([name, value]) => [`airtight:value:${name}`, String(value)]),
  ].map(([valueName = '', value = '']) => ({ valueName, value }));
  const info = (['zh', 'en'] as const).map((language): CapInfo => {
    const description = alertText(
      told.message[language],
      's1',
      language === 'zh' ? '东四' : 'Dongsi (*)',
      () => '2026-01-05T11:00:00+08:00',
    );
    return {
      ...{ language: language === 'zh' ? 'zh-CN' : 'en-US', category: ['Env'], event: 'x', urgency: 'Immediate', severity: 'Severe' },
      ...{
        certainty: 'Observed',
        onset: '2026-01-05T11:00:00+08:00',
        headline: `Update: ${description}`,
        description,
        parameter,
        ...change,
      },
    };
  });
  return {
    ...{ identifier: 'x', sender: 'y', sent: '2026-01-05T11:00:01+08:00', status: 'Actual', msgType: 'Alert', scope: 'Public' },
    ...{ incidents: [transition.alert], info },
  };
}

test('a message that says what the record says passes, whatever the names and the zone', () => {
  assert.deepEqual(capDifferences(capOf(raise), proven(raise)), []);
  const clear: AlertTransition = {
    ...{ v: 1, type: 'clear', n: 3, alert: raise.alert, at: SINCE, contract: 'heavy', agency: 'bj', evidence: [], values: {} },
  };
  assert.deepEqual(capDifferences({ ...capOf(clear), msgType: 'Cancel' }, proven(clear)), []);
  assert.deepEqual(capDifferences(capOf(clear), proven(clear)), ['msgType'], 'what is over is not told as holding');
});

test('every value that was changed is named', () => {
  const parameters = capOf(raise).info?.[0]?.parameter ?? [];
  const but = (name: string, value: string) => parameters.map((one) => (one.valueName === name ? { valueName: name, value } : one));
  const changes: readonly [Partial<CapInfo>, string][] = [
    [{ severity: 'Minor' }, 'severity'],
    [{ severity: 'Extreme' }, 'severity'],
    [{ onset: '2026-01-05T12:00:00+08:00' }, 'onset'],
    [{ headline: 'All is well' }, 'headline'],
    [{ parameter: but('airtight:value:pm25', '18.5') }, 'parameter[airtight:value:pm25]'],
    [{ parameter: but('airtight:value:wd', '') }, 'parameter[airtight:value:wd]'],
    [{ parameter: [...parameters, { valueName: 'airtight:value:no2', value: '1' }] }, 'parameter[airtight:value:no2]'],
    [{ parameter: but(CAP_PARAMETERS.contract, 'heavy c') }, `parameter[${CAP_PARAMETERS.contract}]`],
    [{ parameter: but(CAP_PARAMETERS.record, '18') }, `parameter[${CAP_PARAMETERS.record}]`],
    [{ parameter: but(CAP_PARAMETERS.leaf, '00') }, `parameter[${CAP_PARAMETERS.leaf}]`],
    [{ parameter: but(CAP_PARAMETERS.ledger, 'elsewhere') }, `parameter[${CAP_PARAMETERS.ledger}]`],
  ];
  for (const [change, name] of changes)
    assert.deepEqual(capDifferences(capOf(raise, change), proven(raise)), [`info[0]/${name}`, `info[1]/${name}`], JSON.stringify(change));
  for (const [from, to] of [
    ['180.5', '18.5'],
    ['11:00', '12:00'],
    ['not s10', 'not s1'],
  ] as const) {
    const [, english] = capOf(raise).info ?? [];
    const description = english?.description?.replace(from, to) ?? '';
    assert.notEqual(description, english?.description);
    const changed: CapAlert = { ...capOf(raise), info: [{ ...english, description, headline: description } as CapInfo] };
    assert.deepEqual(capDifferences(changed, proven(raise)), ['info[0]/description'], to);
  }
  assert.deepEqual(capDifferences({ ...capOf(raise), incidents: ['c'.repeat(32)] }, proven(raise)), ['incidents']);
  assert.deepEqual(capDifferences({ ...capOf(raise), msgType: 'Cancel' }, proven(raise)), ['msgType']);
  assert.deepEqual(capDifferences({ ...capOf(raise), info: [] }, proven(raise)), ['info']);
});
