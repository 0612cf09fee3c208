/**
 * The printable form of a report: one HTML file without scripts or anything from elsewhere, for A4, in both languages, the
 * verdict on top. The signed note stands in it, and the page follows from the note alone: the same note gives the same bytes.
 */
import { CODES } from '@airtight/protocol';
import { type AuditDocument, readDocument, type StageReport } from './report.ts';
import { countedAs, placeOf, STAGES } from './stage-words.ts';

const NOTE_OPEN = '<pre id="airtight-audit-report">';
const NOTE_CLOSE = '</pre>';

const STYLE = `@page{size:A4;margin:18mm}body{font:10.5pt/1.5 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#111;max-width:174mm;margin:8mm auto}
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:12pt;margin:7mm 0 2mm;border-bottom:.3mm solid #888}
.verdict{border:.6mm solid;padding:4mm 5mm;margin:4mm 0;font-size:13pt;font-weight:600}.ok{color:#0a5c2b}.bad{color:#a30d0d}
table{border-collapse:collapse;width:100%}td,th{border:.2mm solid #999;padding:1mm 2mm;text-align:left;vertical-align:top}th{background:#f2f2f2}
.n{text-align:right;white-space:nowrap}code,pre{font:8.5pt/1.4 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere;white-space:pre-wrap}tr{break-inside:avoid}`;

/** @param note of which readDocument gives a report */
export function reportPage(note: string): string {
  const document = readDocument(note.slice(0, note.indexOf('\n') + 1));
  if (document === undefined) throw new Error('the note holds no report');
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>清鉴 Airtight · 审计报告 audit report · ${htmlOf(document.at)}</title>
<style>${STYLE}</style></head><body>
<h1>审计报告 · Audit report</h1>
${verdictOf(document)}
${factsOf(document)}
${findingsOf(document)}
<h2>检查内容 · What was checked</h2>
<table><tr><th>部分 Part</th><th>数量 Counted</th><th>结果 Result</th></tr>
${document.stages.map(stageRow).join('\n')}
</table>
<h2>不证明的 · What this does not prove</h2>
<p>本报告说明所列文件在所列时间彼此一致，并与账本已签名的检查点一致。它不证明传感器测得真实，也不证明账本没有向他人出示另一份历史：后者由见证方的联署说明。</p>
<p lang="en">The report says that the files named agreed with each other, and with the signed checkpoint of the ledger, at the time named. It does not prove that a sensor measured the truth, nor that the ledger shows nobody another history: the cosignatures of witnesses speak for that.</p>
<h2>签名原文 · The signed text</h2>
<p>airtight verify 核验本页：签名有效，且页面与签名原文逐字节一致。<span lang="en">airtight verify checks this page: the signature, and that the page says exactly what was signed.</span></p>
${NOTE_OPEN}${htmlOf(note)}${NOTE_CLOSE}
</body></html>
`;
}

/** The note in a page; undefined when it is no such page, or says something else than its note. */
export function noteInPage(html: string): { readonly note: string; readonly isFaithful: boolean } | undefined {
  const from = html.lastIndexOf(NOTE_OPEN);
  const to = html.lastIndexOf(NOTE_CLOSE);
  if (from < 0 || to < from) return undefined;
  const note = plainOf(html.slice(from + NOTE_OPEN.length, to));
  const isReport = readDocument(note.slice(0, note.indexOf('\n') + 1)) !== undefined;
  return { note, isFaithful: isReport && reportPage(note) === html };
}

function verdictOf({ ok, findings, scope }: AuditDocument): string {
  const some = scope.kind === 'all' ? { zh: '', en: '' } : { zh: '（仅限所查范围）', en: ' (of what was looked at)' };
  return ok
    ? `<div class="verdict ok">全部相符${some.zh}。<br><span lang="en">Everything matches${some.en}.</span></div>`
    : `<div class="verdict bad">发现 ${findings.length} 处不符。<br><span lang="en">${findings.length} ${findings.length === 1 ? 'thing does' : 'things do'} not match.</span></div>`;
}

function factsOf({ at, tookMs, auditor, versions, checkpoint, scope, live }: AuditDocument): string {
  const rows: [string, string][] = [
    ['时间 Time', `${at} (${(tookMs / 1000).toFixed(1)} s)`],
    ['审计方 Auditor', auditor],
    ['账本 Ledger', checkpoint === null ? '–' : checkpoint.origin],
    ['检查点 Checkpoint', checkpoint === null ? '–' : `${checkpoint.size} 条 entries, ${checkpoint.root}`],
    ['范围 Scope', scopeText(scope)],
    ['服务 Services', live ? '运行中 running' : '已停止 stopped'],
    ['版本 Versions', `airtight ${versions.airtight}, node ${versions.node}`],
  ];
  return `<table>${rows.map(([name, value]) => `<tr><th>${name}</th><td>${htmlOf(value)}</td></tr>`).join('\n')}</table>`;
}

function scopeText({ kind, since, sample }: AuditDocument['scope']): string {
  const from = since === null ? '' : `自 ${since} 起 since ${since}`;
  if (kind === 'all') return '全部 everything';
  if (sample === null) return from;
  const { chosen, of, seed, missed, foundWith95 } = sample;
  const shares = missed.map(({ changedShare, probability }) => `${changedShare * 100} %: ${probability}`).join('; ');
  const found = foundWith95 === null ? '–' : `${(foundWith95 * 100).toPrecision(3)} %`;
  return `${from} 抽样 sample: ${chosen} / ${of} 批次 batches; 种子 seed ${seed}; 改动比例：漏检概率 share changed: probability of missing it – ${shares}; 95 % 可发现的最小比例 smallest share found with 95 %: ${found}`;
}

function findingsOf({ findings }: AuditDocument): string {
  if (findings.length === 0) return '';
  const rows = findings.map((finding) => {
    const { zh, en } = CODES[finding.code];
    return `<tr><td><code>${finding.code}</code><br>${htmlOf(zh)}<br><span lang="en">${htmlOf(en)}</span></td><td><code>${htmlOf(placeOf(finding))}</code><br>${htmlOf(finding.detail)}</td></tr>`;
  });
  return `<h2>不符之处 · Findings</h2>\n<table><tr><th>代码 Code</th><th>位置 Place</th></tr>\n${rows.join('\n')}\n</table>`;
}

function stageRow({ stage, counts, finding, remark }: StageReport): string {
  const counted = Object.entries(counts)
    .map(([what, count]) => `${count.toLocaleString('en-US')} ${countedAs(what).zh} ${countedAs(what).en}`)
    .join('<br>');
  const result = finding === undefined ? '<span class="ok">✓</span>' : `<span class="bad">✗ ${finding.code}</span>`;
  const said = remark === undefined ? '' : `<br>${htmlOf(remark.zh)}<br><span lang="en">${htmlOf(remark.en)}</span>`;
  return `<tr><td>${STAGES[stage].zh}<br><span lang="en">${STAGES[stage].en}</span></td><td class="n">${counted}</td><td>${result}${said}</td></tr>`;
}

function htmlOf(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function plainOf(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
}
