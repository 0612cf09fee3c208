/** A fridge repeats its alarm in every record for as long as it holds: that is one episode, and one alert. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatasetDefinition, readPayload, toObservations } from '@airtight/protocol';
import { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';
import { COLDCHAIN, contractRecord, contractText, inShort, MINUTE_MS, START, TestJournal } from './test-journal.ts';

const heat = { title: { zh: '高温报警', en: 'Heat alarm' }, unit: '1' };
const FRIDGES: DatasetDefinition = { ...COLDCHAIN, properties: { ...COLDCHAIN.properties, alarm_heat: heat } };
const CONTRACT = contractText('raise: { when: alarm_heat == true }, clear: { when: alarm_heat == false }', {
  dataset: 'coldchain',
  input: ', accept: { flags: [late] }',
});

const abst = (quarter: number): string => new Date(START + quarter * 15 * MINUTE_MS).toISOString().replace(/\.000|[-:]/g, '');

function transmission(position: number, quarters: readonly number[], isAlarm: (quarter: number) => boolean): EngineEvent {
  const records = quarters.map((quarter) => ({
    ABST: abst(quarter),
    ALRM: isAlarm(quarter) ? 'HEAT' : null,
    BEMD: 14,
    EERR: null,
    TVC: 9,
  }));
  const json = {
    meta: {
      schemaVersion: '0.8.1',
      transferType: 'rtm',
      transferId: `T-${position}`,
      transferSrc: 'x',
      transferredAt: '2026-11-02T00:00:00Z',
    },
    data: [
      {
        ...{
          AMID: 'f',
          CID: 'CHN',
          EDOP: '',
          EMFR: '',
          EMOD: '',
          EPQS: '',
          ESER: '',
          EMSV: '',
          DLST: { TVC: { SID: '', SMFR: '', SMOD: '' } },
        },
        records,
      },
    ],
  };
  const context = { contentType: 'application/json', receivedAt: START + Math.max(...quarters) * 15 * MINUTE_MS, definition: FRIDGES };
  const readings = readPayload(new TextEncoder().encode(JSON.stringify(json)), context);
  assert.ok(readings.ok, JSON.stringify(readings));
  const header = { v: 1, agency: 'bj', dataset: 'coldchain', producer: 'f', door: 'mqtt', ...context } as const;
  return { kind: 'observations', position, observations: toObservations(header, position, readings.value, FRIDGES) };
}

const all = Array.from({ length: 80 }, (_, quarter) => quarter);
/** 65 records with the alarm, then 10 without, then the next episode. */
const isAlarm = (quarter: number): boolean => quarter < 65 || quarter >= 75;

test('65 identical alarm records are one episode, however they are packed, in disorder and sent again', () => {
  const packings: readonly (readonly (readonly number[])[])[] = [
    all.map((quarter) => [quarter]),
    [all],
    [all.toReversed()],
    [all.slice(0, 40), all.slice(20, 60), all.slice(50)],
    [all.slice(0, 70), all.slice(0, 70), all.slice(70).toReversed(), all],
  ];
  for (const packing of packings) {
    const journal = new TestJournal();
    const events: EngineEvent[] = [journal.dataset(FRIDGES), journal.contract(contractRecord(CONTRACT))];
    for (const [i, quarters] of packing.entries()) events.push(transmission(i + 1, quarters, isAlarm));
    assert.deepEqual(inShort(new Engine(), events, 15 * MINUTE_MS), ['raise 0 @0', 'clear @65', 'raise 75 @75']);
  }
});
