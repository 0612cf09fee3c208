/** Which rows the store has deleted because payloads were removed by policy: what its own control data say. */
import { RETENTION_DATASET, type RetentionRecord } from '@airtight/protocol';
import type { JournalEvent } from '../decode/decoder.ts';
import { DATABASE } from '../project/schema.ts';
import { BULK_TIMEOUT_MS, type Store } from '../project/store.ts';
import { quoteText } from '../query/literal.ts';

export interface RemovedRecords {
  /** Retention records read. */
  readonly count: number;
  covers(event: Pick<JournalEvent, 'position' | 'header'>): boolean;
}

/** Reads all retention records that have been projected. */
export async function readRemoved(store: Pick<Store, 'query'>): Promise<RemovedRecords> {
  const condition = `dataset = ${quoteText(RETENTION_DATASET)}`;
  const rows = await store.query(`SELECT payload FROM ${DATABASE}.control WHERE ${condition} ORDER BY position`, 'bulk', BULK_TIMEOUT_MS);
  /** By dataset, ascending: removal goes from the oldest on. */
  const ranges = new Map<string, RetentionRecord[]>();
  for (const [payload] of rows) {
    const record = JSON.parse(String(payload)) as RetentionRecord;
    const known = ranges.get(record.dataset);
    if (known === undefined) ranges.set(record.dataset, [record]);
    else known.push(record);
  }
  return {
    count: rows.length,
    covers: ({ position, header }) => {
      const range = rangeAt(ranges.get(header.dataset) ?? [], position);
      return range !== undefined && range.kept?.includes(position) !== true;
    },
  };
}

function rangeAt(ranges: readonly RetentionRecord[], position: number): RetentionRecord | undefined {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const range = ranges[middle] as RetentionRecord;
    if (position < range.fromPosition) high = middle - 1;
    else if (position > range.toPosition) low = middle + 1;
    else return range;
  }
  return undefined;
}
