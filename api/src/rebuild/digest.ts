/** A digest over everything in the store, in an order that does not depend on how it was written. */
import { createHash } from 'node:crypto';
import { DATABASE, TABLES, type Table } from '../project/schema.ts';
import { BULK_TIMEOUT_MS, type Store } from '../project/store.ts';
import { wholeLiteral } from '../query/literal.ts';

export interface TableDigest {
  readonly rows: number;
  /** Lower-case hex SHA-256 over the rows as tab-separated text, in order of position and ordinal. */
  readonly sha256: string;
}
export type StoreDigest = { readonly [table in Table]: TableDigest };

/** Positions read at once: some 300,000 rows of text. */
const POSITIONS_PER_READ = 50_000;

export const ORDER_OF: { readonly [table in Table]: string } = {
  observations: 'position, ordinal',
  indices: 'position, ordinal',
  verdicts: 'position, ordinal',
  alerts: 'position',
  ticks: 'position',
  control: 'position',
};

/** Digests of all tables: equal for two stores that hold the same. */
export async function digestTables(store: Store): Promise<StoreDigest> {
  const digests: { [table: string]: TableDigest } = {};
  for (const table of TABLES) digests[table] = await digestTable(store, table);
  return digests as StoreDigest;
}

async function digestTable(store: Store, table: Table): Promise<TableDigest> {
  const sha256 = createHash('sha256');
  let rows = 0;
  for await (const text of tableTexts(store, table)) {
    sha256.update(text);
    rows += text === '' ? 0 : text.split('\n').length - 1;
  }
  return { rows, sha256: sha256.digest('hex') };
}

async function* tableTexts(store: Store, table: Table): AsyncGenerator<string> {
  const [last] = await store.query(`SELECT max(position) FROM ${DATABASE}.${table}`, 'bulk', BULK_TIMEOUT_MS);
  const end = (last as [number])[0] + 1;
  for (let from = 0; from < end; from += POSITIONS_PER_READ) {
    const window = `position >= ${wholeLiteral(from)} AND position < ${wholeLiteral(from + POSITIONS_PER_READ)}`;
    yield await store.queryText(
      `SELECT * FROM ${DATABASE}.${table} WHERE ${window} ORDER BY ${ORDER_OF[table]}`,
      'TabSeparated',
      'bulk',
      BULK_TIMEOUT_MS,
    );
  }
}
