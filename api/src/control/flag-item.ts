import type { FlagItem } from '@airtight/protocol';
import type { FlagOnRecord } from './manual-flags.ts';

/** What a record of `sys.flags`, and its withdrawal, tell readers. */
export function flagItemOf({ position, record, key, withdrawn }: FlagOnRecord): FlagItem {
  const { id, dataset, producer, observedProperty, from, to, flag, reason, by, at } = record;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ id, dataset, producer, observedProperty, from: time(from), to: time(to) },
    ...{ flag: flag as number, reason, by, key, at: time(at), record: String(position) },
    ...(withdrawn === undefined
      ? {}
      : {
          withdrawn: {
            ...{ by: withdrawn.record.by, at: time(withdrawn.record.at) },
            ...{ reason: withdrawn.record.reason, record: String(withdrawn.position) },
          },
        }),
  };
}
