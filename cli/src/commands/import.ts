/** `airtight import`: history out of files, checked first, sent resumably, told line by line what could not be read. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { CODES, isName, isTelemetryDataset } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { type CheckedFile, checkFile, type Fault } from '../import/check-file.ts';
import { FileBroken, type FileFormat } from '../import/file-format.ts';
import { openFile } from '../import/file-source.ts';
import { formatOf, knownFormats } from '../import/formats.ts';
import { enrolProducers, type ImportedFile, type ImportOptions, importFiles } from '../import/import-files.ts';
import { ImportStates } from '../import/import-state.ts';
import { zoneOffset } from '../import/local-time.ts';
import { readMapping } from '../import/mapping.ts';
import { IngestClient } from '../ingest-client.ts';
import { duration, grouped, ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../waiting.ts';

/** Faults shown on the terminal; `--report` has them all. */
const SHOWN_FAULTS = 20;

const OPTIONS = {
  format: {
    type: 'string',
    value: 'F',
    doc: { zh: '文件格式（默认：按内容判断）', en: 'format of the files (default: told by their content)' },
  },
  mapping: { type: 'string', value: 'FILE', doc: { zh: '任意 CSV 的列映射（YAML）', en: 'mapping of any CSV to readings (YAML)' } },
  agency: { type: 'string', value: 'A', doc: { zh: '设备所属机构', en: 'agency of the producers' } },
  dataset: { type: 'string', value: 'D', doc: { zh: '数据集（默认：由格式决定）', en: "dataset (default: the format's)" } },
  producer: { type: 'string', value: 'P', doc: { zh: '文件中没有设备名时所用的设备名', en: 'producer of a file that names none' } },
  zone: {
    type: 'string',
    value: 'Z',
    doc: { zh: '文件中的本地时间所在时区，如 +08:00', en: 'zone of local times in the files, e.g. +08:00' },
  },
  'dry-run': { type: 'boolean', doc: { zh: '只读取并报告，不改变任何东西', en: 'read and report only; change nothing' } },
  alert: {
    type: 'boolean',
    doc: {
      zh: '让合约像对实时数据那样判定（默认：历史数据不触发告警）',
      en: 'let contracts judge it like live data (default: history raises no alert)',
    },
  },
  again: { type: 'boolean', doc: { zh: '已导入过的文件也再发送一遍', en: 'send files that were imported before once more' } },
  report: { type: 'string', value: 'FILE', doc: { zh: '把全部问题写入此文件', en: 'write all problems to this file' } },
  data: DATA_OPTION,
  ...INGEST_OPTION,
  json: JSON_OPTION,
} as const;

