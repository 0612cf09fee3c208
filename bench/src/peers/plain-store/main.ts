/**
 * The peer of `query`: the same engine with the same observations in plain MergeTree tables, one without order and one in
 * order of time, asked without HTTP and without a memory of last values. Told what to do over IPC; ends with its parent.
 */
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import type { PlainStoreAnswer, PlainStoreRequest } from '../plain-store.ts';

type Connection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

// chdb declares the very interface, but from its own copy of the client's types.
const connection = createChdbConnection({ path: process.argv[2] ?? '' }) as unknown as Connection;
const client: ClickHouseClient = createClient({ connection });

const COLUMNS = 'producer LowCardinality(String), observedProperty LowCardinality(String), phenomenonTime Int64, result Float64';
const ORDERS = { unordered: 'tuple()', by_time: 'phenomenonTime' } as const;

async function handle(request: PlainStoreRequest): Promise<PlainStoreAnswer> {
  if (request.type === 'fill') {
    for (const [table, order] of Object.entries(ORDERS)) {
      await client.command({ query: `CREATE TABLE ${table} (${COLUMNS}) ENGINE = MergeTree ORDER BY ${order}` });
      await client.command({ query: `INSERT INTO ${table} ${request.select}` });
    }
    return { rows: [], ms: 0 };
  }
  const from = performance.now();
  const result = await client.query({ query: request.sql, format: 'JSONCompactEachRow' });
  const rows = await result.json<unknown[]>();
  return { rows, ms: performance.now() - from };
}

process.on('message', (request: PlainStoreRequest) => {
  handle(request).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
