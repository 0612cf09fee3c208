/**
 * The store: ClickHouse, embedded (chDB) or a server by URL, behind `@clickhouse/client`.
 *
 * A chDB session is a mutex, so the writer has its own and readers share a few; bound parameters are serialised across the
 * whole process by chDB, so queries carry their values as checked literals (literal.ts) instead.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Removal } from '@airtight/protocol';
import { AirtightError } from '@airtight/protocol';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { drainPending } from 'chdb';
import { createChdbConnection } from 'chdb/connection';
import { quoteText, wholeLiteral } from '../query/literal.ts';
import { type Columns, encodeBlock, structureOf } from './native-block.ts';
import { ReaderPool } from './reader-pool.ts';
import { DATABASE, schemaStatements, type Table } from './schema.ts';

/**
 * Two kinds of queries, each with readers of its own, so that someone's export never holds up everybody's screens:
 * `quick` touches some granules of one series, `bulk` may read a whole table.
 */
export type Lane = 'quick' | 'bulk';
const LANES: { readonly [lane in Lane]: { readonly readers: number; readonly waitingMax: number; readonly memoryBytes: number } } = {
  quick: { readers: 3, waitingMax: 64, memoryBytes: 300 * 1024 * 1024 },
  bulk: { readers: 2, waitingMax: 16, memoryBytes: 600 * 1024 * 1024 },
};
const QUERY_THREADS = 2;
export const QUERY_TIMEOUT_MS = 5000;
/** For what reads everything: the start, digests, audits. */
export const BULK_TIMEOUT_MS = 600_000;
/** ClickHouse error codes. */
const TIMEOUT_EXCEEDED = '159';
const MEMORY_LIMIT_EXCEEDED = '241';

export interface StoreLocation {
  /** Folder of the embedded engine; unused with a server. */
  readonly dir: string;
  /** '' = embedded. */
  readonly clickhouseUrl: string;
}

export type Row = readonly unknown[];

export class Store {
  readonly #clients: ClickHouseClient[] = [];
  readonly #writer: ClickHouseClient;
  readonly #lanes: { readonly [lane in Lane]: ReaderPool<ClickHouseClient> };
  readonly #spoolDir: string | null;

  private constructor(connect: () => ClickHouseClient, spoolDir: string | null) {
    const open = (): ClickHouseClient => {
      const client = connect();
      this.#clients.push(client);
      return client;
    };
    const pool = ({ readers, waitingMax }: { readonly readers: number; readonly waitingMax: number }) =>
      new ReaderPool(Array.from({ length: readers }, open), waitingMax);
    this.#writer = open();
    this.#lanes = { quick: pool(LANES.quick), bulk: pool(LANES.bulk) };
    this.#spoolDir = spoolDir;
  }

  /**
   * Opens the store and makes the tables that are missing.
   * @throws AirtightError SERVICE_UNAVAILABLE when another process has it open: the embedded engine takes one per folder
   */
  static async open(location: StoreLocation): Promise<Store> {
    const store =
      location.clickhouseUrl === ''
        ? await openEmbedded(resolve(location.dir))
        : new Store(() => createClient({ url: location.clickhouseUrl, max_open_connections: 1 }), null);
    for (const statement of schemaStatements()) await store.#writer.command({ query: statement });
    return store;

    async function openEmbedded(dir: string): Promise<Store> {
      const path = `${dir}/clickhouse`;
      const spoolDir = `${dir}/spool`;
      await mkdir(path, { recursive: true });
      let store: Store;
      try {
        store = new Store(() => createClient({ connection: embeddedConnection(path) }), spoolDir);
      } catch (error) {
        throw new AirtightError('SERVICE_UNAVAILABLE', `the store in ${path} cannot be opened; another process may have it open`, {
          cause: error,
        });
      }
      // Only now is it certain that nobody else works here.
      await rm(spoolDir, { recursive: true, force: true });
      await mkdir(spoolDir, { recursive: true });
      return store;
    }
  }

