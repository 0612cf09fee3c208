/** A piece of work of a running audit, small enough to be done again when it has found something. */
import { setTimeout as delay } from 'node:timers/promises';
import { auditIndices, auditSeals } from '../audit/audit-derived.ts';
import { auditEntries } from '../audit/audit-entries.ts';
import { auditJournal, auditQuarantine, chainPointAt } from '../audit/audit-journal.ts';
import { auditKeys } from '../audit/audit-keys.ts';
import { auditRemovals } from '../audit/audit-removals.ts';
import { auditStored } from '../audit/audit-store.ts';
import type { Finding, StageResult } from '../audit/finding.ts';
import { auditKeptForOthers, auditLedgerState, readVkey } from '../audit/run-audit.ts';
import type { DataDirectory } from '../data-directory.ts';
import type { Running } from '../endpoints.ts';

export type AuditTask =
  /** Batches with their records and their entries, from one sequence number to the one before another. */
  | { readonly kind: 'batches'; readonly from: number; readonly to: number }
  /** Bundles of the ledger's entries, up to the checkpoint; and that it begins with the one audited before. */
  | { readonly kind: 'bundles'; readonly from: number; readonly to: number }
  | { readonly kind: 'keys' | 'seals' | 'quarantine' | 'state' | 'anchors' | 'indices' | 'store' | 'removals' };

export interface TaskContext {
  readonly data: DataDirectory;
  readonly running: Running | undefined;
  readonly bytesPerSecondMax: number;
  /** The checkpoint that was audited last. */
  readonly before: { readonly size: number; readonly root: Buffer } | undefined;
  readonly signal: AbortSignal;
}

export interface TaskResult {
  readonly finding: Finding | undefined;
  /** Of bundles: the checkpoint they are under. */
  readonly checkpoint?: { readonly size: number; readonly root: Uint8Array };
}

export async function runTask(task: AuditTask, context: TaskContext): Promise<TaskResult> {
  const { data, running } = context;
  if (task.kind === 'batches') return { finding: await auditBatches(task, context) };
  if (task.kind === 'bundles') return await auditLedgerBundles(task, context);
  if (task.kind === 'removals') return { finding: await auditRemovals(data, (bytes) => pace(bytes, context)) };
  const results: { readonly [kind in typeof task.kind]: () => StageResult | Promise<StageResult> } = {
    keys: () => auditKeys(data),
    seals: () => auditSeals(data),
    quarantine: () => auditQuarantine(data),
    state: () => auditLedgerState(data),
    anchors: () => auditKeptForOthers(data),
    indices: () => auditIndices(data, () => {}),
    store: () => auditStored(data, running),
  };
  return { finding: (await results[task.kind]()).finding };
}

async function auditBatches(
  { from, to }: { readonly from: number; readonly to: number },
  context: TaskContext,
): Promise<Finding | undefined> {
  const { data, before } = context;
  const after = chainPointAt(data, from);
  if (after === undefined)
    return { stage: 'batches', code: 'BATCH_MALFORMED', file: 'journal/batches', detail: `batch ${from - 1} cannot be read` };
  const limits = { records: Number.POSITIVE_INFINITY, batches: to };
  const journal = auditJournal(data, limits, () => {}, { after });
  await pace(journal.bytes, context);
  if (journal.finding !== undefined || before === undefined) return journal.finding;
  const entries = auditEntries(data, limits, before.size, () => {}, journal.lookedAt);
  return entries.finding;
}

async function auditLedgerBundles(task: { readonly from: number; readonly to: number }, context: TaskContext): Promise<TaskResult> {
  const { auditBundles } = await import('@airtight/ledger');
  const { data, before } = context;
  const report = await auditBundles({
    dir: data.ledger,
    vkey: readVkey(data),
    choose: (size) => numbers(task.from, Math.min(task.to, Math.ceil(size / 256))),
    ...(before === undefined ? {} : { before }),
    pace: (bytes) => pace(bytes, context),
  });
  const { finding, checkpoint } = report;
  return {
    finding: finding === undefined ? undefined : { ...finding, stage: 'ledger', file: `ledger/${finding.file}` },
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

function* numbers(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i++) yield i;
}

/** Rests as long as so many bytes may take. */
async function pace(bytes: number, { bytesPerSecondMax, signal }: TaskContext): Promise<void> {
  const ms = Math.floor((bytes * 1000) / bytesPerSecondMax);
  if (ms > 0) await delay(ms, undefined, { signal });
}