export const importCommand = defineCommand({
  name: 'import',
  summary: {
    zh: '导入历史文件：监测站 CSV、记录仪报告、任意 CSV',
    en: 'bring in history from files: station CSVs, logger reports, any CSV',
  },
  details: {
    zh: '先检查全部文件，有一个损坏就什么也不发送。中断后再次运行会接着做；同一文件做两次，第二次不会增加任何记录。退出码：0 全部读入；1 有无法读取的行、被截断或损坏的文件，或未做完。',
    en: 'All files are checked first; if one is broken, nothing is sent. Run again after an interrupt it goes on; a second run adds nothing. Exit code 0: all of it is in; 1: lines could not be read, a file breaks off or is broken, or it was not finished.',
  },
  operands: 'FILE...',
  options: OPTIONS,
  async run(values, files, terminal): Promise<ExitCode> {
    if (files.length === 0) throw new UsageError({ zh: '请给出要导入的文件', en: 'name the files to import' });
    const { agency, dataset, producer } = values;
    assertNames(agency, dataset, producer);
    const zoneMs = values.zone === undefined ? undefined : zoneOffset(values.zone);
    if (values.zone !== undefined && zoneMs === undefined)
      throw new UsageError({ zh: `时区 ${values.zone}`, en: `not a zone: ${values.zone}` });
    const format = askedFormat(values.format, values.mapping);
    const signal = untilInterrupted();
    using report = new Report(values.report, terminal);
    const startedAt = performance.now();
    const checked = await checkFiles(files, { format, dataset, producer, zoneMs }, report, terminal);
    if (checked === undefined) return EXIT.found;
    const json = values.json === true;
    if (values['dry-run'] === true) {
      report.show();
      showChecked(checked, report, { json, seconds: (performance.now() - startedAt) / 1000 }, terminal);
      return report.count > 0 ? EXIT.found : EXIT.ok;
    }
    const agencyOf = ({ file, format: { agency: own } }: CheckedFile): string => agency ?? own ?? missingAgency(file.name);
    for (const file of checked) agencyOf(file);
    const data = dataDirectory(values.data);
    const ingest = new IngestClient(ingestUrl(data, values.ingest), readInternalToken(data));
    const bar = new SendingBar(checked, terminal);
    const imported = await runImport(checked, {
      ...{ ingest, agencyOf, signal, alert: values.alert === true, again: values.again === true },
      states: new ImportStates(data),
      onProgress: (readings, count) => bar.add(readings, count),
      onRefused: ({ file }, fault) => report.add(file.name, fault),
    });
    const seconds = (performance.now() - startedAt) / 1000;
    report.show();
    showImported(imported, report, { json, seconds, sentValues: bar.values, sendSeconds: bar.seconds }, terminal);
    const isWhole = imported.every(({ isFinished }) => isFinished);
    return isWhole && report.count === 0 ? EXIT.ok : EXIT.found;
  },
});

async function runImport(files: readonly CheckedFile[], options: ImportOptions): Promise<ImportedFile[]> {
  await enrolProducers(files, options);
  return importFiles(files, options);
}

function assertNames(agency: string | undefined, dataset: string | undefined, producer: string | undefined): void {
  if (agency !== undefined && !isName(agency)) throw new UsageError({ zh: `机构名不合法：${agency}`, en: `not an agency name: ${agency}` });
  if (producer !== undefined && !isName(producer))
    throw new UsageError({ zh: `设备名不合法：${producer}`, en: `not a producer name: ${producer}` });
  if (dataset !== undefined && !isTelemetryDataset(dataset))
    throw new UsageError({ zh: `数据集名不合法：${dataset}`, en: `not a dataset name: ${dataset}` });
}

function askedFormat(name: string | undefined, mapping: string | undefined): FileFormat | undefined {
  if (mapping !== undefined) return readMapping(mapping);
  if (name === undefined) return undefined;
  const formats = knownFormats();
  const format = formats.find((known) => known.name === name);
  const names = formats.map((known) => known.name).join(', ');
  if (format === undefined)
    throw new UsageError({ zh: `没有格式 ${name}；可用：${names}`, en: `there is no format ${name}; known: ${names}` });
  return format;
}

function missingAgency(file: string): never {
  throw new UsageError({ zh: `${file} 没有说明机构，请用 --agency 指定`, en: `${file} names no agency: give it with --agency` });
}

interface Asked {
  readonly format: FileFormat | undefined;
  readonly dataset: string | undefined;
  readonly producer: string | undefined;
  readonly zoneMs: number | undefined;
}

/** @returns undefined when one of the files is broken, after all of them were named */
async function checkFiles(paths: readonly string[], asked: Asked, report: Report, terminal: Terminal): Promise<CheckedFile[] | undefined> {
  const formats = knownFormats();
  const checked: CheckedFile[] = [];
  const broken: string[] = [];
  for (const [at, path] of paths.entries()) {
    const progress = { zh: `检查 ${at + 1}/${paths.length}：${path}`, en: `checking ${at + 1}/${paths.length}: ${path}` };
    try {
      const file = await openFile(path);
      const format = asked.format ?? formatOf(file.head, formats);
      if (format === undefined) throw new FileBroken('FORMAT_UNKNOWN', 0, 'name it with --format or describe it with --mapping');
      const { dataset, producer, zoneMs } = asked;
      const options = { stem: file.stem, dataset, producer, zoneMs };
      const onPiece = (): undefined => terminal.progress(progress) as undefined;
      checked.push(await checkFile(file, format, options, { onFault: (fault) => report.add(file.name, fault), onPiece }));
    } catch (error) {
      if (!(error instanceof FileBroken)) throw unreadable(path, error);
      const { code, line, detail } = error;
      report.write(path, { line, code, detail });
      broken.push(`${path}:${line}: ${code} (${terminal.text(CODES[code])}): ${detail}`);
    }
  }
  if (broken.length === 0) return checked;
  report.show();
  for (const text of broken) terminal.note(text);
  terminal.note({
    zh: `${broken.length} 个文件有误；未发送任何数据。`,
    en: `${broken.length} of the files cannot be imported; nothing was sent.`,
  });
  return undefined;
}

