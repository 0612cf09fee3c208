/** `airtight audit`: hashes everything in the data directory again, from the journal up to the store. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODES } from '@airtight/protocol';
import { auditorKey, vkeyFileOf } from '../audit/auditor-key.ts';
import type { AuditStage } from '../audit/finding.ts';
import { type StageReport, signReport } from '../audit/report.ts';
import { reportPage } from '../audit/report-page.ts';
import { type AuditResult, runAudit } from '../audit/run-audit.ts';
import type { AuditScope, SampleStatement, Since } from '../audit/scope.ts';
import { countedAs, placeOf, STAGES } from '../audit/stage-words.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError, wholeNumber } from '../command.ts';
import { type DataDirectory, dataDirectory } from '../data-directory.ts';
import { readRunning } from '../endpoints.ts';
import { productVersion } from '../product-version.ts';
import { grouped, ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { runWatch } from '../watch/run-watch.ts';

const SAMPLE_MAX = 1_000_000_000;
const SEED_BYTES = 8;
/** Of a key that is made for its own installation. */
const DEFAULT_AUDITOR = 'airtight.local/audit';

export const auditCommand = defineCommand({
  name: 'audit',
  summary: {
    zh: '重新计算数据目录中的全部哈希：日志 → 批次 → 账本 → 查询库',
    en: 'hash everything in the data directory again: journal → batches → ledger → store',
  },
  details: {
    zh: '服务运行或停止时都可以做，也可用于 mirror 写出的副本；指出第一处不符的位置。--since 与 --sample 只查一部分，并说明没有查什么。--report 写出签名报告（FILE）与可打印的页面（FILE.html），airtight verify 可核验。退出码 0：全部相符；1：发现不符。',
    en: 'Works while the services run and while they are stopped, and on a copy that mirror has made; names the first place that does not match. --since and --sample look at a part and say what that leaves out. --report writes a signed report (FILE) and a page to print (FILE.html), which airtight verify checks. Exit code 0: all matches; 1: something does not.',
  },
  operands: '[DIR]',
  options: {
    data: DATA_OPTION,
    since: {
      type: 'string',
      value: 'TIME|POSITION',
      doc: {
        zh: '只查此后：时间（2026-11-22T08:00:00Z）或日志位置',
        en: 'only what came since: a time (2026-11-22T08:00:00Z) or a journal position',
      },
    },
    sample: { type: 'string', value: 'N', doc: { zh: '只查随机抽取的 N 个批次', en: 'only N batches, drawn at random' } },
    seed: {
      type: 'string',
      value: 'TEXT',
      doc: { zh: '抽样种子（默认随机，会显示）', en: 'seed of the sample (default: a random one, which is told)' },
    },
    report: { type: 'string', value: 'FILE', doc: { zh: '写出签名报告', en: 'write a signed report' } },
    key: {
      type: 'string',
      value: 'FILE',
      doc: {
        zh: '审计签名密钥，不存在则创建（默认 keys/audit.key）',
        en: "the auditor's signing key, made when it is not there (default: keys/audit.key)",
      },
    },
    auditor: { type: 'string', value: 'NAME', default: DEFAULT_AUDITOR, doc: { zh: '新密钥的名称', en: 'name of a new key' } },
    watch: {
      type: 'boolean',
      doc: {
        zh: '持续审计：每轮查新增部分与一部分旧数据，发现不符即告警',
        en: 'keep on auditing: what is new and a share of what is old each round; a finding raises an alert',
      },
    },
    interval: {
      type: 'string',
      value: 'SPAN',
      doc: { zh: '--watch 每轮的间隔（默认取自设置，或 5m）', en: 'between the rounds of --watch (default: as in the settings, or 5m)' },
    },
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const data = dataDirectory(operands[0] ?? values.data);
    if (operands.length > 1) throw new UsageError({ zh: '只能指定一个目录', en: 'name one directory' });
    assertAuditable(data);
    if (values.watch === true) return await runWatch(data, values.interval, terminal);
    const since = values.since === undefined ? undefined : readSince(values.since);
    const sample =
      values.sample === undefined
        ? undefined
        : { count: wholeNumber('sample', values.sample, 1, SAMPLE_MAX), seed: values.seed ?? newSeed() };
    const scope: AuditScope = { ...(since === undefined ? {} : { since }), ...(sample === undefined ? {} : { sample }) };
    const isQuiet = values.json === true;
    // The key first: an audit of an hour must not end at a missing permission.
    const keyFile = values.key ?? join(data.keys, 'audit.key');
    const key = values.report === undefined ? undefined : await auditorKey(keyFile, values.auditor);
    const result = await runAudit({
      ...{ data, running: readRunning(data), scope, sinceText: values.since, version: productVersion() },
      onStage: (report) => (isQuiet ? undefined : showStage(report, terminal)),
      onProgress: progressOn(terminal),
    });
    if (isQuiet) terminal.json(result);
    else showVerdict(result, terminal);
    if (key !== undefined && values.report !== undefined) {
      writeReport(values.report, signReport(result, key));
      if (!isQuiet)
        terminal.say({
          zh: `报告：${values.report} 与 ${values.report}.html；验证密钥：${vkeyFileOf(keyFile)}`,
          en: `Report: ${values.report} and ${values.report}.html; its verifier key: ${vkeyFileOf(keyFile)}`,
        });
    }
    return result.ok ? EXIT.ok : EXIT.found;
  },
});

