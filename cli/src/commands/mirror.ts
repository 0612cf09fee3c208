/** `airtight mirror`: a full copy of a region's evidence, checked as it comes. */
import { readFileSync } from 'node:fs';
import { CODES } from '@airtight/protocol';
import { defineCommand, EnvironmentError, EXIT, type ExitCode, JSON_OPTION, UsageError } from '../command.ts';
import { sourceOf } from '../mirror/mirror-source.ts';
import { type MirrorResult, runMirror } from '../mirror/run-mirror.ts';
import { grouped, ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';

export const mirrorCommand = defineCommand({
  name: 'mirror',
  summary: {
    zh: '完整复制一个地区的账本、批次与记录，边取边核验',
    en: 'keep a full copy of a region: ledger, batches and records, checked as they come',
  },
  details: {
    zh: '来源可为运行中的地区（http://…）或数据目录。再次运行只取新增部分，中断后从断点继续。来源与镜像已有内容矛盾时（分叉、改写、缺失）拒绝并保留证据。airtight audit OUT 可审计镜像。退出码 0：一致；1：发现矛盾。',
    en: 'The source is a running region (http://…) or a data directory. A second run fetches only what is new; an interrupted one goes on. When the source contradicts what the mirror holds (a fork, a rewrite, something left out) it is refused and the evidence kept. airtight audit OUT audits the mirror. Exit code 0: all agrees; 1: a contradiction.',
  },
  operands: 'URL|DIR',
  options: {
    out: { type: 'string', value: 'DIR', doc: { zh: '镜像目录', en: 'folder of the mirror' } },
    vkey: {
      type: 'string',
      value: 'FILE',
      doc: {
        zh: '账本的验证密钥（首次运行不给则取自来源）',
        en: "the ledger's verifier key (without it the first run takes the source's word)",
      },
    },
    'token-file': {
      type: 'string',
      value: 'FILE',
      doc: { zh: 'API 令牌文件；管理员令牌取得全部内容', en: 'file with an API token; one of an administrator gets every payload' },
    },
    json: JSON_OPTION,
  },
  async run(values, operands, terminal): Promise<ExitCode> {
    const [from, ...more] = operands;
    if (from === undefined || more.length > 0 || values.out === undefined)
      throw new UsageError({ zh: '请给出来源，并用 --out 给出镜像目录', en: 'name the source, and the folder of the mirror with --out' });
    const isQuiet = values.json === true;
    const result = await runMirror({
      source: sourceOf(from, values['token-file'] === undefined ? undefined : readTextFile(values['token-file'])),
      out: values.out,
      vkey: values.vkey === undefined ? undefined : readTextFile(values.vkey),
      ...progressOn(terminal),
      now: () => new Date(),
    });
    if (isQuiet) terminal.json(result);
    else show(result, values.out, terminal);
    return result.ok ? EXIT.ok : EXIT.found;
  },
});

function readTextFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new EnvironmentError({ zh: `读不到 ${file}`, en: `${file} cannot be read` });
  }
}

function progressOn(terminal: Terminal) {
  let bar: ProgressBar | undefined;
  let entries: ProgressBar | undefined;
  return {
    onLedger(done: number, total: number): void {
      bar ??= new ProgressBar(total);
      const line = bar.line(done, performance.now());
      terminal.progress({ zh: `账本 ${line.zh}`, en: `ledger ${line.en}` });
    },
    onJournal({ nextEntry, records }: { readonly nextEntry: number; readonly records: number }, ledgerSize: number): void {
      entries ??= new ProgressBar(ledgerSize);
      const line = entries.line(nextEntry, performance.now());
      terminal.progress({ zh: `批次 ${line.zh}（${grouped(records)} 条记录）`, en: `batches ${line.en} (${grouped(records)} records)` });
    },
  };
}

function show(
  { ok, ledger, batches, records, anchors, withheld, isKeyFromSource, finding }: MirrorResult,
  out: string,
  terminal: Terminal,
): void {
  const [entries, sealed, taken] = [ledger, batches, records].map(({ added }) => grouped(added));
  const totals = [ledger.size, batches.count, records.count].map(grouped);
  terminal.say({
    zh: `新增 ${entries} 个账本条目、${sealed} 个批次、${taken} 条记录；共有 ${totals.join('、')}。`,
    en: `Added ${entries} entries of the ledger, ${sealed} batches, ${taken} records; there are ${totals.join(', ')}.`,
  });
  if (anchors.count > 0)
    terminal.say({
      zh: `外部锚定的回执：新增 ${grouped(anchors.added)} 份，共 ${grouped(anchors.count)} 份。`,
      en: `Receipts of outside anchors: ${grouped(anchors.added)} added, there are ${grouped(anchors.count)}.`,
    });
  if (withheld.length > 0)
    terminal.say({ zh: `未提供内容、仅有哈希：${withheld.join(' ')}…`, en: `Handed out as hashes alone: ${withheld.join(' ')}…` });
  if (isKeyFromSource)
    terminal.say({
      zh: `验证密钥取自来源本身：请与另行公布的密钥核对（${out}/keys/ledger.vkey）。`,
      en: `The verifier key is the source's own word: compare ${out}/keys/ledger.vkey with what is published elsewhere.`,
    });
  if (finding !== null) {
    terminal.say(
      `${terminal.style('red', '✗')} ${finding.code} ${terminal.text(CODES[finding.code])} (${finding.kind})\n  ${finding.detail}\n  ${out}/${finding.evidence}`,
    );
  } else if (ok) terminal.say({ zh: '全部核验通过。', en: 'Everything was checked and agrees.' });
}