function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR') return error;
  return new EnvironmentError({ zh: `读不了 ${path}：${message}`, en: `${path} cannot be read: ${message}` });
}

/** What is wrong, by file and line: the first ones on the terminal, all of them in a file. */
class Report {
  readonly #terminal: Terminal;
  readonly #descriptor: number | undefined;
  readonly #shown: string[] = [];
  count = 0;

  constructor(path: string | undefined, terminal: Terminal) {
    this.#terminal = terminal;
    this.#descriptor = path === undefined ? undefined : openSync(path, 'w');
  }

  add(file: string, fault: Fault): void {
    const text = this.write(file, fault);
    if (this.count++ < SHOWN_FAULTS) this.#shown.push(text);
  }

  /** Into the file alone. */
  write(file: string, { line, code, detail }: Fault): string {
    const text = `${file}:${line}: ${code}: ${detail}`;
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${text}\n`);
    return text;
  }

  show(): void {
    for (const text of this.#shown) {
      const [, code = ''] = /: ([A-Z_]+): /.exec(text) ?? [];
      const known = Object.hasOwn(CODES, code) ? CODES[code as keyof typeof CODES] : undefined;
      this.#terminal.note(known === undefined ? text : `${text} (${this.#terminal.text(known)})`);
    }
    const more = this.count - this.#shown.length;
    if (more > 0)
      this.#terminal.note({
        zh: `……另有 ${grouped(more)} 个问题（--report 可写出全部）`,
        en: `… and ${grouped(more)} more (--report writes all of them)`,
      });
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

class SendingBar {
  readonly #bar: ProgressBar;
  readonly #terminal: Terminal;
  readonly #startedAt = performance.now();
  #readings = 0;
  values = 0;

