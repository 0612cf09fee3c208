/** Holds the store against the journal, row by row: every row must be what decoding the journal gives, and no other may be there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Code, DatasetRegistry } from '@airtight/protocol';
import { decodeFrame, type JournalEvent } from '../decode/decoder.ts';
import { Births } from '../feed/births.ts';
import { flagsText, KIND_BOOLEAN, KIND_NUMBER, KIND_TEXT } from '../project/rows.ts';
import { DATABASE, TABLES, type Table } from '../project/schema.ts';
import { BULK_TIMEOUT_MS, type Row, type Store } from '../project/store.ts';
import { QualityStage } from '../quality/quality-stage.ts';
import { testsText, type Verdict, worstOf } from '../quality/verdict.ts';
import { wholeLiteral } from '../query/literal.ts';
import type { IngestClient } from '../upstream/ingest-client.ts';
import { ORDER_OF } from './digest.ts';
import { readRemoved } from './removed-rows.ts';

/** Journal bytes compared at once: some 10,000 records. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Longer than it takes to write a block. */
const RECHECK_MS = 2000;

export interface AuditFinding {
  readonly code: Extract<Code, 'STORE_MISMATCH'>;
  readonly table: Table;
  /** Journal position of the first row that differs. */
  readonly position: number;
  readonly detail: string;
}
export interface AuditReport {
  /** Records below this position were compared. */
  readonly through: number;
  readonly rows: { readonly [table in Table]: number };
  /** The first difference in order of position; null: the store is what the journal says. */
  readonly finding: AuditFinding | null;
}

const COLUMNS: { readonly [table in Table]: string } = {
  observations:
    'position, ordinal, agency, dataset, producer, observedProperty, phenomenonTime, receivedAt, kind, result, text, unit, flags',
  indices: 'position, ordinal, agency, dataset, producer, phenomenonTime, receivedAt, standard, aqi, primaries, reason',
  verdicts: 'position, ordinal, dataset, producer, observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal, flag, tests',
  alerts: 'position, agency, producer, receivedAt, alert, type, payload',
  ticks: 'position, at',
  control: 'position, agency, dataset, producer, receivedAt, payload',
};

/** How far each table is to be compared: positions below. */
export type TableEnds = { readonly [table in Table]: number };

/**
 * Compares all rows of positions below each table's end, and that there are none that the journal has not.
 * @param from position from which on rows are compared; what comes before is read for what it defines
 * @throws AirtightError SERVICE_UNAVAILABLE when the feed breaks off, JOURNAL_CORRUPT when it is not sound itself
 */
export async function auditTables(store: Store, ingest: Pick<IngestClient, 'feed'>, ends: TableEnds, from = 0): Promise<AuditReport> {
  const registry = new DatasetRegistry();
  const quality = new QualityStage();
  const births = new Births(ingest);
  const rows: { [table in Table]: number } = { control: 0, ticks: 0, alerts: 0, indices: 0, verdicts: 0, observations: 0 };
  const through = Math.max(...Object.values(ends));
  let removed = await readRemoved(store);
  let next = 0;
  while (next < through) {
    const counted = { ...rows };
    const chunk = await ingest.feed({ from: next, waitMs: 0, maxBytes: CHUNK_BYTES });
    if (chunk.next === next) break;
    const end = Math.min(chunk.next, through);
    const expected = emptyRows();
    const expired = new Set<number>();
    for (const frame of await births.framesOf(chunk)) {
      if (frame.position >= end) break;
      const event = decodeFrame(frame, registry);
      expectVerdicts(event, quality.take(event), expected);
      if (event.kind === 'expired') expired.add(event.position);
      else if (!removed.covers(event)) expectRows(event, expected);
      // Of what the journal has lost and the store not yet been told of, the rows may still be there.
      if (event.kind === 'expired' && removed.covers(event)) expired.delete(event.position);
    }
    const findings: AuditFinding[] = [];
    for (const table of TABLES) {
      // What a removed value once said of its neighbours cannot be reckoned again.
      if (table === 'verdicts' && removed.count > 0) continue;
      const tableEnd = Math.min(end, ends[table]);
      const begin = Math.max(next, from);
      const stored = tableEnd > begin ? await readRows(store, table, begin, tableEnd) : [];
      rows[table] += stored.length;
      const wanted = expected[table].filter(([position]) => Number(position) >= from && Number(position) < tableEnd);
      const held = stored.filter(([position]) => !expired.has(Number(position)));
      const finding = firstDifference(table, wanted, held);
      if (finding !== null) findings.push(finding);
    }
    const [first] = findings.sort((a, b) => a.position - b.position);
    if (first !== undefined) {
      // Rows are deleted a moment before their removal is in the table of control data.
      await sleep(RECHECK_MS);
      const now = await readRemoved(store);
      if (now.count === removed.count) return { through: next, rows, finding: first };
      removed = now;
      for (const table of TABLES) rows[table] = counted[table];
      continue;
    }
    next = end;
  }
  return { through: next, rows, finding: next < through ? beyondJournal(next) : null };
}

