/** How far the regions are, as their public interfaces tell anybody. */
import type { EvidenceItem, LedgerDetail } from '@airtight/protocol';
import { answers } from '../waiting.ts';
import type { Region } from './region.ts';

const ANSWER_TIMEOUT_MS = 3000;

/** The ledger of a region; undefined while it does not answer. */
export async function ledgerOf({ url }: Region): Promise<LedgerDetail | undefined> {
  try {
    const response = await fetch(`${url}/api/v1/ledger`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return response.ok ? ((await response.json()) as LedgerDetail) : undefined;
  } catch {
    return undefined;
  }
}

/** Ready, and some of its ledger cosigned by the others. */
export async function isFinal(region: Region): Promise<boolean> {
  if (!(await answers(`${region.url}/readyz`))) return false;
  const ledger = await ledgerOf(region);
  return ledger !== undefined && ((ledger.finalSize ?? 0) > 0 || ledger.isFrozen);
}

/** Evidence about a log that raised an alert in a region; newest first. */
export async function provenForks(region: Region, origin: string): Promise<readonly EvidenceItem[]> {
  const evidence = (await ledgerOf(region))?.evidence ?? [];
  return evidence.filter((item) => item.origin === origin && item.alert !== null);
}
