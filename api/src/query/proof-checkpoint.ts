/** Under which checkpoint entries are proven. */
import { AirtightError } from '@airtight/protocol';
import type { LedgerInfo, SignedCheckpoint } from '../upstream/ledger-client.ts';

/**
 * The newest checkpoint with enough cosignatures, when it covers the entry: that proof convinces also whoever trusts the
 * witnesses more than the log. Else the newest one, which the log alone may have signed so far.
 * @param index of the last entry that is to be proven
 * @throws AirtightError RECORD_NOT_ANCHORED when none covers it
 */
export function checkpointOver(index: number, info: LedgerInfo): SignedCheckpoint {
  if (info.final !== null && index < info.final.size) return info.final;
  if (index < info.size) return info;
  throw new AirtightError('RECORD_NOT_ANCHORED', `entry ${index}, the checkpoint covers ${info.size}`);
}
