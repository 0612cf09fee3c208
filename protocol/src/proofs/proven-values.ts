/**
 * The values that a proof set proves: its readings decoded and converted as the product does it, by definitions and births
 * that are proven in the same set. Whoever shows a value holds it against these.
 */

import { readableRecord } from '../confidential/salted-fields.ts';
import { DATASETS_DATASET, type DatasetDefinition } from '../control.ts';
import { checkDatasetDefinition } from '../datasets/dataset-definition.ts';
import { DatasetRegistry } from '../datasets/dataset-registry.ts';
import { type SparkplugBirth, sparkplugBirthIn } from '../formats/sparkplug-readings.ts';
import { CONTROL_PREFIX } from '../interfaces/topic.ts';
import type { Result } from '../records/measurement.ts';
import { type Observation, toObservations } from '../records/observation.ts';
import { readPayload } from '../records/payload.ts';
import { birthOf, decodeRecord } from '../records/record.ts';
import type { CheckedRecord, ProofFault } from './verify-proofs.ts';

export interface ClaimedValue {
  /** Journal position of the record that it is said to stand in. */
  readonly position: number;
  readonly producer: string;
  readonly observedProperty: string;
  /** Epoch ms. */
  readonly phenomenonTime: number;
  readonly result: Result;
}

/** Why a value is not proven: a step of its record, or the record says something else. */
export type ValueFault = Omit<ProofFault, 'step' | 'code'> & {
  readonly step: ProofFault['step'] | 'value';
  readonly code?: ProofFault['code'];
};

export class ProvenValues {
  readonly #records: ReadonlyMap<number, CheckedRecord>;
  readonly #registry = new DatasetRegistry();
  readonly #births = new Map<number, SparkplugBirth | undefined>();
  readonly #observations = new Map<number, readonly Observation[]>();

  /** @param records as verifyProofs gives them */
  constructor(records: readonly CheckedRecord[]) {
    this.#records = new Map(records.map((one) => [one.position, one]));
    // The registry takes versions in the order of the journal.
    for (const one of [...records].sort((a, b) => a.position - b.position)) {
      const definition = one.faults.length === 0 ? definitionIn(one.record) : undefined;
      if (definition !== undefined) this.#registry.define(one.position, definition);
    }
  }

  /** The definition by which a dataset's record at this position is read, when it is proven in the set. */
  definitionAt(dataset: string, position: number): DatasetDefinition | undefined {
    return this.#registry.at(dataset, position);
  }

  /** Every observation of the set's proven readings, in the order of the journal. */
  all(): Observation[] {
    const positions = [...this.#records.keys()].sort((a, b) => a - b);
    return positions.flatMap((position) => this.of(position));
  }

  /** Why this value is not proven; undefined when it is. */
  faultOf({ position, producer, observedProperty, phenomenonTime, result }: ClaimedValue): ValueFault | undefined {
    const one = this.#records.get(position);
    if (one === undefined) return { step: 'value', detail: `record ${position} is not in the proofs` };
    if (one.faults.length > 0) return one.faults[0];
    const found = this.of(position).filter(
      (value) => value.producer === producer && value.observedProperty === observedProperty && value.phenomenonTime === phenomenonTime,
    );
    if (found.some((value) => Object.is(value.result, result))) return undefined;
    return { step: 'value', detail: `${observedProperty} = ${found.map((value) => String(value.result)).join(', ') || '–'}` };
  }

  /** Observations of one proven record, in the order of its payload; none when it is not proven. */
  of(position: number): readonly Observation[] {
    const known = this.#observations.get(position);
    if (known !== undefined) return known;
    const one = this.#records.get(position);
    const observations = one === undefined || one.faults.length > 0 ? [] : this.#decode(one);
    this.#observations.set(position, observations);
    return observations;
  }

  #decode({ record, disclosure, position }: CheckedRecord): readonly Observation[] {
    const decoded = readableRecord(record, disclosure);
    if (!decoded.ok || decoded.value.header.dataset.startsWith(CONTROL_PREFIX)) return [];
    const { header, payload } = decoded.value;
    const definition = this.#registry.at(header.dataset, position);
    const readings = readPayload(payload, { ...header, definition, birth: this.#birth(birthOf(record)) });
    return readings.ok ? toObservations(header, position, readings.value, definition) : [];
  }

  #birth(position: number | undefined): SparkplugBirth | undefined {
    if (position === undefined) return undefined;
    if (this.#births.has(position)) return this.#births.get(position);
    const one = this.#records.get(position);
    const birth = one === undefined || one.faults.length > 0 ? undefined : sparkplugBirthIn(one.record, position);
    this.#births.set(position, birth);
    return birth;
  }
}

function definitionIn(bytes: Uint8Array): DatasetDefinition | undefined {
  const record = decodeRecord(bytes);
  if (!record.ok || record.value.header.dataset !== DATASETS_DATASET || record.value.header.door !== 'internal') return undefined;
  try {
    const definition = checkDatasetDefinition(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(record.value.payload)));
    return definition.ok ? definition.value : undefined;
  } catch {
    return undefined;
  }
}
