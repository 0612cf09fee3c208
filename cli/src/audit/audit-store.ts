/** The store against the journal, by the read side's own comparison: in the running api, or here when it is stopped. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Code } from '@airtight/protocol';
import { EnvironmentError } from '../command.ts';
import { type DataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Running } from '../endpoints.ts';
import { serveJournal } from '../journal/journal-feed.ts';
import type { StageResult } from './finding.ts';

/** Comparing a year of a region takes a while. */
const REQUEST_TIMEOUT_MS = 3_600_000;

/** Errors of ClickHouse have numbers. */
const CLICKHOUSE_CODE = /^\d+$/;

/** What both ways answer. */
interface StoreReport {
  readonly through: number;
  readonly rows: { readonly [table: string]: number };
  readonly finding: { readonly code: Code; readonly table: string; readonly position: number; readonly detail: string } | null;
}

/** ClickHouse keeps checksums of its own files: what it refuses to read is damaged. */
function unreadable(error: unknown): StoreReport {
  if (!(error instanceof Error) || ('code' in error && !CLICKHOUSE_CODE.test(String(error.code)))) throw error;
  const [detail = ''] = error.message.split('\n');
  return { through: 0, rows: {}, finding: { code: 'STORE_MISMATCH', table: 'store', position: 0, detail: `it cannot be read: ${detail}` } };
}

/** @param from position from which on rows are compared */
export async function auditStored(data: DataDirectory, running: Running | undefined, from = 0): Promise<StageResult> {
  if (running === undefined && !existsSync(join(data.store, 'clickhouse')))
    return { counts: {}, remark: { zh: '尚无查询库', en: 'there is no store yet' } };
  const report = await (running === undefined ? auditStopped(data, from).catch(unreadable) : auditRunning(data, running, from));
  const { indices, ...rows } = report.rows;
  const counts = { records: report.through - from, ...rows, indexRows: indices ?? 0 };
  if (report.finding === null) return { counts };
  const { code, table, position, detail } = report.finding;
  return { counts, finding: { stage: 'store', code, file: 'store', position, detail: `${table}: ${detail}` } };
}

async function auditRunning(data: DataDirectory, running: Running, from: number): Promise<StoreReport> {
  const url = `http://${LOOPBACK}:${running.ports.http}/internal/audit-store?from=${from}`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${readInternalToken(data)}` },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch((error: unknown) => error as Error);
  if (response instanceof Response && response.ok) return (await response.json()) as StoreReport;
  const reason = response instanceof Response ? `HTTP ${response.status} ${await response.text()}` : response.message;
  throw new EnvironmentError({ zh: `api 未能核对查询库：${reason}`, en: `The api could not check its store: ${reason}` });
}

async function auditStopped(data: DataDirectory, from: number): Promise<StoreReport> {
  const { auditStore, loadApiConfig } = await import('@airtight/api');
  const feed = await serveJournal(join(data.journal, 'records'), readInternalToken(data));
  try {
    return await auditStore(loadApiConfig(stoppedApiEnvironment(data, feed.url)), from);
  } finally {
    await feed.close();
  }
}

/** The api's settings for work on a stopped deployment's store. */
export function stoppedApiEnvironment(data: DataDirectory, feedUrl: string): { readonly [name: string]: string | undefined } {
  return {
    ...process.env,
    AIRTIGHT_DATA: data.root,
    AIRTIGHT_TOKEN_FILE: data.internalTokenFile,
    AIRTIGHT_INGEST_URL: feedUrl,
  };
}
