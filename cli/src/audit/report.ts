/**
 * The signed report of an audit (docs/reference/audit.md): a signed note (c2sp.org/signed-note) whose text is one line of
 * canonical JSON (RFC 8785). The printable page carries the note and is made from it, so it can say nothing else.
 */
import { CODES, type Code } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import { formatNote, openNote, parseNote, type Vkey } from '@airtight/tlog';
import type { AuditorKey } from './auditor-key.ts';
import type { AuditStage, Finding } from './finding.ts';
import type { SampleStatement } from './scope.ts';

export const REPORT_FORMAT = 'airtight-audit@1';

export interface StageReport {
  readonly stage: AuditStage;
  readonly counts: { readonly [what: string]: number };
  readonly finding?: Finding;
  readonly remark?: { readonly zh: string; readonly en: string };
}

export interface AuditDocument {
  readonly format: typeof REPORT_FORMAT;
  readonly ok: boolean;
  /** RFC 3339: when the audit began, and how long it took. */
  readonly at: string;
  readonly tookMs: number;
  /** Name of the auditor's key. */
  readonly auditor: string;
  readonly versions: { readonly airtight: string; readonly node: string };
  /** What the ledger's checkpoint was; null when there was none that could be read. */
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
  readonly scope: {
    readonly kind: 'all' | 'since' | 'sample';
    readonly since: string | null;
    readonly sample: SampleStatement | null;
  };
  /** Whether the services were running. */
  readonly live: boolean;
  readonly stages: readonly StageReport[];
  readonly findings: readonly Finding[];
}

/** The report as a signed note. */
export function signReport(document: Omit<AuditDocument, 'format' | 'auditor'>, key: AuditorKey): string {
  const text = `${canonicalJson({ format: REPORT_FORMAT, auditor: key.vkey.name, ...document })}\n`;
  return formatNote(text, [key.sign(text)]);
}

/** True for what looks like a report, whoever signed it. */
export function isReport(text: string): boolean {
  const note = parseNote(Buffer.from(text));
  return note.ok && readDocument(note.value.text) !== undefined;
}

export type OpenedReport =
  | { readonly ok: true; readonly document: AuditDocument }
  | { readonly ok: false; readonly code: Code; readonly detail: string };

/** @param auditors keys of which one must have signed */
export function openReport(note: string, auditors: readonly Vkey[]): OpenedReport {
  const opened = openNote(Buffer.from(note), auditors);
  if (!opened.ok) return { ok: false, code: 'AUDIT_REPORT_INVALID', detail: `${opened.code}: ${opened.detail}` };
  const document = readDocument(opened.value.text);
  if (document === undefined) return { ok: false, code: 'AUDIT_REPORT_INVALID', detail: `not of the format ${REPORT_FORMAT}` };
  if (!opened.value.verified.some(({ vkey }) => vkey.name === document.auditor)) {
    return { ok: false, code: 'AUDIT_REPORT_INVALID', detail: `it names the auditor ${document.auditor}, who has not signed` };
  }
  return { ok: true, document };
}

/** The document in a note's text, if it is one; its signature is not looked at. */
export function readDocument(text: string): AuditDocument | undefined {
  try {
    const document = JSON.parse(text) as AuditDocument | null;
    const isWhole =
      document?.format === REPORT_FORMAT &&
      `${canonicalJson(document)}\n` === text &&
      typeof document.ok === 'boolean' &&
      Array.isArray(document.stages) &&
      Array.isArray(document.findings) &&
      document.findings.every(({ code }) => Object.hasOwn(CODES, code)) &&
      document.ok === (document.findings.length === 0);
    return isWhole ? document : undefined;
  } catch {
    return undefined;
  }
}