  constructor(files: readonly CheckedFile[], terminal: Terminal) {
    this.#bar = new ProgressBar(files.reduce((sum, { readings }) => sum + readings, 0));
    this.#terminal = terminal;
  }

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  add(readings: number, values: number): void {
    this.#readings += readings;
    this.values += values;
    this.#terminal.progress(this.#bar.line(this.#readings, performance.now()));
  }
}

function spanOf({ firstTime, lastTime }: CheckedFile): string {
  if (firstTime === undefined || lastTime === undefined) return '–';
  return `${new Date(firstTime).toISOString()} … ${new Date(lastTime).toISOString()}`;
}

/** What a file holds, as a line. */
function sayChecked(file: CheckedFile, terminal: Terminal): void {
  const { format, readings, values, routes, blanks, faults, summaries } = file;
  const producers = new Set(routes.map(({ producer }) => producer)).size;
  terminal.say(`${file.file.name}: ${terminal.text(format.title)}`);
  terminal.say({
    zh: `  ${grouped(readings)} 条读数，${grouped(values)} 个值，${grouped(producers)} 台设备，${spanOf(file)}；空行 ${grouped(blanks)}，问题 ${grouped(faults)}`,
    en: `  ${grouped(readings)} readings, ${grouped(values)} values, ${grouped(producers)} producers, ${spanOf(file)}; ${grouped(blanks)} without a value, ${grouped(faults)} problems`,
  });
  const { equal, wider, differs } = summaries;
  if (equal + wider + differs > 0)
    terminal.say({
      zh: `  记录仪汇总：${equal} 份与读数相等，${wider} 份涵盖的多于读数，${differs} 份不符`,
      en: `  the logger's summaries: ${equal} equal what its readings give, ${wider} cover more than the readings, ${differs} differ`,
    });
}

function checkedItem({
  file,
  sha256,
  format,
  routes,
  readings,
  values,
  blanks,
  faults,
  truncatedAtLine,
  firstTime,
  lastTime,
  summaries,
}: CheckedFile) {
  const producers = new Set(routes.map(({ producer }) => producer)).size;
  const datasets = [...new Set(routes.map(({ dataset }) => dataset))];
  const at = { truncatedAtLine: truncatedAtLine ?? null, firstTime: firstTime ?? null, lastTime: lastTime ?? null };
  return { file: file.name, sha256, format: format.name, datasets, producers, readings, values, blanks, faults, ...at, summaries };
}

function showChecked(
  files: readonly CheckedFile[],
  report: Report,
  { json, seconds }: { json: boolean; seconds: number },
  terminal: Terminal,
): void {
  if (json) {
    terminal.json({ dryRun: true, files: files.map(checkedItem), problems: report.count, seconds });
    return;
  }
  for (const file of files) sayChecked(file, terminal);
  terminal.say({ zh: '试运行：未发送任何数据。', en: 'Dry run: nothing was sent.' });
}

interface Figures {
  readonly json: boolean;
  /** From the first look at the files on. */
  readonly seconds: number;
  readonly sentValues: number;
  readonly sendSeconds: number;
}

function showImported(
  files: readonly ImportedFile[],
  report: Report,
  { json, seconds, sentValues, sendSeconds }: Figures,
  terminal: Terminal,
): void {
  const sum = (pick: (file: ImportedFile) => number): number => files.reduce((total, file) => total + pick(file), 0);
  const accepted = sum(({ counts }) => counts.accepted);
  const repeats = sum(({ counts }) => counts.repeats);
  const revisions = sum(({ counts }) => counts.revisions);
  const quarantined = sum(({ counts }) => counts.quarantined);
  const known = sum(({ skipped }) => skipped);
  const unfinished = files.filter(({ isFinished }) => !isFinished).length;
  const valuesPerSecond = Math.round(sentValues / sendSeconds);
  if (json) {
    const items = files.map(({ checked, counts, skipped, recordedAt, isFinished }) => ({
      ...{ ...checkedItem(checked), ...counts, skipped, recordedAt: recordedAt ?? null, isFinished },
    }));
    const totals = { accepted, repeats, revisions, quarantined, skipped: known, unfinished };
    terminal.json({
      dryRun: false,
      files: items,
      ...totals,
      problems: report.count,
      values: sentValues,
      seconds,
      sendSeconds,
      valuesPerSecond,
    });
    return;
  }
  for (const { checked } of files) sayChecked(checked, terminal);
  terminal.say({
    zh: `新增 ${grouped(accepted)} 条记录，修订 ${grouped(revisions)}，重复 ${grouped(repeats)}，此前已导入 ${grouped(known)}，隔离 ${grouped(quarantined)}`,
    en: `${grouped(accepted)} records added, ${grouped(revisions)} revisions, ${grouped(repeats)} repeats, ${grouped(known)} imported before, ${grouped(quarantined)} in quarantine`,
  });
  terminal.say({
    zh: `${grouped(sentValues)} 个值，发送用时 ${duration(sendSeconds)}（${grouped(valuesPerSecond)} 个/秒），连同检查共 ${duration(seconds)}`,
    en: `${grouped(sentValues)} values sent in ${duration(sendSeconds)} (${grouped(valuesPerSecond)}/s), ${duration(seconds)} with the check`,
  });
  if (unfinished > 0)
    terminal.note({
      zh: `${unfinished} 个文件未做完，再次运行即可继续。`,
      en: `${unfinished} files are not finished; run it again to go on.`,
    });
}
