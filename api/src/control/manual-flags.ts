/** What people have said of the quality of values: `sys.flags` folded. The last record of an id counts; of several flags about a value the newest. */
import type { FlagRecord } from '@airtight/protocol';

export interface FlagOnRecord {
  /** Of the record that put it there. */
  readonly position: number;
  readonly record: FlagRecord;
  /** Id of the person's own key, where the record carries that signature. */
  readonly key: string | null;
  /** The record that withdrew it. */
  readonly withdrawn?: { readonly position: number; readonly record: FlagRecord };
}

export interface FlaggedSeries {
  readonly dataset: string;
  readonly producer: string;
  readonly observedProperty: string;
}

const NONE: readonly FlagRecord[] = [];

export class ManualFlags {
  /** By series, then by id; in order of the journal. */
  readonly #series = new Map<string, Map<string, FlagOnRecord>>();

  take(position: number, record: FlagRecord, signedWith: string | null): void {
    const key = keyOf(record);
    const ofSeries = this.#series.get(key) ?? new Map<string, FlagOnRecord>();
    this.#series.set(key, ofSeries);
    const known = ofSeries.get(record.id);
    if (record.flag !== null) ofSeries.set(record.id, { position, record, key: signedWith });
    else if (known !== undefined) ofSeries.set(record.id, { ...known, withdrawn: { position, record } });
  }

  /** All that were ever put on a series, oldest first. */
  of(series: FlaggedSeries): readonly FlagOnRecord[] {
    return [...(this.#series.get(keyOf(series))?.values() ?? [])];
  }

  /** Positions of the records, withdrawals too, about values of these datasets. @param producer null: of every producer */
  positions(datasets: readonly string[], producer: string | null): number[] {
    const positions: number[] = [];
    for (const ofSeries of this.#series.values())
      for (const { position, record, withdrawn } of ofSeries.values()) {
        if (!datasets.includes(record.dataset) || (producer !== null && record.producer !== producer)) continue;
        positions.push(position, ...(withdrawn === undefined ? [] : [withdrawn.position]));
      }
    return positions;
  }

  /** Those in force on a dataset, the newest first. */
  inForceOn(dataset: string): readonly FlagRecord[] {
    return this.all()
      .filter(({ record, withdrawn }) => withdrawn === undefined && record.dataset === dataset)
      .map(({ record }) => record)
      .reverse();
  }

  /** Every flag that was ever set, the newest last. */
  all(): readonly FlagOnRecord[] {
    return [...this.#series.values()].flatMap((ofSeries) => [...ofSeries.values()]).sort((a, b) => a.position - b.position);
  }

  /** Those in force, the newest first. */
  inForce(series: FlaggedSeries): readonly FlagRecord[] {
    // Asked for every value that comes; in most deployments there are none for days.
    const ofSeries = this.#series.size === 0 ? undefined : this.#series.get(keyOf(series));
    if (ofSeries === undefined) return NONE;
    return [...ofSeries.values()]
      .filter(({ withdrawn }) => withdrawn === undefined)
      .map(({ record }) => record)
      .reverse();
  }
}

/** Names have no spaces. */
function keyOf({ dataset, producer, observedProperty }: FlaggedSeries): string {
  return `${dataset} ${producer} ${observedProperty}`;
}
