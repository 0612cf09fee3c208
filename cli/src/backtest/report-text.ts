/** A backtest's report as a person reads it. */

import type { BacktestReport, TrialResult } from '@airtight/api';
import { LOAD_BENCHMARKS } from '@airtight/contracts-engine';
import type { Bilingual } from '@airtight/protocol';
import { grouped } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

/** Alerts told one by one; the JSON has all. */
const ALERTS_SHOWN_MAX = 40;
const CHANGES_SHOWN_MAX = 10;
type Tried = TrialResult['alerts'][number];

export function showBacktest(report: BacktestReport, terminal: Terminal): void {
  const { result, against, difference, read } = report;
  terminal.say({
    zh: `合约 ${result.contract} 版本 ${result.version}（${report.engine}）`,
    en: `Contract ${result.contract}, version ${result.version} (${report.engine})`,
  });
  terminal.say({
    zh: `日志位置 ${report.journal.from} 至 ${report.journal.through}（不含）；时段 ${timeText(report.from)} 至 ${timeText(report.to)}；预热自 ${timeText(report.warmUpFrom)}`,
    en: `Journal positions ${report.journal.from} to ${report.journal.through} (exclusive); time ${timeText(report.from)} to ${timeText(report.to)}; warmed up from ${timeText(report.warmUpFrom)}`,
  });
  terminal.say({
    zh: `判定 ${grouped(read.records)} 条记录，其中导入的历史 ${grouped(read.imported)} 条；时刻记录 ${grouped(read.ticks)} 条，补足 ${grouped(read.madeTicks)} 条`,
    en: `${grouped(read.records)} records judged, ${grouped(read.imported)} of them imported history; ${grouped(read.ticks)} ticks on record, ${grouped(read.madeTicks)} made`,
  });
  if (read.expired + read.opaque > 0)
    terminal.say({
      zh: `未判定：内容已删除 ${grouped(read.expired)} 条，无法读取 ${grouped(read.opaque)} 条`,
      en: `Not judged: ${grouped(read.expired)} whose payload was removed by policy, ${grouped(read.opaque)} that cannot be read`,
    });
  showAlerts(result, terminal);
  showLoad(result, terminal);
  if (against !== null && difference !== null) showDifference(report, terminal);
  terminal.say(`sha256 ${result.digest}${against === null ? '' : ` / ${against.digest}`}`);
}

function showAlerts({ alerts, retracted, passedOver }: TrialResult, terminal: Terminal): void {
  terminal.say('');
  terminal.say({ zh: `会产生 ${grouped(alerts.length)} 条告警：`, en: `${grouped(alerts.length)} alerts would have been raised:` });
  for (const alert of alerts.slice(0, ALERTS_SHOWN_MAX)) terminal.say(`  ${alertText(alert, terminal)}`);
  if (alerts.length > ALERTS_SHOWN_MAX) {
    const more = grouped(alerts.length - ALERTS_SHOWN_MAX);
    terminal.say({ zh: `  另有 ${more} 条（--json 列出全部）`, en: `  and ${more} more (--json lists all)` });
  }
  for (const [name, count] of countsOf(alerts, ({ rule, severity }) => `${rule} ${severity}`))
    terminal.say(`  ${grouped(count).padStart(8)}  ${name}`);
  for (const [name, count] of countsOf(alerts, ({ subject }) => subject).slice(0, ALERTS_SHOWN_MAX))
    terminal.say(`  ${grouped(count).padStart(8)}  ${name}`);
  if (retracted > 0)
    terminal.say({ zh: `  因迟到数据撤回 ${retracted} 条`, en: `  ${retracted} more were taken back when late data came` });
  if (passedOver.uncomputable + passedOver.late > 0)
    terminal.say({
      zh: `  无法计算的时刻 ${grouped(passedOver.uncomputable)} 个，过迟的读数 ${grouped(passedOver.late)} 条`,
      en: `  ${grouped(passedOver.uncomputable)} instants could not be computed, ${grouped(passedOver.late)} readings came too late`,
    });
}

function alertText({ raisedAt, clearedAt, severity, rule, subject, since }: Tried, terminal: Terminal): string {
  const end = clearedAt === null ? terminal.text({ zh: '仍未解除', en: 'not cleared' }) : timeText(clearedAt);
  const began = since === raisedAt ? '' : terminal.text({ zh: `（自 ${timeText(since)}）`, en: ` (since ${timeText(since)})` });
  return `${timeText(raisedAt)} – ${end}  ${severity.padEnd(8)}  ${rule}  ${subject}${began}`;
}