type ExpectedRows = { readonly [table in Table]: Row[] };

function emptyRows(): ExpectedRows {
  return { control: [], ticks: [], alerts: [], indices: [], verdicts: [], observations: [] };
}

/** The rows a record must have, in the order of COLUMNS. Written down a second time on purpose: it checks the first. */
function expectRows(event: JournalEvent, expected: ExpectedRows): void {
  const { position, header } = event;
  const { agency, dataset, producer, receivedAt } = header;
  if (event.kind === 'control') expected.control.push([position, agency, dataset, producer, receivedAt, event.text]);
  if (event.kind === 'tick') expected.ticks.push([position, event.at]);
  if (event.kind === 'alert') {
    const { alert, type } = event.transition;
    expected.alerts.push([position, agency, producer, receivedAt, String(alert), String(type), event.text]);
  }
  if (event.kind !== 'readings') return;
  event.observations.forEach((o, ordinal) => {
    const kind = { number: KIND_NUMBER, string: KIND_TEXT, boolean: KIND_BOOLEAN }[typeof o.result as 'number' | 'string' | 'boolean'];
    const [result, text] = typeof o.result === 'string' ? [0, o.result] : [Number(o.result), ''];
    const names = [agency, dataset, producer, o.observedProperty];
    expected.observations.push([
      position,
      ordinal,
      ...names,
      o.phenomenonTime,
      receivedAt,
      kind,
      result,
      text,
      wellFormed(o.unit),
      wellFormed(flagsText(o.flags)),
    ]);
  });
  event.readings.forEach(({ phenomenonTime, index }, ordinal) => {
    if (index === undefined) return;
    const { standard, aqi, primary, reason } = index;
    const primaries = primary.length === 0 ? '' : JSON.stringify(primary);
    expected.indices.push([
      position,
      ordinal,
      agency,
      dataset,
      producer,
      phenomenonTime,
      receivedAt,
      standard,
      aqi,
      primaries,
      reason ?? '',
    ]);
  });
}

function expectVerdicts({ position, header }: JournalEvent, verdicts: readonly Verdict[], expected: ExpectedRows): void {
  verdicts.forEach(({ observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal, bits }, ordinal) => {
    const value = [header.dataset, header.producer, observedProperty, phenomenonTime, receivedAt, judged, judgedOrdinal];
    expected.verdicts.push([position, ordinal, ...value, worstOf(bits), testsText(bits)]);
  });
}

/** A lone surrogate has no UTF-8 form: it is stored as U+FFFD. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

function readRows(store: Store, table: Table, from: number, end: number): Promise<Row[]> {
  const window = `position >= ${wholeLiteral(from)} AND position < ${wholeLiteral(end)}`;
  const order = ORDER_OF[table];
  return store.query(`SELECT ${COLUMNS[table]} FROM ${DATABASE}.${table} WHERE ${window} ORDER BY ${order}`, 'bulk', BULK_TIMEOUT_MS);
}

/** Both lists are in order of their key, so the first place where they part is the first difference. */
function firstDifference(table: Table, expected: readonly Row[], stored: readonly Row[]): AuditFinding | null {
  const columns = COLUMNS[table].split(', ');
  const rows = Math.max(expected.length, stored.length);
  for (let i = 0; i < rows; i++) {
    const wanted = expected[i];
    const found = stored[i];
    const order = orderOf(table, wanted, found);
    if (order < 0) return mismatch(table, Number(wanted?.[0]), 'the row is missing');
    if (order > 0) return mismatch(table, Number(found?.[0]), 'a row that the journal does not give');
    const at = wanted?.findIndex((value, column) => !Object.is(value, found?.[column])) ?? -1;
    if (at < 0) continue;
    const detail = `${columns[at]}: stored ${JSON.stringify(found?.[at])}, the journal gives ${JSON.stringify(wanted?.[at])}`;
    return mismatch(table, Number(wanted?.[0]), detail);
  }
  return null;
}

/** Below 0: `a` comes first or stands alone; above 0: `b`; 0: they have the same key. */
function orderOf(table: Table, a: Row | undefined, b: Row | undefined): number {
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  const byPosition = Number(a[0]) - Number(b[0]);
  const hasOrdinal = ORDER_OF[table] !== 'position';
  return byPosition === 0 && hasOrdinal ? Number(a[1]) - Number(b[1]) : byPosition;
}

function beyondJournal(head: number): AuditFinding {
  return mismatch('observations', head, 'the store holds positions that the journal has not');
}

function mismatch(table: Table, position: number, detail: string): AuditFinding {
  return { code: 'STORE_MISMATCH', table, position, detail };
}
