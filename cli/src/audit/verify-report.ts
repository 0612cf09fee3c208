/** `airtight verify` of a signed audit report or its page: who signed it, what it says, and that the page says the same. */
import { existsSync, readFileSync } from 'node:fs';
import { CODES } from '@airtight/protocol';
import { parseVkey, type Vkey } from '@airtight/tlog';
import { EnvironmentError, EXIT, type ExitCode } from '../command.ts';
import type { Terminal } from '../terminal.ts';
import { type OpenedReport, openReport } from './report.ts';
import { noteInPage } from './report-page.ts';
import { placeOf } from './stage-words.ts';

/**
 * @param text a signed note, or the page with it
 * @param keyFile with the auditor's verifier key
 * @returns EXIT.ok when the report is genuine and found nothing wrong
 */
export function verifyReport(text: string, keyFile: string, asJson: boolean, terminal: Terminal): ExitCode {
  const auditor = readVkeyFile(keyFile);
  const page = noteInPage(text);
  const opened: OpenedReport =
    page === undefined || page.isFaithful
      ? openReport(page?.note ?? text, [auditor])
      : { ok: false, code: 'AUDIT_REPORT_INVALID', detail: 'the page says something else than what was signed' };
  if (asJson) terminal.json(opened.ok ? { ok: true, report: opened.document } : opened);
  else show(opened, terminal);
  return opened.ok && opened.document.ok ? EXIT.ok : EXIT.found;
}

function show(opened: OpenedReport, terminal: Terminal): void {
  if (!opened.ok) {
    terminal.say(`${terminal.style('red', '✗')} ${opened.code} ${terminal.text(CODES[opened.code])}: ${opened.detail}`);
    return;
  }
  const { auditor, at, ok, findings, scope } = opened.document;
  terminal.say({
    zh: `${terminal.style('green', '✓')} ${auditor} 于 ${at} 签署的审计报告`,
    en: `${terminal.style('green', '✓')} An audit report that ${auditor} signed, of ${at}`,
  });
  const partly = scope.kind === 'all' ? { zh: '', en: '' } : { zh: '（仅部分）', en: ' (of a part)' };
  terminal.say(
    ok
      ? { zh: `结论${partly.zh}：全部相符。`, en: `Its verdict${partly.en}: everything matches.` }
      : { zh: `结论${partly.zh}：发现不符。`, en: `Its verdict${partly.en}: something does not match.` },
  );
  for (const finding of findings) terminal.say(`  ${finding.code} ${terminal.text(CODES[finding.code])}: ${placeOf(finding)}`);
}

/** @throws EnvironmentError when there is none: a signature of nobody in particular says nothing */
function readVkeyFile(file: string): Vkey {
  const vkey = existsSync(file) ? parseVkey(readFileSync(file, 'utf8').trim()) : undefined;
  if (vkey?.ok === true) return vkey.value;
  throw new EnvironmentError({
    zh: `没有可用的审计验证密钥 ${file}。请用 --auditor 给出您信任的审计方的密钥。`,
    en: `There is no usable verifier key of an auditor in ${file}. Say with --auditor whose reports you trust.`,
  });
}
