/** `airtight audit`: hashes everything in the data directory again, from the journal up to the store. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bilingual, CODES } from '@airtight/protocol';
import { type Policy, parsePolicy, type Vkey } from '@airtight/tlog';
import { auditEntries } from '../audit/audit-entries.ts';
import { auditJournal, type JournalLimits, NO_LIMITS } from '../audit/audit-journal.ts';
import { auditStored } from '../audit/audit-store.ts';
import type { AuditStage, Finding, StageResult } from '../audit/finding.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION } from '../command.ts';
import { type DataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { LOOPBACK, type Running, readRunning } from '../endpoints.ts';
import { IngestClient } from '../ingest-client.ts';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

const STAGES: { readonly [stage in AuditStage]: Bilingual } = {
  journal: { zh: '日志与批次', en: 'journal and batches' },
  batches: { zh: '批次', en: 'batches' },
  ledger: { zh: '账本', en: 'ledger' },
  entries: { zh: '批次与账本条目', en: 'batches in the ledger' },
  store: { zh: '查询库', en: 'store' },
};

const COUNTED: { readonly [what: string]: Bilingual } = {
  records: { zh: '条记录', en: 'records' },
  batches: { zh: '个批次', en: 'batches' },
  unsealed: { zh: '条未封批', en: 'not in a batch yet' },
  entries: { zh: '个条目', en: 'entries' },
  files: { zh: '个文件', en: 'files' },
  anchored: { zh: '个批次已入账', en: 'batches are entries' },
  waiting: { zh: '个待入账', en: 'waiting' },
  control: { zh: '条控制数据', en: 'control rows' },
  alerts: { zh: '条告警变化', en: 'alert rows' },
  indices: { zh: '条指数', en: 'index rows' },
  observations: { zh: '条观测', en: 'observation rows' },
};

type StageReport = StageResult & { readonly stage: AuditStage };

export const auditCommand = defineCommand({
  name: 'audit',
  summary: {
    zh: '重新计算数据目录中的全部哈希：日志 → 批次 → 账本 → 查询库',
    en: 'hash everything in the data directory again: journal → batches → ledger → store',
  },
  details: {
    zh: '服务运行或停止时都可以做；指出第一处不符的位置。退出码 0：全部相符；1：发现不符。',
    en: 'Works while the services run and while they are stopped; names the first place that does not match. Exit code 0: all matches; 1: something does not.',
  },
  operands: '',
  options: { data: DATA_OPTION, json: JSON_OPTION },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const data = dataDirectory(values.data);
    if (!existsSync(data.journal)) {
      throw new EnvironmentError({
        zh: `${data.root} 不是数据目录：没有 journal/`,
        en: `${data.root} is no data directory: there is no journal/`,
      });
    }
    const running = readRunning(data);
    const reports = await runStages(data, running, terminal, values.json === true);
    const findings = reports.flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
    if (values.json === true) terminal.json({ ok: findings.length === 0, findings, stages: reports });
    else if (findings.length === 0) terminal.say({ zh: '全部相符。', en: 'Everything matches.' });
    return findings.length === 0 ? EXIT.ok : EXIT.found;
  },
});

/** Journal and ledger are looked at in any case; what compares the two, and the store, needs a journal that is sound. */
async function runStages(data: DataDirectory, running: Running | undefined, terminal: Terminal, isQuiet: boolean): Promise<StageReport[]> {
  const reports: StageReport[] = [];
  const add = (stage: AuditStage, result: StageResult) => {
    reports.push({ stage, ...result });
    if (!isQuiet) showStage(stage, result, terminal);
  };
  const progress = (stage: AuditStage) => (done: number) => {
    const name = STAGES[stage];
    terminal.progress({ zh: `${name.zh}：${grouped(done)}`, en: `${name.en}: ${grouped(done)}` });
  };
  const limits = await limitsOf(data, running);
  const journal = auditJournal(data, limits, progress('journal'));
  add('journal', journal);
  const ledger = await auditLedgerFiles(data, progress('ledger'));
  add('ledger', ledger.result);
  if (journal.finding !== undefined) return reports;
  if (ledger.size !== undefined) add('entries', auditEntries(data, limits, ledger.size, progress('entries')));
  terminal.progress({ zh: '查询库……', en: 'store …' });
  add('store', await auditStored(data, running));
  return reports;
}

/** While ingest writes, what was there when the audit began is audited. */
async function limitsOf(data: DataDirectory, running: Running | undefined): Promise<JournalLimits> {
  if (running === undefined) return NO_LIMITS;
  const ingest = new IngestClient(`http://${LOOPBACK}:${running.ports.ingest}`, readInternalToken(data));
  const { head, batches } = await ingest.status();
  return { records: head, batches };
}

async function auditLedgerFiles(
  data: DataDirectory,
  onProgress: (done: number) => void,
): Promise<{ readonly result: StageResult; readonly size?: number }> {
  if (!existsSync(data.ledgerVkeyFile)) {
    throw new EnvironmentError({
      zh: `没有 ${data.ledgerVkeyFile}：缺少账本的验证密钥`,
      en: `There is no ${data.ledgerVkeyFile}: the verifier key of the ledger is missing`,
    });
  }
  const { auditLedger, auditWitness } = await import('@airtight/ledger');
  const vkey = readFileSync(data.ledgerVkeyFile, 'utf8').trim();
  const report = await auditLedger(data.ledger, vkey, (at) => onProgress(at.entries), witnessesOf(data));
  const { checkpoint, entries, files } = report;
  const finding = report.finding ?? (await auditWitness(data.ledger, cosignedLogsOf(data)))[0];
  const counts = { entries, files };
  if (finding !== undefined) return { result: { counts, finding: { ...finding, stage: 'ledger', file: join('ledger', finding.file) } } };
  return { result: { counts }, ...(checkpoint === undefined ? {} : { size: checkpoint.size }) };
}

/** The witnesses that readers are told to trust. */
function witnessesOf(data: DataDirectory): readonly Vkey[] {
  return readPolicy(data.policyFile)?.witnesses.map(({ vkey }) => vkey) ?? [];
}

/** The logs that this ledger cosigns. */
function cosignedLogsOf(data: DataDirectory): readonly Vkey[] {
  return readPolicy(data.witnessLogsFile)?.logs.map(({ vkey }) => vkey) ?? [];
}

function readPolicy(file: string): Policy | undefined {
  const policy = existsSync(file) ? parsePolicy(readFileSync(file, 'utf8')) : undefined;
  return policy?.ok === true ? policy.value : undefined;
}

function showStage(stage: AuditStage, { finding, counts, remark }: StageResult, terminal: Terminal): void {
  const numbers = Object.entries(counts)
    .map(([what, count]) => `${grouped(count)} ${terminal.text(COUNTED[what] ?? { zh: what, en: what })}`)
    .join(', ');
  const mark = finding === undefined ? terminal.style('green', '✓') : terminal.style('red', '✗');
  terminal.say(`${mark} ${terminal.text(STAGES[stage])}${numbers === '' ? '' : `  ${numbers}`}`);
  if (remark !== undefined) terminal.say(`  ${terminal.text(remark)}`);
  if (finding !== undefined)
    terminal.say(
      `  ${terminal.style('bold', finding.code)} ${terminal.text(CODES[finding.code])}\n  ${placeOf(finding)}: ${finding.detail}`,
    );
}

function placeOf({ file, offset, position }: Finding): string {
  const parts = [file, offset === undefined ? undefined : `byte ${offset}`, position === undefined ? undefined : `record ${position}`];
  return parts.filter((part) => part !== undefined).join(', ') || 'ledger';
}
