/**
 * A month of the Chinese national network through `airtight import`, with ingest, ledger and api running beside it: the
 * rate until everything is durable, the time until everything can be queried, and a second run, which must add nothing.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMsOf, memoryOf, othersCoresBeside } from '../measure/process-usage.ts';
import { untilProjected } from '../measure/projection-lag.ts';
import { Options } from '../options.ts';
import { ScratchDirectory } from '../processes/child.ts';
import { printTable, printVerdicts, progress, rounded } from '../report.ts';
import { AirtightTarget } from '../targets/airtight.ts';

export const IMPORT_OPTIONS = {
  files: {
    default: fileURLToPath(new URL('../../../../shared/data/air-china-cnemc', import.meta.url)),
    about: 'folder of the daily files (china_sites_*.csv.gz)',
  },
  days: { default: '31', about: 'how many of them' },
  directory: { default: tmpdir(), about: 'where the data goes' },
} as const;

const CLI = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
const RATE_MIN = 100_000;
/** The command streams: a month and a day need the same. */
const COMMAND_MEMORY_MAX_MB = 512;
const SAMPLE_MS = 100;
const CATCH_UP_TIMEOUT_MS = 600_000;

interface ImportResult {
  readonly accepted: number;
  readonly repeats: number;
  readonly revisions: number;
  readonly quarantined: number;
  readonly skipped: number;
  readonly problems: number;
  readonly values: number;
  readonly seconds: number;
  readonly sendSeconds: number;
  readonly valuesPerSecond: number;
}

interface Run {
  readonly result: ImportResult;
  readonly cpuMs: { readonly [role: string]: number };
  readonly commandPeakMb: number;
  readonly othersCores: number;
}

export async function runImport(args: readonly string[]): Promise<void> {
  const options = new Options(args, IMPORT_OPTIONS);
  const folder = options.text('files');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^china_sites_\d{8}\.csv\.gz$/.test(name)) : [];
  const files = names
    .sort()
    .slice(0, options.count('days'))
    .map((name) => join(folder, name));
  if (files.length === 0) throw new Error(`no files china_sites_*.csv.gz in ${folder}: name their folder with --files`);
  using scratch = new ScratchDirectory(options.text('directory'));
  await using target = await AirtightTarget.start(scratch.path);
  await target.startApi();
  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);

  progress(`importing ${files.length} files`);
  const startedAt = performance.now();
  const cpuBefore = cpuOf(target);
  const first = await importRun(target, files, []);
  await untilProjected(() => target.progress(), CATCH_UP_TIMEOUT_MS);
  const queryableSeconds = (performance.now() - startedAt) / 1000;
  const cpuQueryable = cpuOf(target);
  const anchoredMs = await target.untilAnchored(CATCH_UP_TIMEOUT_MS);
  progress('importing them again');
  const second = await importRun(target, files, []);
  const again = await importRun(target, files, ['--again']);

  printTable(
    ['first run', 'CPU s', 'CPU s until queryable', 'µs CPU/value', 'RSS MB', 'peak MB'],
    Object.entries(first.cpuMs).map(([role, ms]) => {
      const pid = target.pids[role];
      const memory = pid === undefined ? { rssMb: Number.NaN, peakMb: first.commandPeakMb } : memoryOf(pid);
      const wholeMs = pid === undefined ? ms : (cpuQueryable[role] ?? 0) - (cpuBefore[role] ?? 0);
      return [role, ms / 1000, wholeMs / 1000, (wholeMs * 1000) / first.result.values, memory.rssMb, memory.peakMb];
    }),
  );
  const { values, accepted, sendSeconds, seconds } = first.result;
  progress(`${values} values in ${accepted} records: checked and sent in ${rounded(seconds)} s, sent in ${rounded(sendSeconds)} s`);
  progress(
    `all in the store after ${rounded(queryableSeconds)} s (${rounded(values / queryableSeconds)} values/s), under the ledger ${rounded(anchoredMs / 1000)} s later`,
  );
  progress(
    `again: ${again.result.repeats} repeats recognised at ${again.result.valuesPerSecond} values/s; others used ${rounded(first.othersCores)} cores`,
  );
  printVerdicts(
    'import',
    [
      { name: 'valuesPerSecond', value: values / seconds, target: { atLeast: RATE_MIN }, meaning: 'values/s, check included' },
      {
        name: 'queryablePerSecond',
        value: values / queryableSeconds,
        target: { atLeast: RATE_MIN },
        meaning: 'values/s until all can be queried',
      },
      { name: 'secondRunAdded', value: addedBy(second), target: { atMost: 0 }, meaning: 'records added by a second run' },
      { name: 'againAdded', value: addedBy(again), target: { atMost: 0 }, meaning: 'records added when all is sent again' },
      {
        name: 'commandPeakMb',
        value: first.commandPeakMb,
        target: { atMost: COMMAND_MEMORY_MAX_MB },
        meaning: 'peak memory of the command, MB',
      },
    ],
    { files: files.length, first, second: second.result, again, queryableSeconds, writtenMb: writtenMb(target) },
  );
}

function addedBy({ result: { accepted, revisions, quarantined } }: Run): number {
  return accepted + revisions + quarantined;
}

function cpuOf(target: AirtightTarget): { readonly [role: string]: number } {
  return Object.fromEntries(Object.entries(target.pids).map(([role, pid]) => [role, cpuMsOf(pid)]));
}

/** What each service has had written to its disk so far. */
function writtenMb(target: AirtightTarget): { readonly [role: string]: number } {
  const written = (pid: number): number =>
    Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1] ?? Number.NaN);
  return Object.fromEntries(Object.entries(target.pids).map(([role, pid]) => [role, written(pid) / 1024 / 1024]));
}

/** The command as a person runs it, and what everybody used meanwhile. */
async function importRun(target: AirtightTarget, files: readonly string[], extra: readonly string[]): Promise<Run> {
  const before = Object.entries(target.pids).map(([role, pid]) => [role, pid, cpuMsOf(pid)] as const);
  const command = [CLI, 'import', '--json', '--data', target.dataDir, '--ingest', target.ingestUrl, ...extra, ...files];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid;
  if (pid === undefined) throw new Error('airtight import could not be started');
  const othersCores = othersCoresBeside(before.map(([, service]) => service));
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  let [commandMs, commandPeakMb] = [0, 0];
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let code: number | null | undefined;
  void ended.then((status) => {
    code = status;
  });
  while (code === undefined) {
    try {
      commandMs = cpuMsOf(pid);
      commandPeakMb = Math.max(commandPeakMb, memoryOf(pid).peakMb || 0);
    } catch {
      // It has just ended.
    }
    await Promise.race([ended, sleep(SAMPLE_MS)]);
  }
  if (code !== 0) throw new Error(`airtight import ended with ${code}: ${output.slice(-2000)}`);
  const cpuMs = Object.fromEntries(before.map(([role, service, ms]) => [role, cpuMsOf(service) - ms]));
  const result = JSON.parse(output) as ImportResult & { files?: unknown };
  delete result.files;
  const others = othersCores() - commandMs / (result.seconds * 1000);
  return { result, cpuMs: { ...cpuMs, import: commandMs }, commandPeakMb, othersCores: Math.max(0, others) };
}
