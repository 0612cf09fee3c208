/** `airtight import`: history out of files, checked first, sent resumably, told line by line what could not be read. */
import { CODES, isName, isTelemetryDataset } from '@airtight/protocol';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl } from '../endpoints.ts';
import { type CheckedFile, checkFile } from '../import/check-file.ts';
import { FileBroken, type FileFormat } from '../import/file-format.ts';
import { openFile } from '../import/file-source.ts';
import { formatOf, knownFormats } from '../import/formats.ts';
import { enrolProducers, type ImportOptions, importFiles } from '../import/import-files.ts';
import { FaultReport, showChecked, showImported } from '../import/import-report.ts';
import { ImportStates } from '../import/import-state.ts';
import { zoneOffset } from '../import/local-time.ts';
import { readMapping } from '../import/mapping.ts';
import { IngestClient } from '../ingest-client.ts';
import { ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../waiting.ts';

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
    using report = new FaultReport(values.report, terminal);
    const startedAt = performance.now();
    const checked = await checkFiles(files, { format, dataset, producer, zoneMs }, report, terminal);
    if (checked === undefined) return EXIT.found;
    if (producer === undefined) tellNamedByFile(checked, terminal);
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
    const options: ImportOptions = {
      ...{ ingest, agencyOf, signal, alert: values.alert === true, again: values.again === true },
      states: new ImportStates(data),
      onProgress: (readings, count) => bar.add(readings, count),
      onRefused: ({ file }, fault) => report.add(file.name, fault),
    };
    await enrolProducers(checked, options);
    const imported = await importFiles(checked, options);
    const seconds = (performance.now() - startedAt) / 1000;
    report.show();
    showImported(imported, report, { json, seconds, sentValues: bar.values, sendSeconds: bar.seconds }, terminal);
    const isWhole = imported.every(({ isFinished }) => isFinished);
    return isWhole && report.count === 0 ? EXIT.ok : EXIT.found;
  },
});

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

const PRODUCERS_SHOWN = 3;

/** Read-outs of one device in several files would be several devices, and what they share would count twice. */
function tellNamedByFile(files: readonly CheckedFile[], terminal: Terminal): void {
  const producers = files
    .filter(({ format }) => format.isNamedByFile === true)
    .flatMap(({ routes }) => routes.map((route) => route.producer));
  const distinct = [...new Set(producers)];
  if (distinct.length < 2) return;
  const names = distinct.slice(0, PRODUCERS_SHOWN).join(', ');
  terminal.note({
    zh: `文件中没有设备名，按文件名算作 ${distinct.length} 台设备（${names}……）。若它们出自同一台设备，请用 --producer 指定，否则重叠的读数会算两次。`,
    en: `The files name no device: by their names they count as ${distinct.length} devices (${names} …). If they are of one device, name it with --producer: what they share would count twice.`,
  });
}

interface Asked {
  readonly format: FileFormat | undefined;
  readonly dataset: string | undefined;
  readonly producer: string | undefined;
  readonly zoneMs: number | undefined;
}

/** @returns undefined when one of the files is broken, after all of them were named */
async function checkFiles(
  paths: readonly string[],
  asked: Asked,
  report: FaultReport,
  terminal: Terminal,
): Promise<CheckedFile[] | undefined> {
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
