/** Whose payloads go by a control record: by a retention policy, or by an erasure. */
import { type ControlRecord, ERASURES_DATASET, RETENTION_DATASET } from '../control.ts';

const DAY_MS = 86_400_000;

export interface Removal {
  readonly dataset: string;
  /** Of this producer alone; absent: of all. */
  readonly producer?: string;
  /** Received from … until before …, epoch ms; absent: at any time. */
  readonly received?: readonly [from: number, until: number];
  /** Journal positions of the first and the last. */
  readonly fromPosition: number;
  readonly toPosition: number;
  /** Positions between that stay. */
  readonly kept?: readonly number[];
}

/** Where such records stand. */
export const REMOVALS_DATASETS: readonly string[] = [RETENTION_DATASET, ERASURES_DATASET];

/** What a control record removes. */
export function removalsOf(record: ControlRecord): Removal[] {
  if (record.type === 'retention') {
    const { dataset, fromPosition, toPosition, kept } = record;
    return [{ dataset, fromPosition, toPosition, ...(kept === undefined ? {} : { kept }) }];
  }
  if (record.type !== 'erasure') return [];
  const { producer, day, datasets, erased } = record;
  const dayStart = Date.parse(day);
  const received = [dayStart, dayStart + DAY_MS] as const;
  return datasets.flatMap((dataset) =>
    erased.map(({ fromPosition, toPosition }) => ({ dataset, producer, received, fromPosition, toPosition })),
  );
}
