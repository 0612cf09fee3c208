/** What an import tells a person: problems by file and line, what each file holds, what became of it, how fast. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { CODES } from '@airtight/protocol';
import { duration, grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import type { CheckedFile, Fault } from './check-file.ts';
import type { ImportedFile } from './import-files.ts';

/** Faults shown on the terminal; `--report` has them all. */
const SHOWN_FAULTS = 20;

/** What is wrong, by file and line: the first ones on the terminal, all of them in a file. */
export class FaultReport {
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

export function showChecked(
  files: readonly CheckedFile[],
  report: FaultReport,
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

export function showImported(
  files: readonly ImportedFile[],
  report: FaultReport,
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
