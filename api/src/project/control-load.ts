/** Control data out of the table at the start. */
import type { ControlRecord } from '@airtight/protocol';
import type { ControlState } from '../control/control-state.ts';
import { DATABASE } from './schema.ts';
import { BULK_TIMEOUT_MS, type Store } from './store.ts';

/** Folds every stored control record, in order of position. */
export async function loadControl(store: Pick<Store, 'query'>, state: ControlState): Promise<void> {
  const rows = await store.query(
    `SELECT position, agency, receivedAt, payload FROM ${DATABASE}.control ORDER BY position`,
    'bulk',
    BULK_TIMEOUT_MS,
  );
  for (const row of rows) {
    const [position, agency, receivedAt, payload] = row as [number, string, number, string];
    state.take({ position, header: { agency, receivedAt }, record: JSON.parse(payload) as ControlRecord });
  }
}