  /**
   * Inserts a block as one part: there whole or not at all, and once, however often it is repeated with the same token.
   * @param token names the block's content
   */
  async insert(table: Table, columns: Columns, rows: number, token: string): Promise<void> {
    const bytes = encodeBlock(columns, rows);
    const settings = `insert_deduplicate = 1, insert_deduplication_token = ${quoteText(token)}, max_insert_threads = 1, max_threads = 1`;
    const into = `INSERT INTO ${DATABASE}.${table} (${Object.keys(columns).join(', ')})`;
    if (this.#spoolDir === null) {
      await this.#writer.exec({ query: `${into} SETTINGS ${settings} FORMAT Native`, values: Readable.from([Buffer.from(bytes)]) });
      return;
    }
    // The embedded engine takes binary formats from a file alone.
    const file = `${this.#spoolDir}/${table}.native`;
    await writeFile(file, bytes);
    const source = `file(${quoteText(file)}, 'Native', ${quoteText(structureOf(columns))})`;
    await this.#writer.command({ query: `${into} SELECT * FROM ${source} SETTINGS ${settings}` });
  }

  /**
   * Deletes the rows of records whose payloads a policy removed; resolves when they are gone from every answer. The
   * engine's own files lose them some minutes later, with the parts that were replaced. Harmless to repeat.
   */
  async remove(
    table: 'observations' | 'indices' | 'verdicts',
    { dataset, producer, received, fromPosition, toPosition, kept = [] }: Removal,
  ): Promise<void> {
    // A verdict goes with the value it is about.
    const position = table === 'verdicts' ? 'judged' : 'position';
    const conditions = [
      `dataset = ${quoteText(dataset)}`,
      `${position} >= ${wholeLiteral(fromPosition)}`,
      `${position} <= ${wholeLiteral(toPosition)}`,
      ...(producer === undefined ? [] : [`producer = ${quoteText(producer)}`]),
      ...(received === undefined ? [] : [`receivedAt >= ${wholeLiteral(received[0])}`, `receivedAt < ${wholeLiteral(received[1])}`]),
      ...(kept.length === 0 ? [] : [`${position} NOT IN (${kept.map(wholeLiteral).join(', ')})`]),
    ];
    const query = `ALTER TABLE ${DATABASE}.${table} DELETE WHERE ${conditions.join(' AND ')} SETTINGS mutations_sync = 2`;
    await this.#writer.command({ query });
  }

  /**
   * Rows of a SELECT, each an array of values in the order of its columns.
   * @throws AirtightError QUERY_TOO_SLOW, OVERLOADED
   */
  async query(sql: string, lane: Lane = 'quick', timeoutMs = QUERY_TIMEOUT_MS): Promise<Row[]> {
    const text = await this.queryText(sql, 'JSONCompactEachRow', lane, timeoutMs);
    return text === '' ? [] : (JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`) as Row[]);
  }

  /** The same as text in one of ClickHouse's formats. */
  async queryText(sql: string, format: 'JSONCompactEachRow' | 'TabSeparated', lane: Lane, timeoutMs: number): Promise<string> {
    const settings = [
      `max_execution_time = ${timeoutMs / 1000}`,
      `timeout_overflow_mode = 'throw'`,
      `max_threads = ${QUERY_THREADS}`,
      `max_memory_usage = ${LANES[lane].memoryBytes}`,
      'output_format_json_quote_64bit_integers = 0',
    ];
    return this.#lanes[lane].run(async (reader) => {
      try {
        const result = await reader.query({ query: `${sql} SETTINGS ${settings.join(', ')}`, format });
        return await result.text();
      } catch (error) {
        throw toProblem(error);
      }
    });
  }

  /** What the engine has begun it finishes. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    if (this.#spoolDir !== null) await drainPending();
  }
}

type EmbeddedConnection = NonNullable<NonNullable<Parameters<typeof createClient>[0]>['connection']>;

/** chdb declares the very interface, but from its own copy of the client's types. */
function embeddedConnection(path: string): EmbeddedConnection {
  return createChdbConnection({ path }) as unknown as EmbeddedConnection;
}

/** By code, not by class: client and embedded engine each bring their own ClickHouseError. */
function toProblem(error: unknown): unknown {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (code === TIMEOUT_EXCEEDED) return new AirtightError('QUERY_TOO_SLOW', 'max_execution_time', { cause: error });
  if (code === MEMORY_LIMIT_EXCEEDED) return new AirtightError('OVERLOADED', 'query memory', { cause: error });
  return error;
}
