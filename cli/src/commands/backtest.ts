/** `airtight backtest CONTRACT`: what a contract would have told, by the live engine over the journal. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirtightError, CODES } from '@airtight/protocol';
import { showBacktest } from '../backtest/report-text.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError, wholeNumber } from '../command.ts';
import { type DataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { INGEST_OPTION, ingestUrl, readRunning } from '../endpoints.ts';
import { serveJournal } from '../journal/journal-feed.ts';
import { ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../waiting.ts';

const VERSION = /^[0-9a-f]{64}$/;

export const backtestCommand = defineCommand({
  name: 'backtest',
  summary: {
    zh: '用历史数据试运行合约：会产生哪些告警，与另一版本有何不同，值班负荷多大',
    en: 'try a contract on history: what it would have raised, how another version differs, what load it puts on a shift',
  },
  details: {
    zh: '用的就是实时运行的引擎。记录按收到的时间判定；导入的历史视为在测得时收到。同样的日志范围、合约和引擎，结果逐字节相同。服务运行与否均可。',
    en: 'It is the engine that runs live. Records are judged by when they were received, imported history as if it had been received when it was measured. The same journal range, contract and engine give the same bytes. The services may run or not.',
  },
  operands: 'CONTRACT',
  options: {
    from: {
      type: 'string',
      value: 'TIME',
      doc: {
        zh: '起始时间（含），如 2016-12-01 或 2016-12-01T00:00:00+08:00',
        en: 'first moment, e.g. 2016-12-01 or 2016-12-01T00:00:00+08:00',
      },
    },
    to: { type: 'string', value: 'TIME', doc: { zh: '结束时间（不含）', en: 'moment after the last' } },
    against: {
      type: 'string',
      value: 'VERSION|FILE',
      doc: {
        zh: '与之比较的版本：current（生效中）、版本哈希，或另一个文件',
        en: 'what to compare with: current (in force), the hash of a version on record, or another file',
      },
    },
    through: {
      type: 'string',
      value: 'POSITION',
      doc: { zh: '只用此日志位置之前的记录（重现一次回测）', en: 'only records before this journal position (to repeat a run)' },
    },
    data: DATA_OPTION,
    ...INGEST_OPTION,
    json: JSON_OPTION,
  },
  async run(values, [file, ...more], terminal): Promise<ExitCode> {
    if (file === undefined || more.length > 0) throw new UsageError({ zh: '请给出一个合约文件', en: 'name one contract file' });
    const request = {
      text: readFileSync(file, 'utf8'),
      against: values.against === undefined ? null : againstOf(values.against),
      ...{ from: timeOf('from', values.from), to: timeOf('to', values.to) },
      through: values.through === undefined ? null : wholeNumber('through', values.through, 0, Number.MAX_SAFE_INTEGER),
    };
    if (request.from >= request.to) throw new UsageError({ zh: '--from 应早于 --to', en: '--from must be before --to' });
    const data = dataDirectory(values.data);
    const source = await journalSource(data, values.ingest);
    try {
      const { runBacktest } = await import('@airtight/api');
      const run = runBacktest({ request, ingestUrl: source.ingestUrl, token: source.token }, progressOn(terminal));
      untilInterrupted().addEventListener('abort', () => run.cancel());
      const report = await run.report;
      if (values.json === true) terminal.json(report);
      else showBacktest(report, terminal);
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof AirtightError)) throw error;
      if (values.json === true) terminal.json({ ok: false, code: error.code, detail: error.detail });
      else terminal.note(`${error.code}: ${terminal.text(CODES[error.code])}: ${error.detail}`);
      return EXIT.found;
    } finally {
      await source.close();
    }
  },
});

function progressOn(terminal: Terminal): (progress: { readonly phase: string; readonly done: number; readonly total: number }) => void {
  const bars = new Map<string, ProgressBar>();
  return ({ phase, done, total }) => {
    const bar = bars.get(phase) ?? new ProgressBar(total);
    bars.set(phase, bar);
    terminal.progress(bar.line(done, performance.now()));
  };
}

/** Ingest, when it runs; else the files. */
async function journalSource(data: DataDirectory, asked: string | undefined) {
  const token = readInternalToken(data);
  if (asked !== undefined || readRunning(data) !== undefined)
    return { ingestUrl: ingestUrl(data, asked), token, close: async () => undefined };
  const feed = await serveJournal(join(data.journal, 'records'), token);
  return { ingestUrl: feed.url, token, close: () => feed.close() };
}

function againstOf(asked: string): string {
  if (asked === 'current' || VERSION.test(asked)) return asked;
  if (existsSync(asked)) return readFileSync(asked, 'utf8');
  throw new EnvironmentError({ zh: `${asked} 既不是版本哈希，也不是文件`, en: `${asked} is neither the hash of a version nor a file` });
}

function timeOf(name: string, text: string | undefined): number {
  const ms = /^\d{4}-\d\d-\d\d(T\S+(Z|[+-]\d\d:\d\d))?$/.test(text ?? '') ? Date.parse(text as string) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError({
    zh: `--${name} 应为日期（UTC）或带时区的时间，如 2016-12-01T00:00:00+08:00`,
    en: `--${name} takes a date (UTC) or a time with its zone, such as 2016-12-01T00:00:00+08:00`,
  });
}
