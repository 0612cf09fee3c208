/** Which records can be proven by now. */
import type { IngestClient } from '../upstream/ingest-client.ts';

/**
 * Those of the positions whose batch is in the ledger. Asked of ingest itself: what was heard of it last may be a second old, and
 * would leave out what is anchored.
 * @throws AirtightError SERVICE_UNAVAILABLE
 */
export async function anchoredPositions(positions: readonly number[], ingest: Pick<IngestClient, 'status'>): Promise<number[]> {
  const { anchoredThrough } = await ingest.status();
  return positions.filter((position) => position < anchoredThrough);
}
