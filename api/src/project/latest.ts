/**
 * The newest reading of every producer, in memory: loaded from the tables once at the start, then folded live, so that no
 * request reads the raw table for it (measured: 400 ms on 10 M rows).
 */

import type { Removal } from '@airtight/protocol';
import { type AirIndex, airIndexOf, type DatasetRegistry, type LatestItem, type Observation } from '@airtight/protocol';
import type { AqiReport } from '@airtight/standards/hj633.ts';
import type { DecodedReading, ReadingsEvent } from '../decode/decoder.ts';
import { quoteText } from '../query/literal.ts';
import { OBSERVATION_COLUMNS, observationOf } from './rows.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Store } from './store.ts';

/** Names in one query. */
const REFRESHED_AT_ONCE = 1000;

interface LatestEntry {
  readonly agency: string;
  readonly dataset: string;
  readonly producer: string;
  readonly phenomenonTime: number;
  readonly receivedAt: number;
  readonly position: number;
  readonly observations: readonly Observation[];
  readonly index: AqiReport | undefined;
  /** JSON of its item, made when it is first asked for. */
  text?: string;
}

export class LatestValues {
  /** By dataset, then by producer. */
  readonly #entries = new Map<string, Map<string, LatestEntry>>();
  readonly #registry: DatasetRegistry;
  #through = -1;

  constructor(registry: DatasetRegistry) {
    this.#registry = registry;
  }

  /** Loads what the tables hold. @param through highest position in the observations table, -1 when it is empty */
  async load(store: Pick<Store, 'query'>, through: number): Promise<void> {
    for (const observation of await newest(store, '1')) this.#merge([observation]);
    this.#through = through;
  }

  /** Forgets values whose records were removed, and may look at others between them again; of their producers the newest that the tables still hold is the latest then. */
  async refresh(store: Pick<Store, 'query'>, { dataset, fromPosition, toPosition, kept = [] }: Removal): Promise<void> {
    const spared = new Set(kept);
    const isRemoved = ({ position }: Observation): boolean => position >= fromPosition && position <= toPosition && !spared.has(position);
    const entries = this.#entries.get(dataset);
    const producers = [...(entries ?? [])].filter(([, entry]) => entry.observations.some(isRemoved)).map(([producer]) => producer);
    for (let from = 0; from < producers.length; from += REFRESHED_AT_ONCE) {
      const some = producers.slice(from, from + REFRESHED_AT_ONCE);
      const held = await newest(store, `dataset = ${quoteText(dataset)} AND producer IN (${some.map(quoteText).join(', ')})`);
      // One that has reported meanwhile stays.
      const forgotten = new Set(some.filter((producer) => entries?.get(producer)?.observations.some(isRemoved)));
      for (const producer of forgotten) entries?.delete(producer);
      for (const observation of held) if (forgotten.has(observation.producer)) this.#merge([observation]);
    }
  }