function assertAuditable(data: DataDirectory): void {
  if (existsSync(data.journal)) return;
  throw new EnvironmentError({
    zh: `${data.root} 不是数据目录：没有 journal/`,
    en: `${data.root} is no data directory: there is no journal/`,
  });
}

function readSince(text: string): Since {
  if (/^\d{1,15}$/.test(text)) return { position: Number(text) };
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return { timeMs };
  throw new UsageError({
    zh: `--since 应为时间（如 2026-11-22T08:00:00Z）或日志位置，而不是 ${JSON.stringify(text)}`,
    en: `--since takes a time such as 2026-11-22T08:00:00Z or a journal position, not ${JSON.stringify(text)}`,
  });
}

function newSeed(): string {
  return randomBytes(SEED_BYTES).toString('hex');
}

function writeReport(file: string, note: string): void {
  writeFileSync(file, note, { flush: true });
  writeFileSync(`${file}.html`, reportPage(note), { flush: true });
}

/** A bar where it is known how much there is, else how far it is. */
function progressOn(terminal: Terminal): (stage: AuditStage, done: number, total: number | undefined) => void {
  let shown: { readonly stage: AuditStage; readonly bar: ProgressBar } | undefined;
  return (stage, done, total) => {
    const name = STAGES[stage];
    if (total === undefined) {
      terminal.progress({ zh: `${name.zh}：${grouped(done)}`, en: `${name.en}: ${grouped(done)}` });
      return;
    }
    if (shown?.stage !== stage) shown = { stage, bar: new ProgressBar(total) };
    const line = shown.bar.line(done, performance.now());
    terminal.progress({ zh: `${name.zh} ${line.zh}`, en: `${name.en} ${line.en}` });
  };
}

function showStage({ stage, finding, counts, remark }: StageReport, terminal: Terminal): void {
  const numbers = Object.entries(counts)
    .map(([what, count]) => `${grouped(count)} ${terminal.text(countedAs(what))}`)
    .join(', ');
  const mark = finding === undefined ? terminal.style('green', '✓') : terminal.style('red', '✗');
  terminal.say(`${mark} ${terminal.text(STAGES[stage])}${numbers === '' ? '' : `  ${numbers}`}`);
  if (remark !== undefined) terminal.say(`  ${terminal.text(remark)}`);
  if (finding !== undefined)
    terminal.say(
      `  ${terminal.style('bold', finding.code)} ${terminal.text(CODES[finding.code])}\n  ${placeOf(finding)}: ${finding.detail}`,
    );
}

function showVerdict({ ok, scope }: AuditResult, terminal: Terminal): void {
  if (scope.sample !== null) showSample(scope.sample, terminal);
  if (!ok) return;
  terminal.say(
    scope.kind === 'all'
      ? { zh: '全部相符。', en: 'Everything matches.' }
      : { zh: '所查部分全部相符。', en: 'Everything that was looked at matches.' },
  );
}

function showSample({ seed, chosen, of, missed, foundWith95 }: SampleStatement, terminal: Terminal): void {
  terminal.say({
    zh: `抽查 ${grouped(of)} 个批次中的 ${grouped(chosen)} 个，种子 ${seed}`,
    en: `${grouped(chosen)} of ${grouped(of)} batches checked, seed ${seed}`,
  });
  for (const { changedShare, probability } of missed) {
    const share = `${changedShare * 100} %`;
    terminal.say({
      zh: `  若 ${share} 的批次被改动，漏检概率为 ${probability}`,
      en: `  a change of ${share} of them would have been missed with probability ${probability}`,
    });
  }
  if (foundWith95 === null) return;
  const share = `${(foundWith95 * 100).toPrecision(3)} %`;
  terminal.say({ zh: `  改动达 ${share} 时，发现概率至少 95 %`, en: `  a change of ${share} would have been found with 95 % or more` });
}
