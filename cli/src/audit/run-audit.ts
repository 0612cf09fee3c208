/** All stages of an audit of a data directory, one after the other, with what each has counted and found. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, encodeBase64, type Policy, parsePolicy, TILE_WIDTH, type Vkey } from '@airtight/tlog';
import { EnvironmentError } from '../command.ts';
import { type DataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Running } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { auditIndices, auditSeals } from './audit-derived.ts';
import { auditEntries, entriesOf } from './audit-entries.ts';
import { auditJournal, type JournalLimits, type JournalResult, NO_LIMITS } from './audit-journal.ts';
import { auditKeys } from './audit-keys.ts';
import { auditStored } from './audit-store.ts';
import { filesIn, kindOf } from './file-kinds.ts';
import type { AuditStage, Finding, Progress, StageResult } from './finding.ts';
import type { AuditDocument, StageReport } from './report.ts';
import { type AuditScope, sampleStatement } from './scope.ts';
import { tsaRootsOf } from './tsa-roots.ts';

export interface AuditOrder {
  readonly data: DataDirectory;
  readonly running: Running | undefined;
  readonly scope: AuditScope;
  /** As it was asked for, for the report. */
  readonly sinceText?: string | undefined;
  readonly version: string;
  readonly onStage: (report: StageReport) => void;
  readonly onProgress: (stage: AuditStage, done: number, total: number | undefined) => void;
}

export type AuditResult = Omit<AuditDocument, 'format' | 'auditor'>;

/** Files of no known kind that are named in a remark; the rest is counted. */
const UNKNOWN_SHOWN_MAX = 5;

export async function runAudit(order: AuditOrder): Promise<AuditResult> {
  const at = new Date();
  const begunAt = performance.now();
  const { data, running, scope } = order;
  const reports: StageReport[] = [];
  const add = (stage: AuditStage, result: StageResult): void => {
    const { counts, finding, remark } = result;
    const report = { stage, counts, ...(finding === undefined ? {} : { finding }), ...(remark === undefined ? {} : { remark }) };
    reports.push(report);
    order.onStage(report);
  };
  const limits = await limitsOf(data, running);
  const progress =
    (stage: AuditStage): Progress =>
    (done, total) =>
      order.onProgress(stage, done, total);
  const journal = auditJournal(data, limits, progress('journal'), scope);
  add('journal', journal);
  const ledger = await auditLedgerFiles(order, journal, progress('ledger'));
  add('ledger', ledger.result);
  if (ledger.result.finding === undefined) add('state', await auditLedgerState(data));
  add('keys', auditKeys(data));
  // What compares the two needs a journal that is sound; a seal does not.
  add('derived', auditSeals(data));
  if (journal.finding === undefined) await auditAgainstJournal(order, journal, ledger.checkpoint, limits, add);
  add('files', listFiles(data));
  const findings = reports.flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
  return {
    ok: findings.length === 0,
    at: at.toISOString(),
    tookMs: Math.round(performance.now() - begunAt),
    versions: { airtight: order.version, node: process.version },
    checkpoint: summaryOf(ledger.checkpoint),
    scope: scopeOf(order, journal),
    live: running !== undefined,
    stages: reports,
    findings,
  };
}

async function auditAgainstJournal(
  { data, running, scope, onProgress }: AuditOrder,
  journal: JournalResult,
  checkpoint: Checkpoint | undefined,
  limits: JournalLimits,
  add: (stage: AuditStage, result: StageResult) => void,
): Promise<void> {
  const progress =
    (stage: AuditStage): Progress =>
    (done, total) =>
      onProgress(stage, done, total);
  if (checkpoint !== undefined) add('entries', auditEntries(data, limits, checkpoint.size, progress('entries'), journal.lookedAt));
  if (scope.sample !== undefined) {
    const remark = { zh: '抽样不查派生文件与查询库', en: 'a sample leaves derived files and store out' };
    add('store', { counts: {}, remark });
    return;
  }
  add('index', await auditIndices(data, progress('index'), journal.firstPosition));
  onProgress('store', 0, undefined);
  add('store', await auditStored(data, running, journal.firstPosition));
}

/** While ingest writes, what was there when the audit began is audited. */
async function limitsOf(data: DataDirectory, running: Running | undefined): Promise<JournalLimits> {
  if (running === undefined) return NO_LIMITS;
  const ingest = new IngestClient(`http://${LOOPBACK}:${running.ports.ingest}`, readInternalToken(data));
  const { head, batches } = await ingest.status();
  return { records: head, batches };
}

interface LedgerResult {
  readonly result: StageResult;
  readonly checkpoint?: Checkpoint;
}

