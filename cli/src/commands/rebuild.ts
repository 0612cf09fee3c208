/** `airtight rebuild`: throws the store away and makes it anew from the journal. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CODES } from '@airtight/protocol';
import { stoppedApiEnvironment } from '../audit/audit-store.ts';
import { DATA_OPTION, defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION } from '../command.ts';
import { type DataDirectory, dataDirectory, readInternalToken } from '../data-directory.ts';
import { readRunning } from '../endpoints.ts';
import { serveJournal } from '../journal/journal-feed.ts';
import { grouped, ProgressBar } from '../progress-bar.ts';

export const rebuildCommand = defineCommand({
  name: 'rebuild',
  summary: {
    zh: '丢弃查询库，从日志重建，并核对告警是否逐字节一致',
    en: 'throw the store away, make it anew from the journal, and check that the alerts come out the same',
  },
  details: {
    zh: '须先停止服务。新库完整后才替换旧库；日志只读不写。',
    en: 'The services must be stopped. The new store takes the old one’s place only when it is whole; the journal is only read.',
  },
  operands: '',
  options: { data: DATA_OPTION, json: JSON_OPTION },
  async run(values, _operands, terminal): Promise<ExitCode> {
    const data = dataDirectory(values.data);
    assertStopped(data);
    const { loadApiConfig, rebuildStore } = await import('@airtight/api');
    const feed = await serveJournal(join(data.journal, 'records'), readInternalToken(data));
    let bar: ProgressBar | undefined;
    try {
      const { through, expired, alerts, code } = await rebuildStore(loadApiConfig(stoppedApiEnvironment(data, feed.url)), (done, total) => {
        bar ??= new ProgressBar(total);
        terminal.progress(bar.line(done, performance.now()));
      });
      const { recomputed, recorded, unrecorded, uncheckable, differences } = alerts;
      if (values.json === true) {
        terminal.json({ ok: code === null, code, through, expired, alerts });
        return code === null ? EXIT.ok : EXIT.found;
      }
      terminal.say({
        zh: `已从 ${grouped(through)} 条记录重建。告警变化：记录 ${recorded} 条，重算 ${recomputed} 条，待写入 ${unrecorded} 条。`,
        en: `Rebuilt from ${grouped(through)} records. Alert transitions: ${recorded} recorded, ${recomputed} recomputed, ${unrecorded} not on record yet.`,
      });
      if (expired > 0) {
        terminal.say({
          zh: `其中 ${grouped(expired)} 条的内容已按保留策略删除；${grouped(uncheckable)} 条告警变化因此无法核对，合约状态沿用原有的。`,
          en: `The payloads of ${grouped(expired)} were removed by policy; ${grouped(uncheckable)} alert transitions cannot be checked for that, and the state of the contracts is the one there was.`,
        });
      }
      if (code === null) {
        terminal.say({ zh: '重算的告警与记录逐字节一致。', en: 'The recomputed alerts are byte-equal to the recorded ones.' });
        return EXIT.ok;
      }
      terminal.say(`${terminal.style('red', code)} ${terminal.text(CODES[code])}`);
      for (const { position, alert, detail } of differences) terminal.say(`  record ${position}, alert ${alert}: ${detail}`);
      return EXIT.found;
    } finally {
      await feed.close();
    }
  },
});

function assertStopped(data: DataDirectory): void {
  const running = readRunning(data);
  if (running !== undefined) {
    throw new EnvironmentError({
      zh: `服务正在运行（进程 ${running.pid}）。请先停止 airtight up，再重建。`,
      en: `The services are running (process ${running.pid}). Stop "airtight up" first, then rebuild.`,
    });
  }
  if (!existsSync(data.journal)) {
    throw new EnvironmentError({
      zh: `${data.root} 不是数据目录：没有 journal/`,
      en: `${data.root} is no data directory: there is no journal/`,
    });
  }
}
