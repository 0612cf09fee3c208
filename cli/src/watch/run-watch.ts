/** `airtight audit --watch`, and the process of it under `airtight up`: settings, low priority, until it is told to stop. */
import { constants, setPriority } from 'node:os';
import { placeOf } from '../audit/stage-words.ts';
import { durationMs, EXIT, type ExitCode } from '../command.ts';
import { resolveAuditConfig } from '../config.ts';
import type { DataDirectory } from '../data-directory.ts';
import { grouped } from '../progress-bar.ts';
import { readConfigFile } from '../supervise/ports.ts';
import type { Terminal } from '../terminal.ts';
import { untilInterrupted } from '../waiting.ts';
import { type Round, watchAudit } from './watch.ts';

const DEFAULT_INTERVAL_S = 300;
const DAY_MS = 86_400_000;

export async function runWatch(data: DataDirectory, interval: string | undefined, terminal: Terminal): Promise<ExitCode> {
  const config = resolveAuditConfig(readConfigFile(process.env['AIRTIGHT_CONFIG'])?.['audit'], process.env);
  const configuredMs = (config.intervalS === 0 ? DEFAULT_INTERVAL_S : config.intervalS) * 1000;
  // Whoever acknowledges comes first.
  setPriority(constants.priority.PRIORITY_LOW);
  const options = {
    data,
    intervalMs: interval === undefined ? configuredMs : durationMs('interval', interval, 1000, DAY_MS),
    periodMs: config.periodDays * DAY_MS,
    bytesPerSecondMax: config.bytesPerSecondMax,
    signal: untilInterrupted(),
    now: Date.now,
    onRound: (round: Round) => showRound(round, terminal),
  };
  await watchAudit(options, (error) => {
    const reason = error instanceof Error ? error.message : String(error);
    terminal.note({ zh: `本轮未完成，下一轮再试：${reason}`, en: `This round could not be finished, the next one tries again: ${reason}` });
  });
  return EXIT.ok;
}

function showRound({ batches, bundles, found, cleared, open }: Round, terminal: Terminal): void {
  terminal.say({
    zh: `新批次 ${grouped(batches.new)}，旧批次复查 ${grouped(batches.again)}；账本文件 ${grouped(bundles.new)} 与 ${grouped(bundles.again)}；未消除 ${open}`,
    en: `batches: ${grouped(batches.new)} new, ${grouped(batches.again)} again; bundles: ${grouped(bundles.new)} and ${grouped(bundles.again)}; open findings: ${open}`,
  });
  for (const finding of found) terminal.note(`✗ ${finding.code} ${placeOf(finding)}: ${finding.detail}`);
  for (const finding of cleared) terminal.say({ zh: `✓ 已消除：${placeOf(finding)}`, en: `✓ gone: ${placeOf(finding)}` });
}