  /** Takes the next readings; those at or before what was loaded are known already. */
  take(event: ReadingsEvent): void {
    if (event.position <= this.#through) return;
    this.#through = event.position;
    for (const reading of event.readings) {
      const flags = reading.observations[0]?.flags;
      if (flags === undefined || flags.includes('future') || flags.includes('historical')) continue;
      const known = this.#entries.get(event.header.dataset)?.get(event.header.producer);
      if (known === undefined || reading.phenomenonTime > known.phenomenonTime) this.#set(entryOf(event, reading));
      else if (reading.phenomenonTime === known.phenomenonTime) this.#merge(reading.observations);
    }
  }

  /** Items as JSON texts, in order of dataset and producer. @param hidden datasets that are left out */
  texts(filter: { readonly dataset?: string | undefined; readonly producer?: string | undefined }, hidden?: ReadonlySet<string>): string[] {
    const texts: string[] = [];
    const datasets = filter.dataset === undefined ? [...this.#entries.keys()].sort() : [filter.dataset];
    for (const dataset of datasets) {
      const entries = this.#entries.get(dataset);
      if (entries === undefined || hidden?.has(dataset) === true) continue;
      const producers = filter.producer === undefined ? [...entries.keys()].sort() : [filter.producer];
      for (const producer of producers) {
        const entry = entries.get(producer);
        if (entry === undefined) continue;
        entry.text ??= JSON.stringify(itemOf(entry));
        texts.push(entry.text);
      }
    }
    return texts;
  }

  /** Producers that have a value younger than three times their dataset's cadence. */
  countReporting(nowMs: number): number {
    const reporting = new Set<string>();
    for (const [dataset, entries] of this.#entries) {
      const cadenceMs = this.#registry.current(dataset)?.cadenceMs;
      if (cadenceMs === undefined) continue;
      for (const entry of entries.values()) if (nowMs - entry.phenomenonTime <= 3 * cadenceMs) reporting.add(entry.producer);
    }
    return reporting.size;
  }

  /** Joins values of one moment: for a property that comes twice, the later record counts. */
  #merge(observations: readonly Observation[]): void {
    const [first] = observations;
    if (first === undefined) return;
    const known = this.#entries.get(first.dataset)?.get(first.producer);
    const kept = known?.observations.filter((old) => !observations.some((one) => one.observedProperty === old.observedProperty)) ?? [];
    const joined = [...kept, ...observations];
    const definition = this.#registry.at(first.dataset, first.position);
    this.#set({
      agency: first.agency,
      dataset: first.dataset,
      producer: first.producer,
      phenomenonTime: first.phenomenonTime,
      receivedAt: first.receivedAt,
      position: first.position,
      observations: joined,
      index: airIndexOf(definition, joined),
    });
  }

  #set(entry: LatestEntry): void {
    const entries = this.#entries.get(entry.dataset);
    if (entries === undefined) this.#entries.set(entry.dataset, new Map([[entry.producer, entry]]));
    else entries.set(entry.producer, entry);
  }
}

/** The values of the newest moment of every producer that a condition lets through. */
async function newest(store: Pick<Store, 'query'>, condition: string): Promise<Observation[]> {
  const isCurrent = `${condition} AND NOT startsWith(flags, '["future"') AND NOT startsWith(flags, '["historical"')`;
  const rows = await store.query(
    `SELECT ${OBSERVATION_COLUMNS}
     FROM ${DATABASE}.observations
     WHERE ${isCurrent} AND (dataset, producer, phenomenonTime) IN (
       SELECT dataset, producer, max(phenomenonTime) FROM ${DATABASE}.observations WHERE ${isCurrent} GROUP BY dataset, producer)
     ORDER BY dataset, producer, position, ordinal`,
    'bulk',
    BULK_TIMEOUT_MS,
  );
  return rows.map(observationOf);
}

function entryOf({ header, position }: ReadingsEvent, { phenomenonTime, observations, index }: DecodedReading): LatestEntry {
  const { agency, dataset, producer, receivedAt } = header;
  return { agency, dataset, producer, phenomenonTime, receivedAt, position, observations, index };
}

/** A reading as the API shows it. */
export function itemOf(entry: Omit<LatestEntry, 'text'>): LatestItem {
  const values: LatestItem['values'] = {};
  for (const { observedProperty, result, unit, flags, position } of entry.observations) {
    const other = position === entry.position ? {} : { record: String(position) };
    values[observedProperty] = { result, unit, flags: [...flags], ...other };
  }
  return {
    agency: entry.agency,
    dataset: entry.dataset,
    producer: entry.producer,
    phenomenonTime: new Date(entry.phenomenonTime).toISOString(),
    receivedAt: new Date(entry.receivedAt).toISOString(),
    record: String(entry.position),
    values,
    ...(entry.index === undefined ? {} : { index: indexItemOf(entry.index) }),
  };
}

function indexItemOf({ standard, aqi, level, primary, iaqi, reason }: AqiReport): AirIndex {
  return {
    standard,
    aqi,
    level,
    primary: [...primary],
    iaqi: { ...iaqi } as { [p: string]: number },
    ...(reason === undefined ? {} : { reason }),
  };
}
