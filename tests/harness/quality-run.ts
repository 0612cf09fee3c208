/** A dataset's shipped quality rules over files of readings: how many values each test flags. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { QualityStage, testsText } from '@airtight/api/quality';
import { checkDatasetDefinition, type DatasetDefinition, type DeviceRecord, type RecordHeader, toObservations } from '@airtight/protocol';
import { parse } from 'yaml';
import { root } from './programs.ts';

export class QualityRun {
  readonly #definition: DatasetDefinition;
  readonly #stage = new QualityStage();
  /** What counts of each value that is not pass. */
  readonly #judged = new Map<string, { readonly property: string; readonly tests: string }>();
  readonly #values = new Map<string, number>();
  #position = 0;

  constructor(dataset: string) {
    const shipped = parse(readFileSync(join(root, 'cli/defaults/datasets.yaml'), 'utf8')) as readonly DatasetDefinition[];
    const checked = checkDatasetDefinition(shipped.find((definition) => definition.dataset === dataset));
    if (!checked.ok) throw new Error(checked.detail);
    this.#definition = checked.value;
  }

  station(producer: string, lat: number, lon: number): void {
    const record: DeviceRecord = {
      ...{ type: 'device', producer, agency: 'a', kind: 'air-station', name: { zh: producer, en: producer }, location: { lat, lon } },
      ...{ datasets: [this.#definition.dataset], subscribe: [], credentials: [], simulated: false, revoked: false },
    };
    const position = this.#position++;
    this.#stage.take({
      kind: 'control',
      position,
      header: this.#header('sys.devices', 0),
      frame: { position, body: EMPTY },
      record,
      text: '',
    });
  }

  /** The next reading, received when it was measured. */
  take(producer: string, time: number, values: readonly (readonly [property: string, value: number])[]): void {
    const position = this.#position++;
    const header = this.#header(producer, time);
    const measurements = values.map(([property, result]) => ({ property, result }));
    const observations = toObservations(header, position, [{ time, measurements }], this.#definition);
    for (const [property] of values) this.#values.set(property, this.valuesOf(property) + 1);
    const readings = [{ phenomenonTime: time, observations, index: undefined }];
    const event = { position, header, frame: { position, body: EMPTY }, readings, observations, definition: this.#definition };
    for (const { judged, judgedOrdinal, observedProperty, bits } of this.#stage.take({ kind: 'readings', ...event }))
      this.#judged.set(`${judged} ${judgedOrdinal}`, { property: observedProperty, tests: testsText(bits) });
  }

  valuesOf(property: string): number {
    return this.#values.get(property) ?? 0;
  }

  get properties(): readonly string[] {
    return [...this.#values.keys()];
  }

  /** By property, then by `test=flag`: how many values. */
  counts(): Map<string, Map<string, number>> {
    const counts = new Map<string, Map<string, number>>();
    for (const { property, tests } of this.#judged.values()) {
      const own = counts.get(property) ?? new Map<string, number>();
      counts.set(property, own);
      for (const test of tests.split(' ')) own.set(test, (own.get(test) ?? 0) + 1);
    }
    return counts;
  }

  #header(producer: string, receivedAt: number): RecordHeader {
    return { v: 1, agency: 'a', dataset: this.#definition.dataset, producer, receivedAt, door: 'mqtt', contentType: 'application/json' };
  }
}

const EMPTY = new Uint8Array();
