/** The alert that a finding of the running audit raises, of the highest severity, and what clears it. */
import { hash } from 'node:crypto';
import { type AlertCleared, type AlertRaised, AUDIT_ALERT, CODES, CONTROL_AGENCY } from '@airtight/protocol';
import { canonicalJson } from '@airtight/standards/rfc8785.ts';
import type { Finding } from '../audit/finding.ts';
import { placeOf } from '../audit/stage-words.ts';

/** Of SHA-256, in hex digits: as long as every alert's id. */
const ALERT_ID_LENGTH = 32;
/** Where a contract's version stands. */
const RULE_VERSION = 'airtight-audit@1';

/** The same finding of another time is another alert. */
export function auditAlertId(finding: Finding, since: number): string {
  return hash('sha256', canonicalJson({ audit: finding, since }), 'hex').slice(0, ALERT_ID_LENGTH);
}

export function auditAlert(finding: Finding, since: number): AlertRaised {
  const { code, stage, file = 'ledger', offset, position, detail } = finding;
  const { zh, en } = CODES[code];
  const place = placeOf(finding);
  return {
    v: 1,
    type: 'raise',
    n: 0,
    alert: auditAlertId(finding, since),
    at: since,
    since,
    contract: AUDIT_ALERT,
    version: RULE_VERSION,
    rule: code,
    severity: 'extreme',
    agency: CONTROL_AGENCY,
    dataset: AUDIT_ALERT,
    subject: file,
    values: { code, stage, file, detail, ...(offset === undefined ? {} : { offset }), ...(position === undefined ? {} : { position }) },
    message: { zh: `审计发现：${zh}。位置：${place}。`, en: `The audit has found: ${en}. Place: ${place}.` },
    evidence: position === undefined ? [] : [position],
  };
}

/** A later audit of the same place found nothing wrong; a person who acknowledges it closes it. */
export function auditAlertCleared(alert: string, at: number): AlertCleared {
  return {
    v: 1,
    type: 'clear',
    n: 1,
    alert,
    contract: AUDIT_ALERT,
    agency: CONTROL_AGENCY,
    at,
    values: { audited: 'clean' },
    evidence: [],
  };
}