/** Everything; or, when only some batches were looked at, the bundles in which these are entries, up to the checkpoint. */
async function auditLedgerFiles({ data, scope }: AuditOrder, journal: JournalResult, onProgress: Progress): Promise<LedgerResult> {
  const vkey = readVkey(data);
  const { auditBundles, auditLedger } = await import('@airtight/ledger');
  const isAll = scope.since === undefined && scope.sample === undefined;
  const report = isAll
    ? await auditLedger(data.ledger, vkey, (at) => onProgress(at.entries, at.size), readPolicy(data.policyFile))
    : await auditBundles({
        dir: data.ledger,
        vkey,
        choose: (size) => bundlesOf(entriesOf(data, journal.lookedAt), size),
        onProgress: (entries) => onProgress(entries, undefined),
      });
  const { checkpoint, entries, files } = report;
  const counts = { entries, files };
  const finding = report.finding === undefined ? (await auditKeptForOthers(data)).finding : ledgerFinding(report.finding);
  const result: StageResult = finding === undefined ? { counts } : { counts, finding };
  return { result, ...(checkpoint === undefined ? {} : { checkpoint }) };
}

/** What was cosigned for other logs with the evidence against them, and the receipts of outside anchors. */
export async function auditKeptForOthers(data: DataDirectory): Promise<StageResult> {
  const { auditAnchors, auditWitness } = await import('@airtight/ledger');
  const finding =
    (await auditWitness(data.ledger, cosignedLogsOf(data)))[0] ??
    (await auditAnchors({ dir: data.ledger, vkey: readVkey(data), tsaRoots: await tsaRootsOf(data) }))[0];
  return finding === undefined ? { counts: {} } : { counts: {}, finding: ledgerFinding(finding) };
}

/** As the ledger's own audit says it, by its place in the data directory. */
function ledgerFinding(finding: Omit<Finding, 'stage'>): Finding {
  return { ...finding, stage: 'ledger', file: join('ledger', finding.file ?? '') };
}

function bundlesOf(entries: readonly number[], size: number): number[] {
  const bundles = entries.filter((index) => index < size).map((index) => Math.floor(index / TILE_WIDTH));
  return [...new Set(bundles)].sort((a, b) => a - b);
}

/** The ledger's database, against the published files. */
export async function auditLedgerState(data: DataDirectory): Promise<StageResult> {
  const { auditState } = await import('@airtight/ledger');
  const { rows, finding, wasRead } = await auditState(data.ledger, readVkey(data));
  if (finding !== undefined) return { counts: { rows }, finding: { ...finding, stage: 'state', file: join('ledger', finding.file) } };
  if (wasRead) return { counts: { rows } };
  return {
    counts: {},
    remark: { zh: '没有账本数据库（公开文件的副本不含它）', en: 'there is none (a copy of the public files has none)' },
  };
}

function listFiles(data: DataDirectory): StageResult {
  const unknown: string[] = [];
  let files = 0;
  for (const path of filesIn(data.root)) {
    files++;
    if (kindOf(path) === undefined) unknown.push(path);
  }
  if (unknown.length === 0) return { counts: { files } };
  const shown = unknown.slice(0, UNKNOWN_SHOWN_MAX).join(', ');
  return {
    counts: { files, unknown: unknown.length },
    remark: { zh: `不属于任何已知种类：${shown}`, en: `of no known kind: ${shown}` },
  };
}

/** @throws EnvironmentError when there is none */
export function readVkey(data: DataDirectory): string {
  if (existsSync(data.ledgerVkeyFile)) return readFileSync(data.ledgerVkeyFile, 'utf8').trim();
  throw new EnvironmentError({
    zh: `没有 ${data.ledgerVkeyFile}：缺少账本的验证密钥`,
    en: `There is no ${data.ledgerVkeyFile}: the verifier key of the ledger is missing`,
  });
}

/** The logs that this ledger cosigns. */
function cosignedLogsOf(data: DataDirectory): readonly Vkey[] {
  return readPolicy(data.witnessLogsFile)?.logs.map(({ vkey }) => vkey) ?? [];
}

/** For `policyFile`: whom readers are told to trust. */
function readPolicy(file: string): Policy | undefined {
  const policy = existsSync(file) ? parsePolicy(readFileSync(file, 'utf8')) : undefined;
  return policy?.ok === true ? policy.value : undefined;
}

function summaryOf(checkpoint: Checkpoint | undefined): AuditDocument['checkpoint'] {
  return checkpoint === undefined ? null : { origin: checkpoint.origin, size: checkpoint.size, root: encodeBase64(checkpoint.root) };
}

function scopeOf({ scope, sinceText }: AuditOrder, { lookedAt }: JournalResult): AuditDocument['scope'] {
  const since = sinceText ?? null;
  if (scope.sample === undefined) return { kind: since === null ? 'all' : 'since', since, sample: null };
  return { kind: 'sample', since, sample: sampleStatement(scope.sample.seed, lookedAt.chosen?.size ?? 0, lookedAt.of) };
}