const VERDICTS: { readonly [verdict in TrialResult['load']['verdict']]: Bilingual } = {
  acceptable: { zh: '可接受', en: 'acceptable' },
  manageable: { zh: '勉强可应付', en: 'manageable at the most' },
  overloaded: { zh: '过载', en: 'too much' },
};

function showLoad({ load }: TrialResult, terminal: Terminal): void {
  const { meanPer10Min, floodAbove, source } = LOAD_BENCHMARKS;
  terminal.say('');
  terminal.say({
    zh: `告警负荷：${grouped(load.alarms)} 次，平均每 10 分钟 ${fixed(load.meanPer10Min)} 次，最多 ${load.peakPer10Min} 次${at(load.peakAt, '，于 ')}；泛滥时段 ${load.floods} 个。${VERDICTS[load.verdict].zh}（${source}：平均不超过 ${meanPer10Min.acceptable} 可接受，不超过 ${meanPer10Min.manageable} 可应付；10 分钟超过 ${floodAbove} 次为泛滥）`,
    en: `Alarm load: ${grouped(load.alarms)}, mean per 10 min ${fixed(load.meanPer10Min)}, peak ${load.peakPer10Min}${at(load.peakAt, ' at ')}; ${load.floods} periods of flood. ${VERDICTS[load.verdict].en} (${source}: a mean up to ${meanPer10Min.acceptable} is acceptable, up to ${meanPer10Min.manageable} manageable; more than ${floodAbove} in 10 min are a flood)`,
  });
  terminal.say({
    zh: `有告警的班次（8 小时）${grouped(load.shiftsWithAlarms)} / ${grouped(load.shiftsAll)}，最重的：`,
    en: `Shifts of 8 h with alarms: ${grouped(load.shiftsWithAlarms)} of ${grouped(load.shiftsAll)}; the heaviest:`,
  });
  const heaviest = [...load.shifts].sort((a, b) => b.alarms - a.alarms || a.from - b.from).slice(0, CHANGES_SHOWN_MAX);
  for (const shift of heaviest)
    terminal.say({
      zh: `  ${timeText(shift.from)}  ${shift.alarms} 次，平均 ${fixed(shift.meanPer10Min)}，最多 ${shift.peakPer10Min}`,
      en: `  ${timeText(shift.from)}  ${shift.alarms}, mean ${fixed(shift.meanPer10Min)}, peak ${shift.peakPer10Min}`,
    });
}

function showDifference({ difference, against }: BacktestReport, terminal: Terminal): void {
  if (difference === null || against === null) return;
  const { added, lost, earlier, later, changed, same } = difference;
  terminal.say('');
  terminal.say({
    zh: `与版本 ${against.version} 相比：新增 ${added.length}，消失 ${lost.length}，提前 ${earlier.length}，推迟 ${later.length}，其他变化 ${changed.length}，相同 ${same}`,
    en: `Against version ${against.version}: new ${added.length}, lost ${lost.length}, earlier ${earlier.length}, later ${later.length}, changed otherwise ${changed.length}, same ${same}`,
  });
  for (const [mark, list] of [
    ['+', added],
    ['-', lost],
  ] as const)
    for (const alert of list.slice(0, CHANGES_SHOWN_MAX)) terminal.say(`  ${mark} ${alertText(alert, terminal)}`);
  for (const { alert, shiftMs } of [...earlier, ...later].slice(0, CHANGES_SHOWN_MAX))
    terminal.say(`  ${shiftMs < 0 ? '<' : '>'} ${alertText(alert, terminal)}  ${shiftMs < 0 ? '−' : '+'}${Math.abs(shiftMs) / 60_000} min`);
  for (const change of changed.slice(0, CHANGES_SHOWN_MAX)) terminal.say(`  ~ ${alertText(change.alert, terminal)}`);
}

function countsOf(alerts: readonly Tried[], nameOf: (alert: Tried) => string): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const alert of alerts) counts.set(nameOf(alert), (counts.get(nameOf(alert)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function at(ms: number | null, before: string): string {
  return ms === null ? '' : `${before}${timeText(ms)}`;
}

function fixed(value: number): string {
  return value.toFixed(3);
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
