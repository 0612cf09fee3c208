/** Which rows the store has deleted because payloads were removed by policy or erased: what its own control data say. */
import { type ControlRecord, REMOVALS_DATASETS, type Removal, removalsOf } from '@airtight/protocol';
import type { JournalEvent } from '../decode/decoder.ts';
import { DATABASE } from '../project/schema.ts';
import { BULK_TIMEOUT_MS, type Store } from '../project/store.ts';
import { quoteText } from '../query/literal.ts';

export interface RemovedRecords {
  /** Records of removals read. */
  readonly count: number;
  covers(event: Pick<JournalEvent, 'position' | 'header'>): boolean;
}

/** Reads all records of removals that have been projected. */
export async function readRemoved(store: Pick<Store, 'query'>): Promise<RemovedRecords> {
  const condition = `dataset IN (${REMOVALS_DATASETS.map(quoteText).join(', ')})`;
  const rows = await store.query(`SELECT payload FROM ${DATABASE}.control WHERE ${condition} ORDER BY position`, 'bulk', BULK_TIMEOUT_MS);
  /** By dataset, ascending: removal goes from the oldest on. */
  const ranges = new Map<string, Removal[]>();
  /** By dataset and producer. */
  const erased = new Map<string, Removal[]>();
  for (const [payload] of rows) {
    for (const removal of removalsOf(JSON.parse(String(payload)) as ControlRecord)) {
      const { dataset, producer } = removal;
      const [of, key] = producer === undefined ? [ranges, dataset] : [erased, `${dataset} ${producer}`];
      const known = of.get(key);
      if (known === undefined) of.set(key, [removal]);
      else known.push(removal);
    }
  }
  return {
    count: rows.length,
    covers: ({ position, header }) => {
      const { dataset, producer, receivedAt } = header;
      if (erased.get(`${dataset} ${producer}`)?.some((removal) => isWithin(removal, position, receivedAt)) === true) return true;
      const range = rangeAt(ranges.get(dataset) ?? [], position);
      return range !== undefined && range.kept?.includes(position) !== true;
    },
  };
}

function isWithin({ fromPosition, toPosition, received = [0, Infinity] }: Removal, position: number, receivedAt: number): boolean {
  return position >= fromPosition && position <= toPosition && receivedAt >= received[0] && receivedAt < received[1];
}

function rangeAt(ranges: readonly Removal[], position: number): Removal | undefined {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const range = ranges[middle] as Removal;
    if (position < range.fromPosition) high = middle - 1;
    else if (position > range.toPosition) low = middle + 1;
    else return range;
  }
  return undefined;
}
