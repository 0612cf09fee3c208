/** A small journal for tests: events with positions, flags as ingest's clock and the dataset give them. */
import {
  type AlertTransition,
  type ContractRecord,
  type DatasetDefinition,
  type DeviceRecord,
  type FlagRecord,
  type RecordHeader,
  type Result,
  toObservations,
} from '@airtight/protocol';
import { contractVersion } from './contract-version.ts';
import type { Engine } from './engine.ts';
import type { EngineEvent } from './engine-event.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** 2026-11-01T00:00:00Z: where the tests' time begins. */
export const START = Date.UTC(2026, 10, 1);

function property(unit: string, min: number, max: number): DatasetDefinition['properties'][string] {
  return { title: { zh: '属性', en: 'Property' }, unit, min, max };
}

export const AIR: DatasetDefinition = {
  type: 'dataset',
  dataset: 'air',
  title: { zh: '空气', en: 'Air' },
  cadenceMs: HOUR_MS,
  properties: { pm25: property('ug/m3', 0, 1500), co: property('mg/m3', 0, 150), wd: { title: { zh: '风向', en: 'Wind' }, unit: '1' } },
};
export const COLDCHAIN: DatasetDefinition = {
  type: 'dataset',
  dataset: 'coldchain',
  title: { zh: '冷链', en: 'Cold chain' },
  cadenceMs: 15 * MINUTE_MS,
  properties: {
    tvc: property('Cel', -40, 60),
    dorv: property('s', 0, 900),
    sva: property('s', 0, 900),
    ...Object.fromEntries(
      ['power', 'door', 'alarm_heat', 'alarm_frze', 'alarm_door', 'alarm_powr'].map((name) => [
        name,
        { title: { zh: '是否', en: 'Yes or no' }, unit: '1' },
      ]),
    ),
  },
};
export const DATASETS: ReadonlyMap<string, DatasetDefinition> = new Map(
  [AIR, COLDCHAIN].map((definition) => [definition.dataset, definition]),
);

/** A contract of one rule on dataset air; the rule is given as YAML flow members. */
export function contractText(rule: string, { contract = 'test', dataset = 'air', head = '', input = '' } = {}): string {
  return `contract: ${contract}
title: { zh: 测试, en: Test }
agency: tests
source: a test
${head}inputs:
  ${dataset}: { dataset: ${dataset}${input} }
rules:
  - { id: r, severity: minor, message: { zh: "{subject}", en: "{subject}" }, ${rule} }
`;
}

export function contractRecord(text: string, contract = 'test'): ContractRecord {
  return { type: 'contract', contract, version: contractVersion(text), text, author: 'author', approver: 'approver' };
}

/** Hands out positions in order. */
export class TestJournal {
  #next = 0;

  /** One record with the readings of one producer; `receivedAt` is the newest reading's time unless given. */
  readings(
    producer: string,
    readings: readonly (readonly [time: number, values: { readonly [property: string]: Result }])[],
    { definition = AIR, receivedAt = Math.max(...readings.map(([time]) => time)) } = {},
  ): EngineEvent {
    const position = this.#next++;
    const header: RecordHeader = {
      v: 1,
      agency: 'bj-eco',
      dataset: definition.dataset,
      producer,
      receivedAt,
      door: 'mqtt',
      contentType: 'application/json',
    };
    const parsed = readings.map(([time, values]) => ({
      time,
      measurements: Object.entries(values).map(([name, result]) => ({ property: name, result })),
    }));
    return { kind: 'observations', position, observations: toObservations(header, position, parsed, definition) };
  }

  tick(at: number): EngineEvent {
    return { kind: 'tick', position: this.#next++, at };
  }

  dataset(definition: DatasetDefinition): EngineEvent {
    return { kind: 'dataset', position: this.#next++, definition };
  }

  /** A registered station. */
  device(producer: string, region: string, location: { readonly lat: number; readonly lon: number }, datasets = ['air']): EngineEvent {
    const record: DeviceRecord = {
      ...{ type: 'device', producer, agency: 'bj-eco', kind: 'air-station', name: { zh: producer, en: producer } },
      ...{ region: { zh: region, en: region }, location, datasets, subscribe: [], credentials: [], simulated: false, revoked: false },
    };
    return { kind: 'device', position: this.#next++, record };
  }

  /** A person's act, or an effect coming back. */
  alert(transition: AlertTransition): EngineEvent {
    return { kind: 'alert', position: this.#next++, transition };
  }

  /** A person's word on values. */
  flag(record: FlagRecord): EngineEvent {
    return { kind: 'flag', position: this.#next++, record };
  }

  contract(record: ContractRecord): EngineEvent {
    return { kind: 'contract', position: this.#next++, record };
  }
}

/** An engine's effects in short: `raise 0..1 @1` = raised at reading 1, since reading 0; times in units of `stepMs` from START. */
export function inShort(engine: Engine, events: readonly EngineEvent[], stepMs = MINUTE_MS): string[] {
  const when = (at: number): string => `${(at - START) / stepMs}`;
  return events.flatMap((event) =>
    engine
      .apply(event)
      .map((effect) =>
        effect.type === 'raise' ? `raise ${when(effect.since)} @${when(effect.at)}` : `${effect.type} @${when(effect.at)}`,
      ),
  );
}
